#include "engine/control/field_path.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace fairlead::control {
namespace {

std::optional<std::size_t> as_index(std::string_view text) {
  std::size_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::string unescape_pointer(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1')) {
      out += token[++i] == '0' ? '~' : '/';
    } else {
      out += token[i];
    }
  }
  return out;
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

Result<FieldPath> FieldPath::from_pointer(std::string_view text) {
  if (!text.starts_with('/')) return fail("JSON pointer {} must begin with /", text);
  FieldPath out;
  for (std::size_t start = 1; start <= text.size();) {
    const std::size_t end = std::min(text.find('/', start), text.size());
    std::string token = unescape_pointer(text.substr(start, end - start));
    const auto index = as_index(token);
    out.steps_.push_back({index ? Step::Kind::kIndex : Step::Kind::kKey, std::move(token), index.value_or(0)});
    start = end + 1;
  }
  return out;
}

Result<FieldPath> FieldPath::from_jq(std::string_view text) {
  const auto unsupported = [&] {
    return fail("jq expression {} is more than the paths that are supported here (.a.b, .a[], .a[0], .a[\"b\"])", text);
  };
  FieldPath out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '.' && i + 1 < text.size() && is_name_char(text[i + 1])) {
      const std::size_t start = ++i;
      while (i < text.size() && is_name_char(text[i])) ++i;
      out.steps_.push_back({Step::Kind::kKey, std::string(text.substr(start, i - start)), 0});
      continue;
    }
    if (text[i] == '.' && i + 1 < text.size() && text[i + 1] == '[') ++i;
    if (text[i] != '[') return unsupported();
    const std::size_t close = text.find(']', i);
    if (close == std::string_view::npos) return unsupported();
    const std::string_view inside = text.substr(i + 1, close - i - 1);
    if (inside.empty()) {
      out.steps_.push_back({Step::Kind::kEvery, {}, 0});
    } else if (inside.size() >= 2 && inside.front() == '"' && inside.back() == '"') {
      out.steps_.push_back({Step::Kind::kKey, std::string(inside.substr(1, inside.size() - 2)), 0});
    } else if (const auto index = as_index(inside)) {
      out.steps_.push_back({Step::Kind::kIndex, std::string(inside), *index});
    } else {
      return unsupported();
    }
    i = close + 1;
  }
  if (out.steps_.empty()) return unsupported();
  return out;
}

Value* FieldPath::child(Value& node, const Step& step, std::size_t element) {
  if (step.kind == Step::Kind::kKey || (step.kind == Step::Kind::kIndex && node.is_object()))
    return node.find(step.key);
  const std::size_t index = step.kind == Step::Kind::kEvery ? element : step.index;
  return node.is_array() && index < node.size() ? &node.mutable_items()[index] : nullptr;
}

void FieldPath::erase(Value& node, std::size_t depth) const {
  const Step& step = steps_[depth];
  const std::size_t count = step.kind == Step::Kind::kEvery ? node.items().size() : 1;
  if (depth + 1 < steps_.size()) {
    for (std::size_t i = 0; i < count; ++i) {
      if (Value* next = child(node, step, i)) erase(*next, depth + 1);
    }
    return;
  }
  if (node.is_object() && step.kind != Step::Kind::kEvery) {
    node.erase(step.key);
  } else if (node.is_array() && step.kind == Step::Kind::kEvery) {
    node.mutable_items().clear();
  } else if (node.is_array() && step.kind == Step::Kind::kIndex && step.index < node.size()) {
    node.mutable_items().erase(node.mutable_items().begin() + static_cast<std::ptrdiff_t>(step.index));
  }
}

void FieldPath::erase_from(Value& tree) const { erase(tree, 0); }

void FieldPath::copy(const Value& from, Value& to, std::size_t depth) const {
  const Step& step = steps_[depth];
  const std::size_t count = step.kind == Step::Kind::kEvery ? from.items().size() : 1;
  for (std::size_t i = 0; i < count; ++i) {
    // `from` is only read; child() is shared with the writers.
    Value* source = child(const_cast<Value&>(from), step, i);
    Value* target = child(to, step, i);
    if (depth + 1 < steps_.size()) {
      if (source != nullptr && target != nullptr) copy(*source, *target, depth + 1);
    } else if (source != nullptr && target != nullptr) {
      *target = *source;
    } else if (source != nullptr && to.is_object()) {
      to.set(step.key, *source);
    } else if (source == nullptr && to.is_object()) {
      to.erase(step.key);
    }
  }
}

void FieldPath::copy(const Value& from, Value& to) const { copy(from, to, 0); }

}  // namespace fairlead::control
