#pragma once

// Needs nlohmann-json.

#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/core/file.hpp"
#include "dropnet/core/version.hpp"
#include "dropnet/network/network.hpp"

namespace dropnet {

// The safetensors format: 8 bytes with the header's length (little-endian), a header in JSON that gives each tensor's
// type, shape and place, then the values. https://github.com/huggingface/safetensors

static_assert(std::endian::native == std::endian::little, "dropnet: weights.hpp writes the host's byte order, which must be little-endian");

/// What load_weights did.
struct LoadedWeights {
  std::vector<std::string> copied;
  std::vector<std::string> missing;   ///< in the network, not in the file
  std::vector<std::string> unused;    ///< in the file, not in the network
  std::vector<std::string> unfitting; ///< in both, with different shapes: "conv1_1.weight: 20x1x5x5 in the network, 20x3x5x5 in the file"
  std::vector<float> mean;            ///< what is to be subtracted from images, if the file says it: Dataset::less
  bool complete() const { return missing.empty() && unfitting.empty(); }
};

namespace detail {

/// Writes to a temporary name and renames: a reader sees the old file or the whole new one.
inline void write_whole(const std::string& path, const std::string& head, const void* data, std::size_t size) {
  const std::string temporary = path + ".part";
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(temporary.c_str(), "wb"), &std::fclose);
  if (!file) throw Error(temporary + ": cannot be written; is its folder there and writable?");
  const bool written = std::fwrite(head.data(), 1, head.size(), file.get()) == head.size() &&
                       std::fwrite(data, 1, size, file.get()) == size && std::fflush(file.get()) == 0;
  if (std::fclose(file.release()) != 0 || !written) {
    std::remove(temporary.c_str());
    throw Error(temporary + ": cannot be written to its end; is the disk full?");
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) throw Error(path + ": cannot be replaced");
}

inline std::vector<std::uint8_t> read_whole(const std::string& path) {
  File file(path);
  std::vector<std::uint8_t> bytes(file.length());
  file.read(bytes.data(), bytes.size());
  return bytes;
}

inline constexpr std::pair<Mask, const char*> mask_names[] = {
    {Mask::unit, "unit"}, {Mask::channel, "channel"}, {Mask::bernoulli, "bernoulli"}, {Mask::blend, "blend"}};
inline const char* mask_name(Mask mask) {
  for (const auto& [known, name] : mask_names)
    if (known == mask) return name;
  return "";
}
inline std::optional<Mask> mask_of(const std::string& name) {
  for (const auto& [mask, known] : mask_names)
    if (known == name) return mask;
  return {};
}

template <class T>
inline constexpr const char* safetensors_type = std::is_same_v<T, double> ? "F64" : "F32";

/// Not of the network: the mean that was subtracted from the images it learned from.
inline constexpr const char* mean_name = "input.mean";
template <class Shape>
std::vector<int> shape_of(Shape) { return {Shape::channels, Shape::height, Shape::width}; }

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
    std::uint64_t length = 0;
    if (bytes_.size() < 8) fail("truncated at offset " + std::to_string(bytes_.size()) + "; it is no safetensors file");
    std::memcpy(&length, bytes_.data(), 8);
    if (length > bytes_.size() - 8)
      fail("offset 0: a header of " + std::to_string(length) + " bytes does not fit the file; truncated, or no safetensors file");
    const std::size_t data = 8 + std::size_t(length);
    const auto header = nlohmann::json::parse(bytes_.begin() + 8, bytes_.begin() + std::ptrdiff_t(data), nullptr, false);
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

  /// A JSON list in the metadata, empty if there is none; throws nlohmann::json::exception.
  template <class T>
  std::vector<T> listed(const std::string& name) const {
    const auto found = metadata.find(name);
    return found == metadata.end() ? std::vector<T>{} : nlohmann::json::parse(found->second).get<std::vector<T>>();
  }

  template <class T>
  std::vector<T> values(const Entry& e) const {
    std::vector<T> to(e.count);
    for (std::size_t i = 0; i < e.count; ++i) to[i] = e.is_double ? T(at<double>(e, i)) : T(at<float>(e, i));
    return to;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(path_ + ": " + what); }

