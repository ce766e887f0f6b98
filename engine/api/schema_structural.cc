#include "engine/api/schema_structural.h"

#include <algorithm>
#include <memory>
#include <set>

#include "engine/api/path_text.h"

namespace fairlead::api {
namespace {

const std::vector<std::string_view> kTypes{"array", "boolean", "integer", "number", "object", "string"};

/// Turns one OpenAPI schema into types. Its nesting is bounded by that of the text it came in, kMaxJsonDepth.
class Builder {
 public:
  Builder(Schema::Table& table, std::string_view root, Findings& findings)
      : table_(table), path_(root), findings_(findings) {}

  Type& root(const Value& schema) {
    const Value& kind = schema.at("type");
    if (!kind.str().empty() && kind.str() != "object") {
      findings_.invalid(at("type"), kind, "must be object at the root");
    }
    if (!schema.at("additionalProperties").is_null()) {
      findings_.forbidden(at("additionalProperties"), "must not be used at the root");
    }
    return build(schema);
  }

 private:
  /// The path of a keyword of the schema that is being read.
  [[nodiscard]] std::string at(std::string_view keyword) {
    const auto step = path_.child(keyword);
    return path_.text();
  }

  Type& build(const Value& schema) {
    check_patterns(schema);
    Type& type = table_.types.emplace_back();
    type.name = "~";
    type.preserve_unknown = schema.at("x-kubernetes-preserve-unknown-fields").bool_or(false);
    type.embedded = schema.at("x-kubernetes-embedded-resource").bool_or(false);
    type.nullable = schema.at("nullable").bool_or(false);
    type.atomic = schema.at("x-kubernetes-map-type").str() == "atomic";
    read_limits(schema, type);
    shape(schema, type);
    return type;
  }

  /// With the default that stands beside it. Source: pkg/apiserver/schema/defaulting/validation.go.
  Type& build_member(const Value& schema) {
    Type& type = build(schema);
    const Value& preset = schema.at("default");
    if (preset.is_null()) return type;
    const auto step = path_.child("default");
    if (has_unknown(type, preset)) findings_.invalid(path_.text(), preset, "must not have unknown fields");
    check_limits(type, preset, path_.text(), findings_);
    return type;
  }

  static bool has_unknown(const Type& type, const Value& value) {
    const auto below = [](const Type* inner, const Value& part) {
      return inner != nullptr && has_unknown(*inner, part);
    };
    if (value.is_array()) {
      return std::ranges::any_of(value.items(), [&](const Value& item) { return below(type.element, item); });
    }
    return std::ranges::any_of(value.members(), [&](const Member& member) {
      if (type.shape == Shape::kMap) return below(type.element, member.value);
      const Field* field = type.shape == Shape::kObject ? type.field(member.key) : nullptr;
      if (field != nullptr) return below(field->type, member.value);
      return type.shape == Shape::kObject && !type.preserve_unknown && !type.embedded;
    });
  }

  void shape(const Value& schema, Type& type) {
    const std::string_view kind = schema.at("type").str();
    const std::string_view format = schema.at("format").str();
    if (!schema.at("x-kubernetes-list-type").is_null() && kind != "array")
      findings_.invalid(at("type"), schema.at("type"), "must be array if x-kubernetes-list-type is specified");
    if (schema.at("x-kubernetes-int-or-string").bool_or(false))
      type.shape = Shape::kIntOrString;
    else if (kind == "object")
      object(schema, type);
    else if (kind == "array")
      array(schema, type);
    else if (kind == "string")
      type.shape = format == "byte" ? Shape::kBytes : format == "date-time" ? Shape::kTime : Shape::kString;
    else if (kind == "integer")
      type.shape = format == "int32" ? Shape::kInt32 : format == "int64" ? Shape::kInt64 : Shape::kInteger;
    else if (kind == "number")
      type.shape = Shape::kNumber;
    else if (kind == "boolean")
      type.shape = Shape::kBoolean;
    else if (kind.empty() && type.preserve_unknown)
      type.shape = Shape::kAny;
    else if (kind.empty())
      findings_.required(at("type"), "must not be empty for specified object fields");
    else
      findings_.not_supported(at("type"), schema.at("type"), kTypes);
  }

