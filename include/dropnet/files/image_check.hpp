#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

// What stb_image, as Debian 12 has it, does not look at before it takes memory or writes. docs/reliability.md lists how that was
// found.

namespace dropnet::detail {

/// Whether a PNG file holds the chunks that it announces; true of other files.
inline bool png_chunks_fit(std::span<const std::uint8_t> file) {
  if (file.size() < 8 || file[0] != 0x89 || file[1] != 'P') return true;
  for (std::size_t at = 8; at + 8 <= file.size();) {
    const std::size_t length = std::size_t(file[at]) << 24 | std::size_t(file[at + 1]) << 16 | std::size_t(file[at + 2]) << 8 | file[at + 3];
    if (length + 12 > file.size() - at) return false;
    if (file[at + 4] == 'I' && file[at + 5] == 'E') return true;  // IEND
    at += 12 + length;
  }
  return true;
}

/// Whether every Huffman table of a JPEG file (segment DHT) has at most the 256 codes that one can have, and
/// fills its segment; true of other files.
inline bool jpeg_tables_fit(std::span<const std::uint8_t> file) {
  if (file.empty() || file[0] != 0xff) return true;  // none
  constexpr int huffman_tables = 0xc4, start_of_scan = 0xda;
  for (std::size_t at = 0; at + 4 <= file.size();) {
    const int marker = file[at + 1];
    // Stuffed bytes, fill bytes and restarts lie in a scan, SOI and EOI have no segment.
    if (file[at] != 0xff || marker == 0x00 || marker == 0xff || (marker >= 0xd0 && marker <= 0xd9)) {
      ++at;
      continue;
    }
    const std::size_t length = std::size_t(file[at + 2]) << 8 | file[at + 3];
    if (length < 2 || at + 2 + length > file.size()) return marker != huffman_tables;
    if (marker == huffman_tables) {
      const std::size_t end = at + 2 + length;
      std::size_t table = at + 4;
      while (table + 17 <= end) {
        std::size_t codes = 0;
        for (std::size_t i = 1; i <= 16; ++i) codes += file[table + i];
        if (codes > 256) return false;
        table += 17 + codes;
      }
      if (table != end) return false;  // stb would read on behind the segment
    }
    at += marker == start_of_scan ? 2 : 2 + length;
  }
  return true;
}

}  // namespace dropnet::detail
