#include "engine/api/selector.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <tuple>

#include "engine/api/schema_names.h"

namespace fairlead::api {
namespace {

using Requirement = Selector::Requirement;

bool is_delimiter(char c) { return std::string_view(",()=!<> \t").find(c) != std::string_view::npos; }

/// Reads the text form, one token at a time.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  void skip_spaces() {
    const std::size_t start = rest_.find_first_not_of(" \t");
    rest_.remove_prefix(start == std::string_view::npos ? rest_.size() : start);
  }
  bool done() {
    skip_spaces();
    return rest_.empty();
  }
  bool take(std::string_view token) {
    skip_spaces();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  /// What stands next, as upstream's messages name it: a word, an operator, or "" at the end.
  std::string next() {
    Reader ahead = *this;
    if (std::string out = ahead.word(); !out.empty()) return out;
    for (const std::string_view token : {"==", "!=", "=", "!", ",", "(", ")", "<", ">"}) {
      if (ahead.take(token)) return std::string(token);
    }
    return "";
  }
  std::string word() {
    skip_spaces();
    const auto* end = std::ranges::find_if(rest_, is_delimiter);
    std::string out(rest_.begin(), end);
    rest_.remove_prefix(out.size());
    return out;
  }

 private:
  std::string_view rest_;
};

Result<std::vector<std::string>> read_set(Reader& reader, std::string_view text) {
  if (!reader.take("(")) return fail("unable to parse requirement: found '{}' expected: '('", reader.next());
  std::vector<std::string> values;
  while (true) {
    values.push_back(reader.word());
    if (reader.take(")")) return values;
    if (!reader.take(",")) return fail("unable to parse requirement: expected ',' or ')' in \"{}\"", text);
  }
}

Result<Requirement> read_requirement(Reader& reader, std::string_view text) {
  using Op = Requirement::Op;
  Requirement out;
  const bool negated = reader.take("!");
  out.key = reader.word();
  if (out.key.empty()) return fail("unable to parse requirement: expected a label key in \"{}\"", text);
  if (negated) {
    out.op = Op::kDoesNotExist;
    return out;
  }
  if (reader.take("==") || reader.take("=")) {
    out.values = {reader.word()};
  } else if (reader.take("!=")) {
    out.op = Op::kNotIn;
    out.values = {reader.word()};
  } else if (reader.take(">") || reader.take("<")) {
    return fail("unable to parse requirement: \"{}\" needs spaces around its operator", text);
  } else {
    out.op = Op::kExists;
  }
  return out;
}

Result<Requirement> read_with_operator(Reader& reader, std::string_view text) {
  using Op = Requirement::Op;
  Reader ahead = reader;
  Requirement out{ahead.word(), Op::kIn, {}};
  if (!out.key.empty() && (ahead.take(">") || ahead.take("<"))) {
    reader.word();
    out.op = reader.take(">") ? Op::kGreater : Op::kLess;
    if (out.op == Op::kLess) reader.take("<");
    out.values = {reader.word()};
    std::int64_t number = 0;
    const std::string& value = out.values[0];
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size()) {
      return fail("values[0][{}]: Invalid value: \"{}\": for 'Gt', 'Lt' operators, the value must be an integer",
                  out.key, value);
    }
    return out;
  }
  const std::string op = ahead.word();
  if (out.key.empty() || (op != "in" && op != "notin")) return read_requirement(reader, text);
  reader = ahead;
  out.op = op == "in" ? Op::kIn : Op::kNotIn;
  auto values = read_set(reader, text);
  if (!values) return std::unexpected(values.error());
  out.values = std::move(*values);
  return out;
}

/// Source: k8s.io/apimachinery/pkg/labels/selector.go, NewRequirement.
Result<> check(const Requirement& requirement) {
  if (const std::string why = bad_qualified_name(requirement.key); !why.empty()) {
    return fail("unable to parse requirement: key: Invalid value: \"{}\": {}", requirement.key, why);
  }
  for (std::size_t i = 0; i < requirement.values.size(); ++i) {
    if (const std::string why = bad_label_value(requirement.values[i]); !why.empty()) {
      return fail("unable to parse requirement: values[{}][{}]: Invalid value: \"{}\": {}", i, requirement.key,
                  requirement.values[i], why);
    }
  }
  return {};
}

/// In order of key, as upstream prints and compares selectors.
void sort(std::vector<Requirement>& requirements) {
  std::ranges::sort(requirements, {}, [](const Requirement& r) { return std::tie(r.key, r.op, r.values); });
}

