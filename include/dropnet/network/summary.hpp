#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "dropnet/network/any_network.hpp"

namespace dropnet {

namespace detail {

/// 1234567 -> "1,234,567"
inline std::string grouped(std::size_t n) {
  std::string s = std::to_string(n);
  for (std::size_t i = s.size(); i > 3; i -= 3) s.insert(i - 3, 1, ',');
  return s;
}

/// Rows of cells as lines of text; the first column to the left, the others to the right.
inline std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size()) widths.push_back(0);
      widths[i] = row[i].size() > widths[i] ? row[i].size() : widths[i];
    }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string gap(widths[i] - row[i].size(), ' ');
      if (i > 0) line.append(2, ' ').append(gap);
      line.append(row[i]);
      if (i == 0) line.append(gap);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text.append(line).append(1, '\n');
  }
  return text;
}

}  // namespace detail

/// A table of the network: per layer its output [channels x rows x columns], parameters, multiply-adds and activation
/// bytes per image, and how far the site that it lies behind has grown.
template <class Backend, class T>
std::string summary(const AnyNetwork<Backend, T>& net) {
  const Architecture& a = net.architecture();
  const auto shape = [](const std::array<int, 3>& s) {
    return std::to_string(s[0]) + "x" + std::to_string(s[1]) + "x" + std::to_string(s[2]);
  };
  const auto p_text = [](double p) {
    std::string s = std::to_string(p);
    return s.substr(0, 4);
  };
  std::vector<std::vector<std::string>> rows{{"layer", "output", "parameters", "multiply-adds", "bytes", "p"}};
  std::size_t parameters = 0, multiply_adds = 0, bytes = volume(a.input) * sizeof(T);
  rows.push_back({"input", shape(a.input), "", "", detail::grouped(bytes), ""});
  for (const LayerInfo& l : a.layers) {
    // A site mixes in New's place, which counts already.
    const std::size_t size = l.kind == "dropin" ? 0 : volume(l.output) * sizeof(T);
    parameters += l.parameters;
    multiply_adds += l.multiply_adds;
    bytes += size;
    rows.push_back({l.name, shape(l.output), detail::grouped(l.parameters), detail::grouped(l.multiply_adds), detail::grouped(size),
                    l.site < 0 ? "" : p_text(net.shares()[std::size_t(l.site)].p)});
  }
  rows.push_back({"total", "", detail::grouped(parameters), detail::grouped(multiply_adds), detail::grouped(bytes), ""});
  return detail::table(rows);
}

}  // namespace dropnet
