#pragma once

// Needs nlohmann-json.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/files/whole.hpp"

// The safetensors format: 8 bytes with the header's length (little-endian), a header in JSON that gives each tensor's
// type, shape and place, then the values. https://github.com/huggingface/safetensors

namespace dropnet::detail {

static_assert(std::endian::native == std::endian::little, "dropnet: safetensors.hpp reads and writes the host's byte order, which must be little-endian");

template <class T>
inline constexpr const char* safetensors_type = std::is_same_v<T, double> ? "F64" : "F32";

inline std::string shape_text(const std::vector<int>& shape) {
  std::string text;
  for (int n : shape) text.append(text.empty() ? "" : "x").append(std::to_string(n));
  return text;
}

/// A safetensors file, checked: each tensor's values lie inside the file and fill its shape.
class Safetensors {
 public:
  struct Entry {
    bool is_double;
    std::vector<int> shape;
    std::size_t offset, count;
  };
  std::map<std::string, Entry> tensors;
  std::map<std::string, std::string> metadata;

  explicit Safetensors(const std::string& path) : path_(path), bytes_(read_whole(path)) {
    constexpr std::uint64_t most = 100'000'000;  // the format's own limit
    std::uint64_t length = 0;
    if (bytes_.size() < 8) fail("truncated at offset " + std::to_string(bytes_.size()) + "; it is no safetensors file");
    std::memcpy(&length, bytes_.data(), 8);
    if (length > bytes_.size() - 8 || length > most)
      fail("offset 0: a header of " + std::to_string(length) + " bytes does not fit the file; truncated, or no safetensors file");
    const std::size_t data = 8 + std::size_t(length);
    const auto* const text = reinterpret_cast<const char*>(bytes_.data());
    const auto header = nlohmann::json::parse(text + 8, text + data, nullptr, false);
    if (!header.is_object()) fail("offset 8: the header is not a JSON object");
    try {
      for (const auto& [name, value] : header.items()) {
        if (name == "__metadata__")
          metadata = value.get<std::map<std::string, std::string>>();
        else
          tensors[name] = entry(name, value, data);
      }
    } catch (const nlohmann::json::exception&) {
      fail("offset 8: the header does not follow the safetensors format");
    }
  }

  /// A JSON value in the metadata, null if there is none; throws nlohmann::json::exception.
  nlohmann::json meta(const std::string& name) const {
    const auto found = metadata.find(name);
    return found == metadata.end() ? nlohmann::json() : nlohmann::json::parse(found->second);
  }

  template <class T>
  std::vector<T> values(const Entry& e) const {
    std::vector<T> to(e.count);
    for (std::size_t i = 0; i < e.count; ++i) to[i] = e.is_double ? T(at<double>(e, i)) : T(at<float>(e, i));
    return to;
  }
  [[noreturn]] void fail(const std::string& what) const { throw Error(path_ + ": " + what); }

 private:
  /// A list of them and nothing else: the library would make a whole number of any other.
  std::vector<std::uint64_t> whole_numbers(const std::string& name, const nlohmann::json& list) const {
    std::vector<std::uint64_t> numbers;
    for (const auto& n : list) {
      if (!n.is_number_unsigned()) fail(name + ": " + n.dump().substr(0, 40) + " stands where a whole number of 0 or more must");
      numbers.push_back(n.get<std::uint64_t>());
    }
    return numbers;
  }
  Entry entry(const std::string& name, const nlohmann::json& value, std::size_t data) const {
    const std::string type = value.at("dtype").get<std::string>();
    if (type != "F32" && type != "F64") fail(name + " has values of type " + type + "; only F32 and F64 are read");
    Entry e{type == "F64", {}, 0, 1};
    for (const std::uint64_t n : whole_numbers(name, value.at("shape"))) {
      if (n > std::uint64_t(std::numeric_limits<int>::max())) fail(name + ": its shape does not fit the bytes that it has");
      e.shape.push_back(int(n));
    }
    const auto ends = whole_numbers(name, value.at("data_offsets"));
    const std::size_t room = bytes_.size() - data;
    if (ends.size() != 2 || ends[0] > ends[1] || ends[1] > room) fail(name + " lies outside the file, which may be truncated");
    const std::size_t scalars = std::size_t(ends[1] - ends[0]) / (e.is_double ? 8 : 4);
    for (int n : e.shape) {
      if (n < 1 || e.count > scalars / std::size_t(n)) fail(name + ": its shape does not fit the bytes that it has");
      e.count *= std::size_t(n);
    }
    if (e.count * (e.is_double ? 8 : 4) != ends[1] - ends[0]) fail(name + ": its shape does not fit the bytes that it has");
    e.offset = data + std::size_t(ends[0]);
    return e;
  }
  template <class U>
  U at(const Entry& e, std::size_t i) const {
    U value;
    std::memcpy(&value, bytes_.data() + e.offset + i * sizeof(U), sizeof(U));
    return value;
  }

  std::string path_;
  std::vector<std::uint8_t> bytes_;
};

/// Collects tensors and metadata, then writes them.
class SafetensorsWriter {
 public:
  void meta(const std::string& name, const std::string& value) { metadata_[name] = value; }
  template <class T>
  void tensor(const std::string& name, const std::vector<int>& shape, const std::vector<T>& values) {
    add(name, safetensors_type<T>, shape, std::as_bytes(std::span(values)));
  }
  /// With `replacing`, an older file stays as it is until the new one is whole; else the name must be a new one.
  void write(const std::string& path, bool replacing) const {
    nlohmann::ordered_json header;
    header["__metadata__"] = metadata_;
    header.update(tensors_);
    std::string json = header.dump();
    json.append((8 - json.size() % 8) % 8, ' ');
    const std::uint64_t length = json.size();
    const auto parts = {std::as_bytes(std::span(&length, 1)), std::as_bytes(std::span(json)), std::span<const std::byte>(values_)};
    replacing ? write_whole(path, parts) : write_new(path, parts);
  }

 private:
  void add(const std::string& name, const char* type, const std::vector<int>& shape, std::span<const std::byte> bytes) {
    const std::size_t begin = values_.size();
    values_.insert(values_.end(), bytes.begin(), bytes.end());
    tensors_[name] = {{"dtype", type}, {"shape", shape}, {"data_offsets", {begin, values_.size()}}};
  }
  nlohmann::ordered_json tensors_ = nlohmann::ordered_json::object();
  std::map<std::string, std::string> metadata_;
  std::vector<std::byte> values_;
};

}  // namespace dropnet::detail
