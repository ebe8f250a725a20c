// From a PTX text to kernels.

#include <cctype>
#include <utility>

#include "machine.hpp"

namespace ptx {

std::vector<std::string> list(std::string_view s, char by) {
  if (s.starts_with('{') && s.ends_with('}')) s = s.substr(1, s.size() - 2);
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : s) {
    depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    if (c == by && depth == 0)
      parts.emplace_back();
    else if (!std::isspace(static_cast<unsigned char>(c)))
      parts.back() += c;
  }
  return parts;
}

int register_bytes(std::string_view type) { return type.ends_with("pred") ? 0 : type.ends_with("64") ? 8 : 4; }

void Names::declare(const std::string& name, int bytes) {
  if (registers.contains(name)) return;
  registers[name] = {std::uint32_t(bytes ? kernel.registers : kernel.predicates), bytes};
  if (bytes)
    kernel.registers += 32 * std::size_t(bytes);
  else
    ++kernel.predicates;
}
int Names::bytes(const std::string& s, int otherwise) const {
  const auto r = registers.find(s);
  return r == registers.end() ? otherwise : r->second.bytes;
}
Operand Names::operand(const std::string& s, int bytes) {
  if (const auto r = registers.find(s); r != registers.end()) {
    if (r->second.bytes != bytes) throw Fault("ptx: " + s + " has another size");
    return {r->second.at, false};
  }
  std::uint64_t bits = 0;
  if (const auto a = addresses.find(s); a != addresses.end())
    bits = a->second;
  else if (s.starts_with("0f") || s.starts_with("0d"))
    bits = std::stoull(s.substr(2), nullptr, 16);
  else if (!s.empty() && (std::isdigit(static_cast<unsigned char>(s[0])) || s[0] == '-'))
    bits = s[0] == '-' ? std::uint64_t(std::stoll(s)) : std::stoull(s);
  else
    throw Fault("ptx: there is no " + s);
  if (bytes == 0) bytes = 8;
  if (bytes == 4) bits &= 0xffffffff;
  const auto [at, is_new] = numbers.emplace(std::pair{bits, bytes}, std::uint32_t(kernel.numbers.size() * 8));
  if (is_new) kernel.numbers.insert(kernel.numbers.end(), std::size_t(bytes) * 4, bytes == 8 ? bits : bits | bits << 32);
  return {at->second, true};
}
Operand Names::address(const std::string& s, int bytes, std::int64_t& offset) {
  if (!s.starts_with('[') || !s.ends_with(']')) throw Fault("ptx: no address: " + s);
  const auto plus = s.find('+');
  offset = plus == std::string::npos ? 0 : std::stoll(s.substr(plus + 1));
  return operand(s.substr(1, (plus == std::string::npos ? s.size() - 1 : plus) - 1), bytes);
}

namespace {

std::vector<std::string> words(const std::string& s) {
  std::vector<std::string> found;
  bool within = false;
  for (const char c : s) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) || c == ',';
    if (!space && !within) found.emplace_back();
    if (!space) found.back() += c;
    within = !space;
  }
  return found;
}
/// "name[5]" or "name<5>"
std::pair<std::string, std::size_t> counted(const std::string& s) {
  const auto open = s.find_first_of("[<");
  return {s.substr(0, open), open == std::string::npos ? 0 : std::stoul("0" + s.substr(open + 1))};
}

/// A kernel's text up to its end, statement by statement.
struct Reader : Names {
  std::map<std::string, int> labels;
  std::vector<std::pair<int, std::string>> branches;
  std::vector<std::string> dynamic;  ///< names of dynamic shared memory