  void object(const Value& schema, Type& type) {
    const Value& values = schema.at("additionalProperties");
    if (!values.is_null() && !schema.at("properties").empty()) {
      findings_.forbidden(at("additionalProperties"), "additionalProperties and properties are mutual exclusive");
    }
    if (values.is_object() || values.bool_or(false)) {
      type.shape = Shape::kMap;
      type.element = scalar_type("any");
      if (!values.is_object()) return;
      const auto step = path_.child("additionalProperties");
      type.element = &build(values);
      return;
    }
    type.shape = Shape::kObject;
    std::set<std::string_view> required;
    for (const Value& name : schema.at("required").items()) required.insert(name.str());
    const auto step = path_.child("properties");
    for (const Member& property : schema.at("properties").members()) {
      const auto inner = path_.element(property.key);
      Field field;
      field.name = table_.keep(property.key);
      field.type = &build_member(property.value);
      field.preset = property.value.at("default");
      field.required = required.contains(property.key);
      type.fields.push_back(std::move(field));
    }
    std::ranges::sort(type.fields, {}, &Field::name);
  }

  void array(const Value& schema, Type& type) {
    type.shape = Shape::kArray;
    type.element = scalar_type("any");
    if (schema.at("uniqueItems").bool_or(false)) {
      findings_.forbidden(at("uniqueItems"),
                          "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
    }
    if (schema.at("items").is_null()) return findings_.required(at("items"), "must be specified");
    {
      const auto step = path_.child("items");
      type.element = &build_member(schema.at("items"));
    }
    list_type(schema, type);
  }

  /// Source: pkg/apis/apiextensions/validation, validateListTypes and ValidateListMapKeys.
  void list_type(const Value& schema, Type& type) {
    const Value& list = schema.at("x-kubernetes-list-type");
    const Value& keys = schema.at("x-kubernetes-list-map-keys");
    check_one_of(list, {"atomic", "set", "map"}, at("x-kubernetes-list-type"), findings_);
    type.list = list.str() == "map" ? ListType::kMap : list.str() == "set" ? ListType::kSet : ListType::kAtomic;
    for (const Value& key : keys.items()) type.list_keys.push_back(table_.keep(std::string(key.str())));
    const Value& items = schema.at("items");
    if (type.list != ListType::kMap && !keys.empty()) {
      findings_.required(at("x-kubernetes-list-type"), "must be map if x-kubernetes-list-map-keys is non-empty");
    }
    if (type.list == ListType::kSet && type.element->shape == Shape::kObject && !type.element->atomic) {
      const auto step = path_.child("items");
      findings_.invalid(at("x-kubernetes-map-type"), items.at("x-kubernetes-map-type"),
                        "must be atomic as item of a list with x-kubernetes-list-type=set");
    }
    if (type.list == ListType::kMap) list_keys(keys, items, type);
  }

  void list_keys(const Value& keys, const Value& items, const Type& type) {
    if (keys.empty()) {
      return findings_.required(at("x-kubernetes-list-map-keys"), "must not be empty if x-kubernetes-list-type is map");
    }
    if (items.at("type").str() != "object") {
      const auto step = path_.child("items");
      return findings_.invalid(at("type"), items.at("type"),
                               "must be object if parent array's x-kubernetes-list-type is map");
    }
    const auto is_property = [&](std::string_view key) { return type.element->field(key) != nullptr; };
    if (!std::ranges::all_of(type.list_keys, is_property)) {
      return findings_.invalid(at("x-kubernetes-list-map-keys"), keys, "entries must all be names of item properties");
    }
    const auto step = path_.child("items");
    const auto properties = path_.child("properties");
    for (const std::string_view key : type.list_keys) {
      const Field& field = *type.element->field(key);
      const Value& kind = items.at("properties", key, "type");
      const auto property = path_.element(key);
      if (kind.str() == "object" || kind.str() == "array") {
        findings_.invalid(at("type"), kind, "must be a scalar type if parent array's x-kubernetes-list-type is map");
      } else if (!field.required && field.preset.is_null()) {
        findings_.required(at("default"),
                           "this property is in x-kubernetes-list-map-keys, so it must have a default or be a "
                           "required property");
      }
    }
  }

  void check_patterns(const Value& schema) {
    if (const Value* pattern = schema.find("pattern")) {
      if (const std::string why = bad_pattern(std::string(pattern->str())); !why.empty()) {
        findings_.invalid(at("pattern"), *pattern,
                          fmt::format("must be a valid regular expression, but isn't: {}", why));
      }
    }
    for (const std::string_view junctor : {"anyOf", "oneOf", "allOf"}) {
      const auto step = path_.child(junctor);
      const Value& parts = schema.at(junctor);
      for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto part = path_.element(i);
        check_part(parts.at(i));
      }
    }
    if (const Value* part = schema.find("not")) {
      const auto step = path_.child("not");
      check_part(*part);
    }
  }

