#include "engine/api/json_path.h"

#include <charconv>

#include "base/json.h"
#include "base/trim.h"

namespace fairlead::api {
namespace {

std::string unquote(std::string_view text) {
  text = trimmed(text);
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front()) {
    text = text.substr(1, text.size() - 2);
  }
  return std::string(text);
}

/// Reads a field name up to "." or "[", taking "\." as a dot of the name.
std::string read_field(std::string_view& text) {
  std::string name;
  while (!text.empty() && text.front() != '.' && text.front() != '[') {
    if (text.front() == '\\' && text.size() > 1) text.remove_prefix(1);
    name.push_back(text.front());
    text.remove_prefix(1);
  }
  return name;
}

/// Where the bracket that `text` starts with ends, quotes and nesting respected; npos when it never does.
std::size_t closing_bracket(std::string_view text) {
  char quote = 0;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '[') {
      ++depth;
    } else if (c == ']' && --depth == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

}  // namespace

Result<JsonPath::Step> JsonPath::parse_filter(std::string_view text) {
  Step step;
  step.kind = Step::Kind::kFilter;
  text = trimmed(text);
  if (!text.starts_with("@.")) return fail("filter '{}' must compare a field of @", text);
  auto left = text;
  for (const std::string_view op : {"==", "!="}) {
    const auto at = text.find(op);
    if (at == std::string_view::npos) continue;
    step.filter_operator = op;
    step.filter_value = unquote(text.substr(at + op.size()));
    left = trimmed(text.substr(0, at));
    break;
  }
  left.remove_prefix(1);
  while (!left.empty()) {
    if (left.front() != '.') return fail("filter '{}' is not supported", text);
    left.remove_prefix(1);
    step.filter_path.push_back(read_field(left));
  }
  return step;
}

Result<JsonPath::Step> JsonPath::parse_bracket(std::string_view inside) {
  inside = trimmed(inside);
  Step step;
  if (inside == "*") {
    step.kind = Step::Kind::kWildcard;
    return step;
  }
  if (inside.starts_with("?(") && inside.ends_with(")")) return parse_filter(inside.substr(2, inside.size() - 3));
  if (inside.starts_with('\'') || inside.starts_with('"')) {
    step.field = unquote(inside);
    return step;
  }
  step.kind = Step::Kind::kIndex;
  const auto [end, error] = std::from_chars(inside.data(), inside.data() + inside.size(), step.index);
  if (error != std::errc() || end != inside.data() + inside.size())
    return fail("index '[{}]' is not supported", inside);
  return step;
}

Result<JsonPath> JsonPath::parse(std::string_view text) {
  JsonPath path;
  auto rest = trimmed(text);
  if (rest.starts_with('{') && rest.ends_with('}')) rest = trimmed(rest.substr(1, rest.size() - 2));
  if (rest.starts_with('$')) rest.remove_prefix(1);
  while (!rest.empty()) {
    if (rest.front() == '[') {
      const auto end = closing_bracket(rest);
      if (end == std::string_view::npos) return fail("JSONPath '{}' has an unterminated [", text);
      auto step = parse_bracket(rest.substr(1, end - 1));
      if (!step) return std::unexpected(wrap(fmt::format("JSONPath '{}'", text), step.error()));
      path.steps_.push_back(std::move(*step));
      rest.remove_prefix(end + 1);
      continue;
    }
    if (rest.front() == '.') rest.remove_prefix(1);
    if (rest.starts_with('.')) return fail("JSONPath '{}': recursive descent is not supported", text);
    if (rest.empty() || rest.front() == '[') continue;
    Step step;
    step.field = read_field(rest);
    if (step.field == "*") step.kind = Step::Kind::kWildcard;
    path.steps_.push_back(std::move(step));
  }
  return path;
}

bool JsonPath::passes(const Step& step, const Value& item) {
  const Value* node = &item;
  for (const auto& key : step.filter_path) {
    node = node->find(key);
    if (node == nullptr) return false;
  }
  if (step.filter_operator.empty()) return true;
  return (scalar_text(*node) == step.filter_value) == (step.filter_operator == "==");
}

std::vector<const Value*> JsonPath::find(const Value& root) const {
  std::vector<const Value*> current{&root};
  for (const auto& step : steps_) {
    std::vector<const Value*> next;
    for (const Value* node : current) {
      const auto& items = node->items();
      switch (step.kind) {
        case Step::Kind::kField:
          if (const Value* member = node->find(step.field)) next.push_back(member);
          break;
        case Step::Kind::kIndex: {
          const auto size = static_cast<long>(items.size());
          const long index = step.index < 0 ? size + step.index : step.index;
          if (index >= 0 && index < size) next.push_back(&items[static_cast<std::size_t>(index)]);
          break;
        }
        case Step::Kind::kWildcard:
          for (const auto& item : items) next.push_back(&item);
          for (const auto& member : node->members()) next.push_back(&member.value);
          break;
        case Step::Kind::kFilter:
          for (const auto& item : items) {
            if (passes(step, item)) next.push_back(&item);
          }
          break;
      }
    }
    current = std::move(next);
  }
  return current;
}

}  // namespace fairlead::api
