// Folders of image files, and the few large files that they are packed into.

#include <doctest/doctest.h>

#include <cstdint>
#include <dropnet/data/image_folder.hpp>
#include <dropnet/data/packed.hpp>
#include <dropnet/dropnet.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

using namespace dropnet;
namespace fs = std::filesystem;

namespace {

/// A folder that is there as long as this.
struct Folder {
  fs::path path = fs::absolute("image_folder_test");
  Folder() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  std::string at(const std::string& name) const { return (path / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(at(name)).parent_path());
    std::ofstream(at(name), std::ios::binary) << text;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(at(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// A PNG file of one colour, but for its left and right quarters.
  void picture(const std::string& name, int height, int width, std::vector<std::uint8_t> colour) const {
    fs::create_directories(fs::path(at(name)).parent_path());
    Picture p{3, height, width, {}};
    for (int c = 0; c < 3; ++c)
      for (int r = 0; r < height; ++r)
        for (int q = 0; q < width; ++q) p.bytes.push_back(q < width / 4 || q >= width - width / 4 ? 255 : colour[std::size_t(c)]);
    save_image(p, at(name));
  }
};

/// Two classes of three and two training images, one damaged; one validation image.
struct Source : Folder {
  Source() {
    picture("in/train/ant/1.PNG", 4, 8, {10, 20, 30});
    picture("in/train/ant/2.png", 6, 12, {11, 21, 31});
    write("in/train/ant/3.jpeg", "no image");
    write("in/train/ant/notes.txt", "no image either");
    picture("in/train/bee/1.png", 4, 8, {90, 80, 70});
    picture("in/train/bee/2.png", 8, 16, {91, 81, 71});
    picture("in/val/bee/9.png", 4, 8, {92, 82, 72});
    write("in/classes.txt", "bee\tbee, or bumblebee\nwasp\twasp\n");
  }
};

}  // namespace

TEST_CASE("a folder of classes: files and labels in the order of names") {
  const Source s;
  const auto train = list_images(s.at("in/train"));
  CHECK(train.classes == std::vector<std::string>{"ant", "bee"});
  CHECK(train.labels == std::vector<int>{0, 0, 0, 1, 1});
  CHECK(train.files.front() == s.at("in/train/ant/1.PNG"));
  CHECK(train.files.back() == s.at("in/train/bee/2.png"));
  CHECK(list_images(s.at("in/val"), train.classes).labels == std::vector<int>{1});
  CHECK_THROWS_WITH_AS(list_images(s.at("in/val"), {"ant", "wasp"}), doctest::Contains("val/bee: a class that the training images do not have"), Error);
  CHECK_THROWS_WITH_AS(list_images(s.at("in/train/ant")), doctest::Contains("there must be a folder for each class"), Error);
  CHECK_THROWS_WITH_AS(list_images(s.at("nowhere")), doctest::Contains("nowhere: the folder cannot be read"), Error);
}

TEST_CASE("a picture covers its size and loses its sides, or is stretched") {
  const Source s;
  CHECK(load_image(s.at("in/train/ant/1.PNG"), 3, 4, 4, Fit::cover).bytes[0] == 10);
  CHECK(load_image(s.at("in/train/ant/1.PNG"), 3, 4, 4).bytes[0] > 100);
  s.picture("high.png", 12, 4, {7, 8, 9});
  const auto high = load_image(s.at("high.png"), 3, 6, 6, Fit::cover);
  CHECK(high.bytes.size() == 3 * 6 * 6);
  CHECK(high.bytes[0] > 200);  // as wide as it was: its sides are there
  CHECK(high.bytes[3] < 50);
}

TEST_CASE("packed images are the files' own, whatever the number of threads; what cannot be read is left out and named") {
  const Source s;
  std::map<std::string, std::size_t> told;
  const auto [train, val] = pack_folder(s.at("in"), s.at("out"), 4, 1, [&](const std::string& part, std::size_t done, std::size_t files) {
    CHECK(done <= files);
    told[part] = files;
  });
  CHECK(told == std::map<std::string, std::size_t>{{"train", 5}, {"val", 1}});
  CHECK(train.images == 4);
  REQUIRE(train.left_out.size() == 1);
  CHECK(train.left_out[0].find("in/train/ant/3.jpeg: ") != std::string::npos);
  CHECK(val.images == 1);
  CHECK(val.left_out.empty());

  const auto packed = load_packed(s.at("out"));
  CHECK(packed.classes == std::vector<std::string>{"ant", "bee, or bumblebee"});
  CHECK(packed.train.size() == 4);
  CHECK(packed.train.channels() == 3);
  CHECK(packed.train.stored() == Size(4, 4));
  CHECK(packed.train.scale() == 1);
  CHECK(packed.mean == mean_image(packed.train));
  std::map<int, int> first_bytes;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto image = packed.train.bytes().subspan(i * 48, 48);
    for (const std::size_t k : {15u, 16u, 47u}) CHECK(int(image[k]) == (image[0] < 50 ? image[0] + 10 * int(k / 16) : image[0] - 10 * int(k / 16)));
    first_bytes[image[0]] = packed.train.labels()[i];
  }
  CHECK(first_bytes == std::map<int, int>{{10, 0}, {11, 0}, {90, 1}, {91, 1}});
  CHECK(packed.test.labels()[0] == 1);
  CHECK(packed.test.bytes()[47] == 72);

  const auto images = s.read("out/train-images-idx4-ubyte"), labels = s.read("out/train-labels-idx1-int");
  CHECK(images.size() == 4 + 4 * 4 + 4 * 48);
  pack_folder(s.at("in"), s.at("out"), 4, 3);  // over what is there
  CHECK(s.read("out/train-images-idx4-ubyte") == images);
  CHECK(s.read("out/train-labels-idx1-int") == labels);
  for (const auto& file : fs::directory_iterator(s.at("out"))) CHECK(file.path().extension() != ".part");

  float x[3 * 2 * 2];
  packed.train.crop(2, 2).less(packed.mean).image(0, x);
  CHECK(x[0] == float(packed.train.bytes()[0]) - packed.mean[0]);
}

TEST_CASE("packing leaves nothing behind where it fails") {
  const Source s;
  s.write("bad/train/ant/1.png", "no image");
  s.write("bad/val/ant/1.png", "no image");
  CHECK_THROWS_WITH_AS(pack_folder(s.at("bad"), s.at("out"), 4), doctest::Contains("no other image can be read either"), Error);
  CHECK(fs::is_empty(s.at("out")));
  CHECK_THROWS_WITH_AS(pack_folder(s.at("in"), s.at("in/train/.."), 4), doctest::Contains("is where the images are"), Error);
  CHECK(s.read("in/classes.txt").size() > 10);
  s.write("file", "");
  CHECK_THROWS_WITH_AS(pack_images(list_images(s.at("in/train")), 4, s.at("file/train")), doctest::Contains("cannot be opened"), Error);
}

TEST_CASE("packed files that are damaged, or of two minds, are refused") {
  const Source s;
  pack_folder(s.at("in"), s.at("out"), 4);
  const auto refused = [&](const std::string& name, const std::string& text, const char* why) {
    const auto good = s.read("out/" + name);
    s.write("out/" + name, text);
    CHECK_THROWS_WITH_AS(load_packed(s.at("out")), doctest::Contains(why), Error);
    s.write("out/" + name, good);
    load_packed(s.at("out"));
  };
  const auto images = s.read("out/train-images-idx4-ubyte"), labels = s.read("out/val-labels-idx1-int"), mean = s.read("out/train-mean-idx3-float");
  for (std::size_t length = 0; length < 22; ++length) refused("train-images-idx4-ubyte", images.substr(0, length), "truncated");
  refused("train-images-idx4-ubyte", images.substr(0, images.size() - 1), "truncated");
  refused("train-images-idx4-ubyte", images + "x", "goes on for 1 bytes");
  refused("train-images-idx4-ubyte", mean, "no uncompressed IDX file of bytes with 4 dimensions");
  refused("val-labels-idx1-int", labels.substr(0, labels.size() - 1), "truncated");
  refused("val-labels-idx1-int", labels.substr(0, labels.size() - 1) + char(2), "label 2 of image 0; classes.txt has 2 classes");
  refused("val-labels-idx1-int", labels.substr(0, labels.size() - 4) + std::string(4, char(-1)), "label -1 of image 0");
  refused("train-labels-idx1-int", labels, "1 labels for the 4 images");
  refused("train-mean-idx3-float", s.read("out/val-labels-idx1-int"), "inside the header");
  refused("classes.txt", "", "classes.txt: cannot be read, or has no line");
  pack_images(list_images(s.at("in/val"), {"ant", "bee"}), 3, s.at("out/val"));
  CHECK_THROWS_WITH_AS(load_packed(s.at("out")), doctest::Contains("a mean of 48 values for training images of 48 and validation images of 27"), Error);
}
