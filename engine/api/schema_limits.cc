// What a CustomResourceDefinition says about values, worded as upstream's validator does. CEL rules stay in the table
// but are not evaluated. Sources: kube-openapi/pkg/validation/{validate,errors}, apiextensions-apiserver's
// schema/listtype.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include <re2/re2.h>

#include "base/json.h"
#include "base/json_shape.h"
#include "engine/api/path_text.h"
#include "engine/api/schema_format.h"
#include "engine/api/schema_scalar.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

/// Compiled once per pattern; tables have a few hundred different ones.
const RE2& compiled(const std::string& pattern) {
  static std::mutex mutex;
  static std::unordered_map<std::string, std::unique_ptr<RE2>> cache;
  const std::scoped_lock lock(mutex);
  std::unique_ptr<RE2>& entry = cache[pattern];
  if (!entry) entry = std::make_unique<RE2>(pattern, RE2::Quiet);
  return *entry;
}

bool matches(const std::string& pattern, std::string_view text) {
  const RE2& expression = compiled(pattern);
  return !expression.ok() || RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), expression);
}

/// Characters, as upstream counts lengths.
std::int64_t length_of(std::string_view text) {
  std::int64_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0U) != 0x80U ? 1 : 0;
  return count;
}

bool is_of(Shape shape, const Value& value) {
  switch (shape) {
    case Shape::kAny:
      return true;
    case Shape::kRaw:
    case Shape::kObject:
    case Shape::kMap:
      return value.is_object();
    case Shape::kArray:
      return value.is_array();
    case Shape::kInt32:
    case Shape::kInt64:
    case Shape::kInteger:
      return value.is_int() || (value.is_double() && value.number_or(0) == std::floor(value.number_or(0)));
    case Shape::kNumber:
      return value.is_number();
    case Shape::kBoolean:
      return value.is_bool();
    case Shape::kIntOrString:
    case Shape::kQuantity:
      return value.is_string() || value.is_number();
    default:
      return value.is_string();
  }
}

bool of_json_type(std::string_view type, const Value& value) {
  if (type == "number") return value.is_number();
  if (type == "integer") return is_of(Shape::kInteger, value);
  return type.empty() || value.kind_name() == type;
}

/// One schema of an anyOf, oneOf, allOf or not: the keywords that upstream allows there.
bool accepts(const Value& schema, const Value& value) {
  if (!of_json_type(schema.at("type").str(), value)) return false;
  for (const Value& name : schema.at("required").items()) {
    if (value.is_object() && !value.has(name.str())) return false;
  }
  for (const Member& property : schema.at("properties").members()) {
    const Value* member = value.find(property.key);
    if (member != nullptr && !accepts(property.value, *member)) return false;
  }
  if (value.is_array() && schema.has("items")) {
    for (const Value& item : value.items()) {
      if (!accepts(schema.at("items"), item)) return false;
    }
  }
  if (schema.has("enum") && std::ranges::find(schema.at("enum").items(), value) == schema.at("enum").items().end())
    return false;
  if (schema.has("pattern") && value.is_string() && !matches(std::string(schema.at("pattern").str()), value.str()))
    return false;
  if (value.is_number() && schema.has("minimum") && value.number_or(0) < schema.at("minimum").number_or(0))
    return false;
  if (value.is_number() && schema.has("maximum") && value.number_or(0) > schema.at("maximum").number_or(0))
    return false;
  if (value.is_string() && length_of(value.str()) > schema.at("maxLength").int_or(INT64_MAX)) return false;
  if (value.is_string() && length_of(value.str()) < schema.at("minLength").int_or(0)) return false;
  const auto count = [&](std::string_view key) {
    return std::ranges::count_if(schema.at(key).items(), [&](const Value& inner) { return accepts(inner, value); });
  };
  if (schema.has("anyOf") && count("anyOf") == 0) return false;
  if (schema.has("oneOf") && count("oneOf") != 1) return false;
  if (schema.has("allOf") && count("allOf") != std::ssize(schema.at("allOf").items())) return false;
  return !schema.has("not") || !accepts(schema.at("not"), value);
}

bool is_int32(const Value& value) {
  const double number = value.number_or(0);
  return number >= static_cast<double>(INT32_MIN) && number <= static_cast<double>(INT32_MAX);
}

class Checker {
 public:
  Checker(std::string_view root, Findings& findings) : path_(root), findings_(findings) {}

  void node(const Type& type, const Value& value) {
    if (value.is_null() && type.nullable) return;
    if (!is_of(type.shape, value)) return findings_.wrong_type(path_.text(), value, json_type(type.shape));
    if (type.limits) limits(*type.limits, value);
    if (type.shape == Shape::kInt32 && !is_int32(value)) {
      findings_.invalid("<nil>", Value(""),
                        fmt::format("Checked value must be of type integer with format int32 in {}", path_.text()));
    }
    switch (type.shape) {
      case Shape::kObject:
        return object(type, value);
      case Shape::kMap:
        for (const Member& member : value.members()) {
          const auto step = path_.child(member.key);
          node(*type.element, member.value);
        }
        return;
      case Shape::kArray:
        return array(type, value);
      default:
        return;
    }
  }

 private:
  void object(const Type& type, const Value& value) {
    if (type.embedded) check_embedded(value, path_.text(), findings_);
    for (const Field& field : type.fields) {
      const Value* member = value.find(field.name);
      if (member == nullptr ? !field.required : field.type->typed) continue;  // ObjectMeta has rules of its own.
      const auto step = path_.child(field.name);
      if (member == nullptr) {
        findings_.required(path_.text());
      } else {
        node(*field.type, *member);
      }
    }
  }

