#pragma once

// Needs stb_image, as dropnet/image.hpp does: link dropnet::image.

#include <algorithm>
#include <bit>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/core/random.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/cpu/backend.hpp"
#include "dropnet/data/batches.hpp"
#include "dropnet/data/idx.hpp"
#include "dropnet/files/whole.hpp"
#include "dropnet/image.hpp"

namespace dropnet {

/// Image files in a folder for each class, FOLDER/CLASS/*.jpg, .jpeg or .png.
struct ImageFolder {
  std::vector<std::string> classes;
  std::vector<std::string> files;
  std::vector<int> labels;  ///< of each file, its class
};

/// What lies there, classes and files in the order of their names. With `classes` given it has no others. Throws Error if the folder
/// cannot be read, has another class, or has no image.
inline ImageFolder list_images(const std::string& folder, const std::vector<std::string>& classes = {}) {
  namespace fs = std::filesystem;
  const auto sorted = [](const std::string& path) {
    std::error_code failure;
    std::vector<fs::path> entries;
    for (fs::directory_iterator i(path, failure), end; !failure && i != end; i.increment(failure)) entries.push_back(i->path());
    if (failure) throw Error(path + ": the folder cannot be read: " + failure.message());
    std::sort(entries.begin(), entries.end());
    return entries;
  };
  const auto is_image = [](const fs::path& path) {
    std::string end = path.extension().string();
    for (char& c : end) c = char(std::tolower(static_cast<unsigned char>(c)));
    return end == ".jpg" || end == ".jpeg" || end == ".png";
  };
  ImageFolder found{classes, {}, {}};
  for (const auto& entry : sorted(folder)) {
    if (!fs::is_directory(entry)) continue;
    const std::string name = entry.filename().string();
    const auto known = std::find(classes.begin(), classes.end(), name);
    if (!classes.empty() && known == classes.end()) throw Error(entry.string() + ": a class that the training images do not have");
    const int label = int(classes.empty() ? found.classes.size() : std::size_t(known - classes.begin()));
    if (classes.empty()) found.classes.push_back(name);
    for (const auto& file : sorted(entry.string()))
      if (is_image(file)) {
        found.files.push_back(file.string());
        found.labels.push_back(label);
      }
  }
  if (found.files.empty()) throw Error(folder + ": no images; there must be a folder for each class, with .jpg, .jpeg or .png files in it");
  return found;
}

namespace detail {

/// What a file says of the classes, lines of NAME TAB WORDS; of others, or without a file, the names themselves.
inline std::vector<std::string> class_names(const std::string& path, std::vector<std::string> classes) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t tab = line.find('\t');
    const auto found = std::find(classes.begin(), classes.end(), line.substr(0, tab));
    if (tab != std::string::npos && found != classes.end()) *found = line.substr(tab + 1);
  }
  return classes;
}

}  // namespace detail

/// What came of packing.
struct PackReport {
  std::size_t images = 0;
  std::vector<std::string> left_out;  ///< a line for each file that cannot be read
  std::vector<float> mean;            ///< of the images packed, as mean_image gives it
};