  void place_dynamic() {
    for (const std::string& name : dynamic) addresses[name] = shared_begin + kernel.dynamic_shared();
  }
  /// ".param .align 8 .b8 name[16]", ".param .u64 name"
  void parameter(const std::string& s) {
    const auto w = words(s);
    const auto [name, count] = counted(w.back());
    const std::size_t align = w[1] == ".align" ? std::stoul(w[2]) : w[1].ends_with("64") ? 8 : 4, size = count ? count : align;
    kernel.parameters.push_back(kernel.parameters.empty() ? 0 : rounded_up(kernel.parameters.back() + kernel.sizes.back(), align));
    kernel.sizes.push_back(size);
    addresses[name] = kernel.parameters.back();
  }
  /// ".reg .b32 %r<5>", ".shared .align 4 .b8 name[1024]"
  void declaration(const std::string& s) {
    const auto w = words(s);
    if (w[0] == ".reg") {
      for (std::size_t k = 2; k < w.size(); ++k) {
        const auto [name, count] = counted(w[k]);
        if (count == 0) declare(name, register_bytes(w[1]));
        for (std::size_t n = 0; n < count; ++n) declare(name + std::to_string(n), register_bytes(w[1]));
      }
    } else if (w[0] == ".shared") {
      const auto [name, size] = counted(w.back());
      kernel.static_shared = rounded_up(kernel.static_shared, std::stoul(w[2]));
      addresses[name] = shared_begin + kernel.static_shared;
      kernel.static_shared += size;
      place_dynamic();
    } else if (w[0] != ".pragma") {
      throw Fault("ptx: not known: " + s);
    }
  }
  void instruction(std::string s) {
    Instruction i;
    i.text = s;
    if (s.starts_with('@')) {
      i.unless = s[1] == '!';
      const auto end = s.find_first_of(" \t");
      i.guard = int(operand(s.substr(i.unless ? 2 : 1, end - (i.unless ? 2 : 1)), 0).at);
      s = s.substr(s.find_first_not_of(" \t", end));
    }
    const auto end = std::min(s.find_first_of(" \t"), s.size());
    const Statement statement{list(s.substr(0, end), '.'), list(s.substr(end))};
    const std::string& name = statement.op[0];
    if (name == "bra") {
      i.kind = Instruction::branch;
      branches.emplace_back(int(kernel.code.size()), statement.arguments[0]);
    } else if (name == "ret") {
      i.kind = Instruction::exit;
    } else if (s.starts_with("bar.sync") && statement.arguments[0] == "0") {
      i.kind = Instruction::barrier;
    } else {
      i.run = memory(statement, *this, i);
      if (!i.run) i.run = arithmetic(statement, *this, i);
      if (!i.run) throw Fault("ptx: not known: " + i.text);
    }
    kernel.code.push_back(std::move(i));
  }
  void finish() {
    for (const auto& [from, label] : branches) kernel.code[std::size_t(unsigned(from))].target = labels.at(label);
  }
};

std::string trimmed(std::string_view s) {
  const auto begin = s.find_first_not_of(" \t\n");
  return begin == s.npos ? std::string() : std::string(s.substr(begin, s.find_last_not_of(" \t\n") - begin + 1));
}

}  // namespace

Module parse(std::string_view text) {
  Module module;
  std::vector<std::string> dynamic;
  Reader reader;
  int depth = 0;
  std::string statement;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    const std::string_view whole = text.substr(begin, end - begin);
    const std::string line = trimmed(whole.substr(0, whole.find("//")));
    begin = end + 1;
    if (depth == 0) {  // between kernels, and in a kernel's head
      if (line.starts_with(".extern .shared")) dynamic.push_back(counted(words(line).back()).first);
      if (const auto entry = line.find(".entry "); entry != std::string::npos) {
        reader = {};
        reader.dynamic = dynamic;
        reader.place_dynamic();
        reader.kernel.name = trimmed(line.substr(entry + 7, line.find('(') - entry - 7));
      }
      if (line.starts_with(".param")) reader.parameter(line);
      if (line.starts_with(".maxntid")) reader.kernel.most_threads = unsigned(std::stoul(words(line)[1]));
      if (line == "{" && !reader.kernel.name.empty()) depth = 1;
      continue;
    }
    if (line.starts_with(".loc")) continue;
    for (const char c : line) {
      if (std::string_view("{}:;").find(c) == std::string_view::npos) {
        statement += c;
        continue;
      }
      const std::string so_far = trimmed(statement);
      if (c == '{' && so_far.empty()) {
        ++depth;
      } else if (c == '}' && so_far.empty()) {
        if (--depth > 0) continue;
        reader.finish();
        const std::string name = std::exchange(reader.kernel.name, "");
        const auto kernel = std::make_shared<Kernel>(std::move(reader.kernel));
        kernel->name = name;
        module[name] = kernel;
      } else if (c == ':') {
        reader.labels[so_far] = int(reader.kernel.code.size());
        statement.clear();
      } else if (c == ';') {
        so_far.starts_with('.') ? reader.declaration(so_far) : reader.instruction(so_far);
        statement.clear();
      } else {
        statement += c;
      }
    }
    if (!statement.empty()) statement += ' ';
  }
  return module;
}

}  // namespace ptx