  void array(const Type& type, const Value& value) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      const auto step = path_.element(i);
      node(*type.element, value.at(i));
    }
    if (type.list == ListType::kAtomic) return;
    std::unordered_set<std::string> seen;
    for (std::size_t i = 0; i < value.size(); ++i) {
      const Value key = type.list == ListType::kMap ? key_of(type, value.at(i)) : value.at(i);
      if (!seen.insert(canonical_json(key)).second) findings_.duplicate(index_path(path_.text(), i), key);
    }
  }

  static Value key_of(const Type& type, const Value& item) {
    Value key = Value::object();
    for (const std::string_view name : type.list_keys) {
      const Value* part = item.find(name);
      if (part != nullptr) key.set(name, *part);
    }
    return key;
  }

  void limits(const Limits& limits, const Value& value) {
    if (value.is_string()) text(limits, value);
    if (value.is_number()) number(limits, value);
    if (value.is_array()) {
      size(value, limits.min_items, limits.max_items, "items");
    } else if (value.is_object()) {
      size(value, limits.min_properties, limits.max_properties, "properties");
    }
    if (!limits.enumeration.is_null() &&
        std::ranges::find(limits.enumeration.items(), value) == limits.enumeration.items().end()) {
      std::vector<std::string_view> words;
      for (const Value& word : limits.enumeration.items()) words.push_back(word.str());
      findings_.not_supported(path_.text(), value, words);
    }
    combinations(limits, value);
  }

  void combinations(const Limits& limits, const Value& value) {
    const auto count = [&](const Value& list) {
      return std::ranges::count_if(list.items(), [&](const Value& schema) { return accepts(schema, value); });
    };
    const auto refuse = [&](std::string_view why) {
      findings_.invalid(path_.text(), Value(""), fmt::format("\"{}\" must {}", path_.text(), why));
    };
    if (!limits.any_of.is_null() && count(limits.any_of) == 0) refuse("validate at least one schema (anyOf)");
    if (!limits.one_of.is_null()) {
      const auto found = count(limits.one_of);
      if (found == 0) refuse("validate one and only one schema (oneOf). Found none valid");
      if (found > 1)
        refuse(fmt::format("validate one and only one schema (oneOf). Found {} valid alternatives", found));
    }
    if (!limits.all_of.is_null() && count(limits.all_of) != std::ssize(limits.all_of.items()))
      refuse("validate all the schemas (allOf)");
    if (!limits.none_of.is_null() && accepts(limits.none_of, value)) refuse("not validate the schema (not)");
  }

  void text(const Limits& limits, const Value& value) {
    const std::int64_t length = length_of(value.str());
    if (limits.max_length >= 0 && length > limits.max_length)
      return findings_.too_long(path_.text(), limits.max_length);
    if (length < limits.min_length) {
      return findings_.invalid(
          path_.text(), value,
          fmt::format("{} in body should be at least {} chars long", path_.text(), limits.min_length));
    }
    if (!limits.pattern.empty() && !matches(limits.pattern, value.str())) {
      findings_.invalid(path_.text(), value, fmt::format("{} in body should match '{}'", path_.text(), limits.pattern));
    }
    if (!matches_format(limits.format, value.str())) {
      findings_.add({FieldError::Reason::kType, path_.text(),
                     fmt::format("Invalid value: {0}: {1} in body must be of type {2}: {0}", shown(value), path_.text(),
                                 limits.format),
                     value.line(), value.column()});
    }
  }

  void number(const Limits& limits, const Value& value) {
    const double number = value.number_or(0);
    const auto refuse = [&](std::string_view relation, const Value& bound) {
      findings_.invalid(path_.text(), value,
                        fmt::format("{} in body should be {} {}", path_.text(), relation, to_json(bound)));
    };
    if (!limits.minimum.is_null()) {
      const double least = limits.minimum.number_or(0);
      if (limits.exclusive_minimum ? number <= least : number < least) {
        refuse(limits.exclusive_minimum ? "greater than" : "greater than or equal to", limits.minimum);
      }
    }
    if (!limits.maximum.is_null()) {
      const double most = limits.maximum.number_or(0);
      if (limits.exclusive_maximum ? number >= most : number > most) {
        refuse(limits.exclusive_maximum ? "less than" : "less than or equal to", limits.maximum);
      }
    }
    const double step = limits.multiple_of.number_or(0);
    if (step != 0 && std::fmod(number, step) != 0) refuse("a multiple of", limits.multiple_of);
  }

  void size(const Value& value, std::int64_t least, std::int64_t most, std::string_view what) {
    const auto count = static_cast<std::int64_t>(value.size());
    if (most >= 0 && count > most) findings_.too_many(path_.text(), value.size(), static_cast<std::size_t>(most));
    if (count < least) {
      findings_.invalid(path_.text(), Value(count),
                        fmt::format("{} in body should have at least {} {}", path_.text(), least, what));
    }
  }

  PathText path_;
  Findings& findings_;
};

}  // namespace

std::string bad_pattern(const std::string& pattern) {
  const RE2 expression(pattern, RE2::Quiet);  // Not kept: what is refused is not asked for again.
  return expression.ok() ? "" : fmt::format("error parsing regexp: {}", expression.error());
}

void check_limits(const Type& type, const Value& value, const std::string& path, Findings& findings) {
  Checker(path, findings).node(type, value);
}

}  // namespace fairlead::api
