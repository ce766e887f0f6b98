#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "base/utf8.h"
#include "base/yaml.h"
#include "base/yaml_scalar.h"

namespace fairlead {
namespace {

/// A key must end within 1024 characters to need no `?` before it; stay well below.
constexpr std::size_t kMaxSimpleKeyBytes = 500;

/// Code points that a YAML reader refuses or takes for a line break: they must be escaped.
bool must_escape(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0xFFFE || c == 0xFFFF;
}

/// Calls `each(code_point, bytes)`; stops when it gives false. The text is UTF-8, as everything in a Value is.
template <class F>
void for_each_code_point(std::string_view text, F each) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    const std::string_view bytes = text.substr(i, length);
    std::uint32_t code = length == 1 ? lead : lead & (0x7FU >> length);
    for (const char c : bytes.substr(1)) code = code << 6 | (static_cast<unsigned char>(c) & 0x3FU);
    if (!each(code, bytes)) return;
    i += length;
  }
}

bool is_plain(std::string_view text) {
  if (text.empty() || is_ambiguous_yaml(text)) return false;
  if (text.starts_with("---") || text.starts_with("...")) return false;
  const std::string_view first = text.substr(0, 1);
  if (first.find_first_of(" ,[]{}#&*!|>'\"%@`") == 0 || text.ends_with(' ') || text.ends_with(':')) return false;
  if (first.find_first_of("-?:") == 0 && (text.size() == 1 || text[1] == ' ')) return false;
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos) return false;
  bool printable = true;
  for_each_code_point(text, [&](std::uint32_t c, std::string_view) { return printable = !must_escape(c); });
  return printable;
}

/// Fit for a literal block: several lines, and nothing at their ends that a block would lose or misread.
bool is_block(std::string_view text) {
  if (text.find('\n') == std::string_view::npos || text.find_first_of(" \n\t") == 0) return false;
  if (text.find(" \n") != std::string_view::npos || text.find("\n\t") != std::string_view::npos) return false;
  if (text.ends_with(' ')) return false;
  bool printable = true;
  for_each_code_point(
      text, [&](std::uint32_t c, std::string_view) { return printable = !must_escape(c) || c == '\n' || c == '\t'; });
  return printable;
}

void write_quoted(std::string& out, std::string_view text) {
  out += '"';
  for_each_code_point(text, [&](std::uint32_t c, std::string_view bytes) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += bytes;
    } else if (c == '\n' || c == '\t' || c == '\r') {
      out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r";
    } else if (must_escape(c)) {
      out += fmt::format("\\u{:04X}", c);
    } else {
      out += bytes;
    }
    return true;
  });
  out += '"';
}

void write_block_text(std::string& out, std::string_view text, std::size_t indent) {
  out += text.ends_with("\n\n") ? "|+" : text.ends_with('\n') ? "|" : "|-";
  if (text.ends_with('\n')) text.remove_suffix(1);
  for (;;) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    out += '\n';
    if (!line.empty()) out.append(indent, ' ').append(line);
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

void write_scalar(std::string& out, const Value& value, std::size_t block_indent) {
  if (!value.is_string()) {
    append_json(out, value);
  } else if (is_plain(value.str())) {
    out += value.str();
  } else if (is_block(value.str())) {
    write_block_text(out, value.str(), block_indent);
  } else {
    write_quoted(out, value.str());
  }
}

void write_node(std::string& out, const Value& value, std::size_t indent);

void write_member(std::string& out, const Member& member, std::size_t indent) {
  std::string key;
  if (is_plain(member.key)) {
    key = member.key;
  } else {
    write_quoted(key, member.key);
  }
  const bool simple = key.size() <= kMaxSimpleKeyBytes;
  if (!simple) out += "? ";
  out += key;
  if (!simple) out.append(1, '\n').append(indent, ' ');
  out += ':';
  if (member.value.empty()) {
    out += ' ';
    write_node(out, member.value, indent + 2);
    return;
  }
  // Lists stand below their key without indentation, as kubectl prints them.
  const std::size_t child = member.value.is_array() && simple ? indent : indent + 2;
  out.append(1, '\n').append(child, ' ');
  write_node(out, member.value, child);
}

/// Writes at the current place, which is at column `indent`; further lines are indented by as much. Ends its last line.
void write_node(std::string& out, const Value& value, std::size_t indent) {
  bool first = true;
  const auto start_line = [&] {
    if (!std::exchange(first, false)) out.append(indent, ' ');
  };
  for (const Member& member : value.members()) {
    start_line();
    write_member(out, member, indent);
  }
  for (const Value& item : value.items()) {
    start_line();
    out += "- ";
    write_node(out, item, indent + 2);
  }
  if (!value.empty()) return;
  write_scalar(out, value, std::max<std::size_t>(indent, 2));
  out += '\n';
}

}  // namespace

std::string to_yaml(const Value& value) {
  std::string out;
  write_node(out, value, 0);
  return out;
}

}  // namespace fairlead
