#pragma once

#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "dropnet/core/error.hpp"
#include "dropnet/train/observer.hpp"

namespace dropnet {

namespace detail {

/// CRC-32C, as TensorFlow's record files mask it.
inline std::uint32_t masked_crc(std::string_view bytes) {
  std::uint32_t crc = 0xffffffffu;
  for (const char c : bytes) {
    crc ^= std::uint8_t(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
  }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

// Protocol buffers' wire format.
template <class T>
std::string little_endian(T value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof value; ++i) bytes += char(std::uint8_t(value >> (8 * i)));
  return bytes;
}
inline std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 128; value >>= 7) bytes += char(value | 128);
  return bytes + char(value);
}
inline std::string whole_field(int number, std::uint64_t value) { return varint(std::uint64_t(number) << 3) + varint(value); }
inline std::string double_field(int number, double value) { return varint(std::uint64_t(number) << 3 | 1) + little_endian(std::bit_cast<std::uint64_t>(value)); }
inline std::string bytes_field(int number, std::string_view value) { return varint(std::uint64_t(number) << 3 | 2) + varint(value.size()) + std::string(value); }
inline std::string float_field(int number, float value) { return varint(std::uint64_t(number) << 3 | 5) + little_endian(std::bit_cast<std::uint32_t>(value)); }

}  // namespace detail

/// Writes the records as scalars for TensorBoard: train/loss, test/accuracy and so on, in FOLDER/events.out.tfevents.TIME.dropnet.
class TensorBoard : public Observer {
 public:
  /// A run that goes on behind iteration `after` takes back what an earlier one has shown of later ones.
  /// Throws Error if the file cannot be written.
  explicit TensorBoard(const std::string& folder, std::int64_t after = 0)
      : path_(folder + "/events.out.tfevents." + std::to_string(std::int64_t(now() * 1000)) + ".dropnet"), file_(std::fopen(path_.c_str(), "wb"), &std::fclose) {
    if (!file_) throw Error(path_ + ": cannot be written; is its folder there and writable?");
    event(0, detail::bytes_field(3, "brain.Event:2"));
    constexpr std::uint64_t start = 1;
    if (after > 0) event(after + 1, detail::bytes_field(7, detail::whole_field(1, start)));
  }

  /// Throws Error if the disk does not take it.
  void record(const Record& r) override {
    const std::string phase = r.phase == Record::train ? "train/" : "test/";
    std::string values;
    const auto add = [&](const std::string& tag, double value) {
      if (!std::isnan(value)) values += detail::bytes_field(1, detail::bytes_field(1, tag) + detail::float_field(2, float(value)));
    };
    add(phase + "loss", r.loss);
    add(phase + "accuracy", r.accuracy);
    add(phase + "images_per_second", r.images_per_second);
    if (r.phase == Record::train) {
      add("learning_rate", r.learning_rate);
      add("p", r.p);
    }
    event(r.iteration, detail::bytes_field(5, values));
  }

 private:
  static double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }
  void event(std::int64_t step, const std::string& what) {
    const std::string data = detail::double_field(1, now()) + detail::whole_field(2, std::uint64_t(step)) + what;
    const std::string length = detail::little_endian(std::uint64_t(data.size()));
    const std::string all = length + detail::little_endian(detail::masked_crc(length)) + data + detail::little_endian(detail::masked_crc(data));
    if (std::fwrite(all.data(), 1, all.size(), file_.get()) != all.size() || std::fflush(file_.get()) != 0)
      throw Error(path_ + ": cannot be written to its end; is the disk full?");
  }
  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

}  // namespace dropnet
