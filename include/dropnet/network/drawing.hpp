#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "dropnet/core/version.hpp"
#include "dropnet/network/fingerprint.hpp"
#include "dropnet/network/any_network.hpp"

namespace dropnet {

namespace detail {

inline std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}
inline std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

}  // namespace detail

/// The network as JSON: its input, layers (with the layers that they take their inputs from, -1 for the network's), sites with their p.
template <class Backend, class T>
std::string summary_json(const AnyNetwork<Backend, T>& net) {
  const Architecture& a = net.architecture();
  const auto list = [](const auto& values) {
    std::string text;
    for (const auto v : values) text += (text.empty() ? "" : ", ") + std::to_string(v);
    return "[" + text + "]";
  };
  std::string text = "{\n  \"dropnet_version\": \"" DROPNET_VERSION_STRING "\",\n  \"fingerprint\": \"" + fingerprint(a) + "\",\n  \"input\": " +
                     list(a.input) + ",\n  \"parameters\": " + std::to_string(net.extent().parameters) + ",\n  \"layers\": [";
  for (const LayerInfo& l : a.layers)
    text += std::string(&l == &a.layers.front() ? "" : ",") + "\n    {\"name\": " + detail::quoted(l.name) + ", \"kind\": " + detail::quoted(l.kind) + ", \"output\": " + list(l.output) +
            ", \"parameters\": " + std::to_string(l.parameters) + ", \"multiply_adds\": " + std::to_string(l.multiply_adds) + ", \"site\": " + std::to_string(l.site) +
            ", \"inputs\": " + list(l.inputs) + "}";
  text += "\n  ],\n  \"sites\": [";
  for (std::size_t k = 0; k < a.sites.size(); ++k)
    text += std::string(k ? "," : "") + "\n    {\"parent\": " + std::to_string(a.sites[k].parent) + ", \"p\": " + detail::number_text(net.shares()[k].p) +
            ", \"mask\": " + detail::quoted(mask_name(net.shares()[k].mask)) + "}";
  return text + (a.sites.empty() ? "" : "\n  ") + "]\n}\n";
}

/// The network for Graphviz: layers with their shapes and parameters; what lies behind a site in a box of its own, and into each
/// dropin two branches, the new one with p and, dashed, the one that skips it with q.
template <class Backend, class T>
std::string summary_dot(const AnyNetwork<Backend, T>& net) {
  const Architecture& a = net.architecture();
  const auto node = [](int layer) { return layer < 0 ? std::string("input") : "l" + std::to_string(layer); };
  const auto shape = [](const std::array<int, 3>& s) { return std::to_string(s[0]) + "x" + std::to_string(s[1]) + "x" + std::to_string(s[2]); };
  std::string text = "digraph network {\n  node [shape=box, fontname=\"sans-serif\", fontsize=11];\n  edge [fontname=\"sans-serif\", fontsize=9];\n  input [label=\"input\\n" +
                     shape(a.input) + "\", shape=oval];\n";
  std::string edges;
  int site = -1;  // whose box is open
  const auto close = [&](int until) {
    for (; site != until; site = a.sites[std::size_t(site)].parent) text += "  }\n";
  };
  const auto holds = [&](int outer, int inner) {
    while (inner >= 0 && inner != outer) inner = a.sites[std::size_t(inner)].parent;
    return inner == outer;
  };
  const auto open = [&](auto& self, int to) -> void {
    if (to == site) return;
    self(self, a.sites[std::size_t(to)].parent);
    text += "  subgraph cluster" + std::to_string(to) + " {\n    label=\"site " + std::to_string(to) + "\"; labeljust=l; style=rounded; color=gray60; fontsize=9;\n";
    site = to;
  };
  for (std::size_t i = 0; i < a.layers.size(); ++i) {
    const LayerInfo& l = a.layers[i];
    int common = site;
    while (!holds(common, l.site)) common = a.sites[std::size_t(common)].parent;
    close(common);
    open(open, l.site);
    const bool dropin = l.kind == "dropin";
    text += "    " + node(int(i)) + " [label=\"" + l.name + "\\n" + shape(l.output) + (l.parameters ? "\\n" + std::to_string(l.parameters) : "") + "\"" +
            (dropin ? ", shape=oval" : "") + "];\n";
    for (std::size_t k = 0; k < l.inputs.size(); ++k) {
      edges += "  " + node(l.inputs[k]) + " -> " + node(int(i));
      if (dropin) {
        const double p = net.shares()[std::size_t(l.site)].p;
        edges += k ? " [label=\"p = " + detail::number_text(p) + "\"]" : " [label=\"q = " + detail::number_text(1 - p) + "\", style=dashed]";
      }
      edges += ";\n";
    }
  }
  close(-1);
  return text + edges + "}\n";
}

}  // namespace dropnet