std::optional<std::int64_t> to_int(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

bool satisfied(const Requirement& requirement, const Value* label) {
  using Op = Requirement::Op;
  const auto listed = [&] { return std::ranges::find(requirement.values, label->str()) != requirement.values.end(); };
  switch (requirement.op) {
    case Op::kIn:
      return label != nullptr && listed();
    case Op::kNotIn:
      return label == nullptr || !listed();
    case Op::kExists:
      return label != nullptr;
    case Op::kDoesNotExist:
      return label == nullptr;
    case Op::kGreater:
    case Op::kLess: {
      if (label == nullptr || requirement.values.empty()) return false;
      const auto left = to_int(label->str());
      const auto right = to_int(requirement.values[0]);
      if (!left || !right) return false;
      return requirement.op == Op::kGreater ? *left > *right : *left < *right;
    }
  }
  return false;
}

std::string text_of(const Requirement& requirement) {
  using Op = Requirement::Op;
  std::string list;
  for (const std::string& value : requirement.values) list += (list.empty() ? "" : ",") + value;
  const std::string& key = requirement.key;
  const bool one = requirement.values.size() == 1;
  switch (requirement.op) {
    case Op::kIn:
      return one ? key + "=" + list : key + " in (" + list + ")";
    case Op::kNotIn:
      return one ? key + "!=" + list : key + " notin (" + list + ")";
    case Op::kExists:
      return key;
    case Op::kDoesNotExist:
      return "!" + key;
    case Op::kGreater:
      return key + ">" + list;
    case Op::kLess:
      return key + "<" + list;
  }
  return key;
}

/// How a field is compared: as upstream prints it.
std::string text_of(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kBool:
      return value.bool_or(false) ? "true" : "false";
    case Value::Kind::kInt:
      return std::to_string(value.int_or(0));
    default:
      return std::string(value.str());
  }
}

Result<Requirement> read_expression(const Value& expression) {
  using Op = Requirement::Op;
  static const std::map<std::string_view, Op> kOps = {
      {"In", Op::kIn}, {"NotIn", Op::kNotIn}, {"Exists", Op::kExists}, {"DoesNotExist", Op::kDoesNotExist}};
  const auto op = kOps.find(expression.at("operator").str());
  if (op == kOps.end()) {
    return fail("\"{}\" is not a valid label selector operator", expression.at("operator").str());
  }
  Requirement out{std::string(expression.at("key").str()), op->second, {}};
  for (const Value& value : expression.at("values").items()) out.values.emplace_back(value.str());
  std::ranges::sort(out.values);
  const bool needs_values = out.op == Op::kIn || out.op == Op::kNotIn;
  if (needs_values && out.values.empty()) return fail("values: must be specified when `operator` is 'In' or 'NotIn'");
  if (!needs_values && !out.values.empty()) {
    return fail("values: may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  }
  return out;
}

}  // namespace

Result<Selector> Selector::parse(std::string_view text) {
  Selector out;
  Reader reader(text);
  if (reader.done()) return out;
  do {
    auto requirement = read_with_operator(reader, text);
    if (!requirement) return std::unexpected(requirement.error());
    if (auto fine = check(*requirement); !fine) return std::unexpected(fine.error());
    std::ranges::sort(requirement->values);
    out.requirements_.push_back(std::move(*requirement));
  } while (reader.take(","));
  if (!reader.done()) return fail("found '{}', expected: ',' or 'end of string'", reader.next());
  sort(out.requirements_);
  return out;
}

Result<Selector> Selector::from_label_selector(const Value& selector) {
  if (selector.is_null()) return nothing();
  Selector out = from_map(selector.at("matchLabels"));
  for (const Value& expression : selector.at("matchExpressions").items()) {
    auto requirement = read_expression(expression);
    if (!requirement) return std::unexpected(requirement.error());
    out.requirements_.push_back(std::move(*requirement));
  }
  sort(out.requirements_);
  return out;
}

Selector Selector::from_map(const Value& map) {
  Selector out;
  for (const Member& member : map.members()) {
    out.requirements_.push_back({member.key, Requirement::Op::kIn, {std::string(member.value.str())}});
  }
  sort(out.requirements_);
  return out;
}

Selector Selector::nothing() {
  Selector out;
  out.nothing_ = true;
  return out;
}

bool Selector::matches(const Value& labels) const {
  if (nothing_) return false;
  return std::ranges::all_of(requirements_, [&](const Requirement& requirement) {
    return satisfied(requirement, labels.find(requirement.key));
  });
}

std::string Selector::to_string() const {
  std::string out;
  for (const Requirement& requirement : requirements_) out += (out.empty() ? "" : ",") + text_of(requirement);
  return out;
}

Result<FieldSelector> FieldSelector::parse(std::string_view text) {
  FieldSelector out;
  while (!text.empty()) {
    std::string term;
    std::size_t end = 0;
    for (; end < text.size() && text[end] != ','; ++end) {
      if (text[end] == '\\' && end + 1 < text.size()) ++end;
      term += text[end];
    }
    text.remove_prefix(std::min(end + 1, text.size()));
    if (term.empty()) continue;
    const std::size_t equals = term.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail("invalid field selector: \"{}\" is not of the form path=value or path!=value", term);
    }
    Term next;
    next.equal = term[equals - 1] != '!';
    next.label = term.substr(0, next.equal ? equals : equals - 1);
    const bool doubled = next.equal && equals + 1 < term.size() && term[equals + 1] == '=';
    next.value = term.substr(equals + (doubled ? 2 : 1));
    next.follow(next.label);
    out.terms_.push_back(std::move(next));
  }
  return out;
}

void FieldSelector::Term::follow(std::string_view dotted) {
  path.clear();
  for (std::size_t at = 0; at <= dotted.size();) {
    const std::size_t dot = std::min(dotted.find('.', at), dotted.size());
    path.emplace_back(dotted.substr(at, dot - at));
    at = dot + 1;
  }
}

bool FieldSelector::matches(const Value& object) const {
  return std::ranges::all_of(terms_, [&](const Term& term) {
    const Value* node = &object;
    for (const std::string& step : term.path) node = &node->at(step);
    return ((node->is_null() ? term.absent : text_of(*node)) == term.value) == term.equal;
  });
}

}  // namespace fairlead::api
