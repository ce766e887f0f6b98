#include "engine/api/schema_structural.h"

#include <algorithm>
#include <memory>

namespace fairlead::api {
namespace {

const std::vector<std::string_view> kTypes{"array", "boolean", "integer", "number", "object", "string"};

/// Turns one OpenAPI schema into types. Its nesting is bounded by that of the text it came in, kMaxJsonDepth.
class Builder {
 public:
  Builder(Schema::Table& table, Findings& findings) : table_(table), findings_(findings) {}

  Type& build(const Value& schema, const std::string& path) {
    check_patterns(schema, path);
    Type& type = table_.types.emplace_back();
    type.name = "~";
    type.preserve_unknown = schema.at("x-kubernetes-preserve-unknown-fields").bool_or(false);
    type.embedded = schema.at("x-kubernetes-embedded-resource").bool_or(false);
    type.nullable = schema.at("nullable").bool_or(false);
    type.atomic = schema.at("x-kubernetes-map-type").str() == "atomic";
    read_limits(schema, type);
    shape(schema, type, path);
    return type;
  }

 private:
  void shape(const Value& schema, Type& type, const std::string& path) {
    const std::string_view kind = schema.at("type").str();
    const std::string_view format = schema.at("format").str();
    if (schema.at("x-kubernetes-int-or-string").bool_or(false))
      type.shape = Shape::kIntOrString;
    else if (kind == "object")
      object(schema, type, path);
    else if (kind == "array")
      array(schema, type, path);
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
      findings_.required(path + ".type", "must not be empty for specified object fields");
    else
      findings_.not_supported(path + ".type", schema.at("type"), kTypes);
  }

  void object(const Value& schema, Type& type, const std::string& path) {
    const Value& values = schema.at("additionalProperties");
    if (values.is_object() || values.bool_or(false)) {
      type.shape = Shape::kMap;
      type.element = scalar_type("any");
      if (values.is_object()) type.element = &build(values, path + ".additionalProperties");
      return;
    }
    type.shape = Shape::kObject;
    for (const Member& property : schema.at("properties").members()) {
      const std::string inner = fmt::format("{}.properties[{}]", path, property.key);
      Field field;
      field.name = table_.keep(property.key);
      field.type = &build(property.value, inner);
      field.preset = property.value.at("default");
      check_default(*field.type, field.preset, inner + ".default");
      const Value::Array& required = schema.at("required").items();
      field.required = std::ranges::find(required, Value(property.key)) != required.end();
      type.fields.push_back(std::move(field));
    }
    std::ranges::sort(type.fields, {}, &Field::name);
  }

  void array(const Value& schema, Type& type, const std::string& path) {
    type.shape = Shape::kArray;
    type.element = scalar_type("any");
    if (schema.at("items").is_null()) return findings_.required(path + ".items", "must be specified");
    type.element = &build(schema.at("items"), path + ".items");
    const std::string_view list = schema.at("x-kubernetes-list-type").str();
    type.list = list == "map" ? ListType::kMap : list == "set" ? ListType::kSet : ListType::kAtomic;
    const Value& keys = schema.at("x-kubernetes-list-map-keys");
    for (const Value& key : keys.items()) type.list_keys.push_back(table_.keep(std::string(key.str())));
    if (type.list != ListType::kMap) return;
    const std::string keys_path = path + ".x-kubernetes-list-map-keys";
    if (keys.empty()) return findings_.required(keys_path, "must not be empty if x-kubernetes-list-type is map");
    const auto is_property = [&](std::string_view key) { return type.element->field(key) != nullptr; };
    if (!std::ranges::all_of(type.list_keys, is_property)) {
      findings_.invalid(keys_path, keys, "entries must all be names of item properties");
    }
  }

  /// A default is filled in as it will be, then held against its own schema.
  void check_default(const Type& type, const Value& preset, const std::string& path) {
    if (preset.is_null()) return;
    Value filled = preset;
    set_defaults(type, filled);
    check_limits(type, filled, path, findings_);
  }

  void check_patterns(const Value& schema, const std::string& path) {
    if (const Value* pattern = schema.find("pattern")) {
      if (const std::string why = bad_pattern(std::string(pattern->str())); !why.empty()) {
        findings_.invalid(path + ".pattern", *pattern,
                          fmt::format("must be a valid regular expression, but isn't: {}", why));
      }
    }
    for (const std::string_view junctor : {"anyOf", "oneOf", "allOf"}) {
      const Value& parts = schema.at(junctor);
      for (std::size_t i = 0; i < parts.size(); ++i) {
        check_part(parts.at(i), index_path(child_path(path, junctor), i));
      }
    }
    if (const Value* part = schema.find("not")) check_part(*part, child_path(path, "not"));
  }

  /// Below a junctor there are no types to build, only values to compare.
  void check_part(const Value& schema, const std::string& path) {
    check_patterns(schema, path);
    for (const Member& property : schema.at("properties").members()) {
      check_part(property.value, fmt::format("{}.properties[{}]", path, property.key));
    }
    if (const Value* items = schema.find("items")) check_part(*items, path + ".items");
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
  Findings& findings_;
};

}  // namespace

std::string structural_path(std::size_t version) {
  return index_path("spec.versions", version) + ".schema.openAPIV3Schema";
}

Type& structural_type(const Value& schema, const std::string& path, Schema::Table& table, Findings& findings) {
  if (const Value& kind = schema.at("type"); !kind.str().empty() && kind.str() != "object") {
    findings.invalid(path + ".type", kind, "must be object at the root");
  }
  return Builder(table, findings).build(schema, path);
}

}  // namespace fairlead::api