/// Writes images as PREFIX-images-idx4-ubyte and PREFIX-labels-idx1-int, each scaled to cover `size`, its middle cut out, as RGB, in an
/// order drawn once, so that the first ones are of all classes. Tells `progress` how many files are done. With 0 threads it takes as
/// many as the machine has. Files that cannot be read are left out; throws Error if none can, or the packed ones cannot be written, and
/// then leaves nothing of them.
inline PackReport pack_images(const ImageFolder& from, Size size, const std::string& prefix, int threads = 0,
                              const std::function<void(std::size_t)>& progress = {}) {
  Cpu cpu(threads);
  constexpr std::size_t channels = 3, head_length = 4 + 4 * 4;
  const std::size_t pixels = channels * std::size_t(size.height) * std::size_t(size.width), at_once = 32 * std::size_t(cpu.threads());
  const std::string path = prefix + "-images-idx4-ubyte", labels_path = prefix + "-labels-idx1-int", temporary = path + ".part";
  const auto order = shuffled(from.files.size(), Seed{0}, 0);
  PackReport report;
  std::vector<std::uint64_t> sums(pixels);
  std::vector<std::uint8_t> labels, images(at_once * pixels);
  std::vector<std::string> failures(at_once);
  try {
    detail::Descriptor file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    file.reserve(head_length + from.files.size() * pixels);
    file.seek(head_length);
    for (std::size_t begin = 0; begin < order.size(); begin += at_once) {
      const std::size_t count = std::min(at_once, order.size() - begin);
      cpu.parallel(int(count), count * pixels * 100, [&](int i, int) {
        const std::size_t k = std::size_t(i);
        failures[k].clear();
        try {
          const auto picture = load_image(from.files[order[begin + k]], int(channels), size.height, size.width, Fit::cover);
          std::copy(picture.bytes.begin(), picture.bytes.end(), images.begin() + std::ptrdiff_t(k * pixels));
        } catch (const Error& e) {
          failures[k] = e.what();
        }
      });
      for (std::size_t k = 0; k < count; ++k) {
        if (!failures[k].empty()) {
          report.left_out.push_back(failures[k]);
          continue;
        }
        const auto image = std::span(images).subspan(k * pixels, pixels);
        for (std::size_t i = 0; i < pixels; ++i) sums[i] += image[i];
        file.write(std::as_bytes(image));
        detail::put_big_endian(std::uint32_t(from.labels[order[begin + k]]), labels);
        ++report.images;
      }
      if (progress) progress(begin + count);
    }
    if (report.images == 0) throw Error(report.left_out.front() + "; no other image can be read either");
    const auto count = std::uint32_t(report.images);
    const auto head = detail::IdxHead{detail::IdxType::byte, {count, channels, std::uint32_t(size.height), std::uint32_t(size.width)}}.bytes();
    const auto labels_head = detail::IdxHead{detail::IdxType::integer, {count}}.bytes();
    file.truncate(head_length + report.images * pixels);
    file.seek(0);
    file.write(std::as_bytes(std::span(head)));
    file.flush();
    detail::write_whole(labels_path, {std::as_bytes(std::span(labels_head)), std::as_bytes(std::span(labels))});
    std::filesystem::rename(temporary, path);
  } catch (...) {
    std::remove(temporary.c_str());
    throw;
  }
  for (const std::uint64_t sum : sums) report.mean.push_back(float(double(sum) / double(report.images)));
  return report;
}

/// Packs FOLDER/train and FOLDER/val into another folder, for load_packed. `progress` is told the part, how many of its files are done,
/// and how many there are. A class's name is that of its folder, or what FOLDER/classes.txt has behind it and a tab. Throws Error as above.
inline std::pair<PackReport, PackReport> pack_folder(const std::string& folder, const std::string& out, Size size, int threads = 0,
                                                     const std::function<void(const std::string&, std::size_t, std::size_t)>& progress = {}) {
  const auto train = list_images(folder + "/train"), val = list_images(folder + "/val", train.classes);
  std::filesystem::create_directories(out);
  if (std::filesystem::equivalent(folder, out)) throw Error(out + ": is where the images are; name another folder to pack them into");
  std::filesystem::remove(out + "/classes.txt");  // written last: where it is, all is
  const auto pack = [&](const std::string& part, const ImageFolder& images) {
    return pack_images(images, size, out + "/" + part, threads, [&](std::size_t done) {
      if (progress) progress(part, done, images.files.size());
    });
  };
  std::pair<PackReport, PackReport> reports;
  reports.first = pack("train", train);
  reports.second = pack("val", val);
  std::vector<std::uint8_t> mean = detail::IdxHead{detail::IdxType::real, {3, std::uint32_t(size.height), std::uint32_t(size.width)}}.bytes();
  for (const float value : reports.first.mean) detail::put_big_endian(std::bit_cast<std::uint32_t>(value), mean);
  detail::write_whole(out + "/train-mean-idx3-float", {std::as_bytes(std::span(mean))});
  std::string names;
  for (const auto& name : detail::class_names(folder + "/classes.txt", train.classes)) names += name + '\n';
  detail::write_whole(out + "/classes.txt", {std::as_bytes(std::span(names))});
  return reports;
}

}  // namespace dropnet