  Entry entry(const std::string& name, const nlohmann::json& value, std::size_t data) const {
    const std::string type = value.at("dtype").get<std::string>();
    if (type != "F32" && type != "F64") fail(name + " has values of type " + type + "; only F32 and F64 are read");
    Entry e{type == "F64", value.at("shape").get<std::vector<int>>(), 0, 1};
    const auto ends = value.at("data_offsets").get<std::vector<std::uint64_t>>();
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

}  // namespace detail

/// Writes a network's weights as a safetensors file, [out][in][row][column], with each site's p beside them, and, if it is
/// given, the mean image of what it learned from. Throws Error if the file cannot be written; an older one then stays as it
/// is.
template <class Net>
void save_weights(const Net& net, const std::string& path, std::span<const float> mean = {}) {
  using T = typename Net::scalar;
  if (!mean.empty() && mean.size() != Net::input::size)
    throw Error("dropnet: save_weights: a mean of " + std::to_string(mean.size()) + " values for images of " + std::to_string(Net::input::size));
  nlohmann::ordered_json header;
  header["__metadata__"] = {{"dropnet_version", std::to_string(DROPNET_VERSION)}};
  nlohmann::json p = nlohmann::json::array(), masks = nlohmann::json::array();
  for (const Share& s : net.shares()) {
    p.push_back(s.p);
    masks.push_back(detail::mask_name(s.mask));
  }
  header["__metadata__"]["dropin_p"] = p.dump();
  header["__metadata__"]["dropin_mask"] = masks.dump();

  std::vector<T> values;
  const auto append = [&](const std::string& name, const std::vector<int>& shape, const auto& own) {
    const std::size_t begin = values.size() * sizeof(T);
    values.insert(values.end(), own.begin(), own.end());
    header[name] = {{"dtype", detail::safetensors_type<T>}, {"shape", shape}, {"data_offsets", {begin, values.size() * sizeof(T)}}};
  };
  for (const TensorInfo& t : net.architecture().tensors) append(t.name, t.shape, net.read(t));
  if (!mean.empty()) append(detail::mean_name, detail::shape_of(typename Net::input{}), mean);
  std::string json = header.dump();
  json.append((8 - json.size() % 8) % 8, ' ');
  const std::uint64_t length = json.size();
  detail::write_whole(path, std::string(reinterpret_cast<const char*>(&length), 8) + json, values.data(), values.size() * sizeof(T));
}

/// Copies by name what fits and tells what did not. The sites' p are taken over if the file has as many.
/// Throws Error, and leaves the network as it was, if the file is damaged.
template <class Net>
LoadedWeights load_weights(Net& net, const std::string& path) {
  const detail::Safetensors file(path);
  LoadedWeights report;
  std::vector<Share> shares;
  try {
    const auto p = file.listed<double>("dropin_p");
    const auto masks = file.listed<std::string>("dropin_mask");
    for (std::size_t k = 0; k < p.size() && k < masks.size(); ++k) {
      if (!(p[k] >= 0 && p[k] <= 1)) throw Error(path + ": dropin_p holds a p outside [0, 1]");
      const auto mask = detail::mask_of(masks[k]);
      if (!mask) throw Error(path + ": dropin_mask holds '" + masks[k] + "', which is no mask");
      shares.push_back({p[k], *mask});
    }
  } catch (const nlohmann::json::exception&) {
    throw Error(path + ": the sites' p cannot be read; the file is damaged");
  }
  auto left = file.tensors;
  if (const auto mean = left.find(detail::mean_name); mean != left.end()) {
    if (mean->second.shape == detail::shape_of(typename Net::input{})) {
      report.mean = file.values<float>(mean->second);
      left.erase(mean);
    }
  }
  for (const TensorInfo& t : net.architecture().tensors) {
    const auto found = file.tensors.find(t.name);
    if (found == file.tensors.end()) {
      report.missing.push_back(t.name);
      continue;
    }
    left.erase(t.name);
    if (found->second.shape != t.shape) {
      report.unfitting.push_back(t.name + ": " + detail::shape_text(t.shape) + " in the network, " +
                                 detail::shape_text(found->second.shape) + " in the file");
      continue;
    }
    net.write(t, file.values<typename Net::scalar>(found->second));
    report.copied.push_back(t.name);
  }
  for (const auto& [name, entry] : left) report.unused.push_back(name);
  if (shares.size() == net.shares().size()) std::copy(shares.begin(), shares.end(), net.shares().begin());
  return report;
}

}  // namespace dropnet