  /// Below a junctor there are no types to build, only values to compare.
  void check_part(const Value& schema) {
    check_patterns(schema);
    {
      const auto step = path_.child("properties");
      for (const Member& property : schema.at("properties").members()) {
        const auto inner = path_.element(property.key);
        check_part(property.value);
      }
    }
    if (const Value* items = schema.find("items")) {
      const auto step = path_.child("items");
      check_part(*items);
    }
  }

  static void read_limits(const Value& schema, Type& type) {
    Limits limits;
    bool any = false;
    const auto take = [&](std::string_view key, auto& target, auto convert) {
      if (!schema.has(key)) return;
      target = convert(schema.at(key));
      any = true;
    };
    const auto same = [](const Value& value) { return value; };
    const auto count = [](const Value& value) { return value.int_or(-1); };
    const auto flag = [](const Value& value) { return value.bool_or(false); };
    const auto text = [](const Value& value) { return std::string(value.str()); };
    take("enum", limits.enumeration, same);
    take("pattern", limits.pattern, text);
    take("minLength", limits.min_length, count);
    take("maxLength", limits.max_length, count);
    take("minItems", limits.min_items, count);
    take("maxItems", limits.max_items, count);
    take("minProperties", limits.min_properties, count);
    take("maxProperties", limits.max_properties, count);
    take("minimum", limits.minimum, same);
    take("maximum", limits.maximum, same);
    take("multipleOf", limits.multiple_of, same);
    take("exclusiveMinimum", limits.exclusive_minimum, flag);
    take("exclusiveMaximum", limits.exclusive_maximum, flag);
    take("uniqueItems", limits.unique, flag);
    take("oneOf", limits.one_of, same);
    take("not", limits.none_of, same);
    take("x-kubernetes-validations", limits.rules, same);
    if (schema.at("type").str() == "string") take("format", limits.format, text);
    if (!schema.at("x-kubernetes-int-or-string").bool_or(false)) {
      take("anyOf", limits.any_of, same);
      take("allOf", limits.all_of, same);
    }
    if (any) type.limits = std::make_unique<Limits>(std::move(limits));
  }

  Schema::Table& table_;
  PathText path_;
  Findings& findings_;
};

}  // namespace

std::string structural_path(std::size_t version) {
  return index_path("spec.versions", version) + ".schema.openAPIV3Schema";
}

Type& structural_type(const Value& schema, const std::string& path, Schema::Table& table, Findings& findings) {
  return Builder(table, path, findings).root(schema);
}

}  // namespace fairlead::api
