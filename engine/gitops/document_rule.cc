#include "engine/gitops/document_rule.h"

#include <algorithm>
#include <array>

#include <re2/re2.h>

namespace fairlead::gitops {
namespace {

using Type = DocumentRule::Type;

std::string_view type_name(Type type) {
  static constexpr std::array<std::string_view, 6> kNames = {"string", "integer", "boolean",
                                                             "array",  "object",  "object"};
  return kNames.at(static_cast<std::size_t>(type));
}

bool has_type(Type type, const Value& value) {
  switch (type) {
    case Type::kString:
      return value.is_string();
    case Type::kInteger:
      return value.is_int();
    case Type::kBoolean:
      return value.is_bool();
    case Type::kList:
      return value.is_array();
    case Type::kMap:
    case Type::kObject:
      return value.is_object() || value.is_null();
  }
  return false;
}

const DocumentRule* member_rule(const DocumentRule& rule, std::string_view key) {
  const auto it = std::ranges::find(rule.members, key, &std::pair<std::string, DocumentRule>::first);
  return it == rule.members.end() ? nullptr : &it->second;
}

class Checker {
 public:
  Checker(std::string_view file, std::vector<Error>& errors) : file_(file), errors_(errors) {}

  void check(const DocumentRule& rule, Value& value, const std::string& path) {
    if (!has_type(rule.type, value)) {
      return report(value, fmt::format("{} must be of type {}, not {}", path.empty() ? "the document" : path,
                                       type_name(rule.type), value.kind_name()));
    }
    switch (rule.type) {
      case Type::kString:
        return check_string(rule, value, path);
      case Type::kList:
        for (std::size_t i = 0; i < value.items().size(); ++i)
          check(rule.items.front(), value.mutable_items()[i], fmt::format("{}[{}]", path, i));
        return;
      case Type::kMap:
        return check_map(rule, value, path);
      case Type::kObject:
        return check_object(rule, value, path);
      case Type::kInteger:
        return check_integer(rule, value, path);
      case Type::kBoolean:
        return;
    }
  }

 private:
  void report(const Value& at, std::string message) { errors_.push_back(at.error(std::move(message), file_)); }

  void check_string(const DocumentRule& rule, const Value& value, const std::string& path) {
    if (!rule.choices.empty() && std::ranges::find(rule.choices, value.str()) == rule.choices.end()) {
      report(value, fmt::format("{} is {}; it may be {}", path, value.str(), fmt::join(rule.choices, ", ")));
    }
    if (!rule.pattern.empty() && !RE2::FullMatch(std::string(value.str()), rule.pattern)) {
      report(value, fmt::format("{}: {} does not match {}", path, value.str(), rule.pattern));
    }
  }

  void check_integer(const DocumentRule& rule, const Value& value, const std::string& path) {
    const std::int64_t given = value.int_or(0);
    if (rule.least && given < *rule.least) {
      report(value, fmt::format("{} is {}; it must be at least {}", path, given, *rule.least));
    }
    if (rule.most && given > *rule.most) {
      report(value, fmt::format("{} is {}; it may be at most {}", path, given, *rule.most));
    }
  }

  void check_map(const DocumentRule& rule, Value& value, const std::string& path) {
    if (value.is_null()) return;
    for (Member& member : value.mutable_members()) {
      if (!rule.pattern.empty() && !RE2::FullMatch(member.key, rule.pattern)) {
        report(member.value, fmt::format("{}: the name {} does not match {}", path, member.key, rule.pattern));
      }
      check(rule.items.front(), member.value, path + "." + member.key);
    }
  }

  void check_object(const DocumentRule& rule, Value& value, const std::string& path) {
    const std::string prefix = path.empty() ? "" : path + ".";
    if (value.is_null()) value = Value::object();
    for (Member& member : value.mutable_members()) {
      if (const DocumentRule* known = member_rule(rule, member.key)) {
        check(*known, member.value, prefix + member.key);
        continue;
      }
      std::vector<std::string_view> names;
      for (const auto& [name, _] : rule.members) names.emplace_back(name);
      report(member.value, fmt::format("unknown key {}{}; known here: {}", prefix, member.key, fmt::join(names, ", ")));
    }
    for (const auto& [name, member] : rule.members) {
      if (value.has(name)) continue;
      if (member.required) report(value, fmt::format("{}{} is missing", prefix, name));
      if (member.otherwise.is_null()) continue;
      value.set(name, member.otherwise);
      check(member, *value.find(name), prefix + name);  // Defaults have defaults.
    }
  }

  std::string_view file_;
  std::vector<Error>& errors_;
};

}  // namespace

std::vector<Error> check_document(const DocumentRule& rule, Value& document, std::string_view file) {
  std::vector<Error> errors;
  Checker(file, errors).check(rule, document, "");
  return errors;
}

Value json_schema(const DocumentRule& rule) {
  Value out = Value::object({{"type", type_name(rule.type)}});
  if (!rule.about.empty()) out.set("description", rule.about);
  if (!rule.otherwise.is_null()) out.set("default", rule.otherwise);
  for (const std::string& choice : rule.choices) out["enum"].push_back(choice);
  if (rule.type == Type::kString && !rule.pattern.empty()) out.set("pattern", "^(" + rule.pattern + ")$");
  if (rule.least) out.set("minimum", *rule.least);
  if (rule.most) out.set("maximum", *rule.most);
  if (rule.type == Type::kList) out.set("items", json_schema(rule.items.front()));
  if (rule.type == Type::kMap) {
    out.set("additionalProperties", json_schema(rule.items.front()));
    if (!rule.pattern.empty()) out.make("propertyNames").set("pattern", "^(" + rule.pattern + ")$");
  }
  if (rule.type != Type::kObject) return out;
  out.set("additionalProperties", false);
  for (const auto& [name, member] : rule.members) {
    out.make("properties").set(name, json_schema(member));
    if (member.required) out["required"].push_back(name);
  }
  return out;
}

Value editor_schema(const DocumentRule& rule, std::string_view title) {
  Value out = Value::object({{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", title}});
  for (const Member& member : json_schema(rule).members()) out.set(member.key, member.value);
  return out;
}

}  // namespace fairlead::gitops
