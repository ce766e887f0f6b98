// The OpenAPI v3 documents that kubectl reads before apply, diff, create and explain: the table, told in their words.
#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "base/json.h"
#include "engine/api/schema_type.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kReference = "#/components/schemas/";

class Document {
 public:
  explicit Document(std::vector<const Resource*> resources) : resources_(std::move(resources)) {}

  std::string write(std::string_view path) {
    Value paths = Value::object();
    for (const Resource* resource : resources_) {
      if (!resource->plural.empty()) add_paths(paths, *resource, path);
      want(*resource->type);
    }
    Value schemas = Value::object();
    while (!wanted_.empty()) {
      const Type* type = wanted_.back();
      wanted_.pop_back();
      schemas.set(type->name, definition(*type));
    }
    for (auto& [name, scalar] : scalars_) schemas.set(name, std::move(scalar));
    return to_json(Value::object({{"openapi", "3.0.0"},
                                  {"info", Value::object({{"title", "Kubernetes"}, {"version", "unversioned"}})},
                                  {"paths", std::move(paths)},
                                  {"components", Value::object({{"schemas", std::move(schemas)}})}}));
  }

 private:
  void want(const Type& type) {
    if (seen_.insert(type.name).second) wanted_.push_back(&type);
  }

  static Value kind_of(const Resource& resource) {
    return Value::object({{"group", resource.group}, {"version", resource.version}, {"kind", resource.kind}});
  }

  static Value operation(const Resource& resource, std::string_view action) {
    Value parameters = Value::array();
    for (const std::string_view name : {"dryRun", "fieldManager", "fieldValidation"}) {
      parameters.push_back(Value::object(
          {{"name", name}, {"in", "query"}, {"schema", Value::object({{"type", "string"}, {"uniqueItems", true}})}}));
    }
    const Value reference = Value::object({{"$ref", fmt::format("{}{}", kReference, resource.type->name)}});
    const Value content = Value::object({{"application/json", Value::object({{"schema", reference}})}});
    return Value::object(
        {{"parameters", std::move(parameters)},
         {"responses", Value::object({{"200", Value::object({{"description", "OK"}, {"content", content}})}})},
         {"x-kubernetes-action", action},
         {"x-kubernetes-group-version-kind", kind_of(resource)}});
  }

  static Value patch_operation(const Resource& resource) {
    Value content = Value::object();
    const Value any = Value::object({{"schema", Value::object({{"type", "object"}})}});
    content.set("application/json-patch+json", any).set("application/merge-patch+json", any);
    if (resource.type->typed) content.set("application/strategic-merge-patch+json", any);
    return operation(resource, "patch")
        .set("requestBody", Value::object({{"content", std::move(content)}, {"required", true}}));
  }

  static void add_paths(Value& paths, const Resource& resource, std::string_view prefix) {
    const std::string scope = resource.namespaced ? "/namespaces/{namespace}" : "";
    const std::string list = fmt::format("/{}{}/{}", prefix, scope, resource.plural);
    Value collection = Value::object();
    Value item = Value::object();
    for (const std::string& verb : resource.verbs) {
      if (verb == "list") collection.set("get", operation(resource, "list"));
      if (verb == "create") collection.set("post", operation(resource, "post"));
      if (verb == "get") item.set("get", operation(resource, "get"));
      if (verb == "update") item.set("put", operation(resource, "put"));
      if (verb == "delete") item.set("delete", operation(resource, "delete"));
      if (verb == "patch") item.set("patch", patch_operation(resource));
    }
    paths.set(list, std::move(collection));
    if (!item.empty()) paths.set(list + "/{name}", std::move(item));
  }

  /// A named type in full.
  Value definition(const Type& type) {
    typed_ = type.typed;
    Value out = object_schema(type);
    Value kinds = Value::array();
    for (const Resource* resource : resources_) {
      if (resource->type == &type) kinds.push_back(kind_of(*resource));
    }
    if (!kinds.empty()) out.set("x-kubernetes-group-version-kind", std::move(kinds));
    return out;
  }

  Value object_schema(const Type& type) {
    Value out = Value::object({{"type", "object"}});
    Value properties = Value::object();
    Value required = Value::array();
    for (const Field& field : type.fields) {
      Value property = schema(*field.type);
      if (!field.preset.is_null()) property.set("default", field.preset);
      if (field.retain_keys) property.set("x-kubernetes-patch-strategy", "retainKeys");
      if (field.patch_replace) property.set("x-kubernetes-patch-strategy", "replace");
      properties.set(field.name, std::move(property));
      if (field.required) required.push_back(field.name);
    }
    if (!properties.empty()) out.set("properties", std::move(properties));
    if (!required.empty()) out.set("required", std::move(required));
    if (type.atomic) out.set("x-kubernetes-map-type", "atomic");
    if (type.preserve_unknown) out.set("x-kubernetes-preserve-unknown-fields", true);
    if (type.embedded) out.set("x-kubernetes-embedded-resource", true);
    return out;
  }

  Value schema(const Type& type) {
    if (type.shape == Shape::kObject && type.named()) {
      want(type);
      return Value::object({{"$ref", fmt::format("{}{}", kReference, type.name)}});
    }
    const std::string_view scalar = typed_ ? scalar_name(type.shape) : std::string_view();
    if (!scalar.empty()) {
      scalars_.try_emplace(scalar, shape(type));
      return Value::object({{"$ref", fmt::format("{}{}", kReference, scalar)}});
    }
    Value out = shape(type);
    if (type.nullable) out.set("nullable", true);
    if (type.limits) limits(*type.limits, out);
    return out;
  }

  /// Scalars that have a name of their own upstream, which `kubectl explain` prints.
  static std::string_view scalar_name(Shape shape) {
    if (shape == Shape::kIntOrString) return "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
    return shape == Shape::kQuantity ? "io.k8s.apimachinery.pkg.api.resource.Quantity" : "";
  }

  Value shape(const Type& type) {
    const auto of = [](std::string_view name, std::string_view format) {
      return Value::object({{"type", name}, {"format", format}});
    };
    switch (type.shape) {
      case Shape::kAny:
        return type.preserve_unknown ? Value::object({{"x-kubernetes-preserve-unknown-fields", true}})
                                     : Value::object();
      case Shape::kRaw:
        return Value::object({{"type", "object"}});
      case Shape::kObject:
        return object_schema(type);
      case Shape::kMap:
        return Value::object({{"type", "object"}, {"additionalProperties", schema(*type.element)}});
      case Shape::kArray:
        return array(type);
      case Shape::kString:
      case Shape::kDuration:
        return Value::object({{"type", "string"}});
      case Shape::kInt32:
        return of("integer", "int32");
      case Shape::kInt64:
        return of("integer", "int64");
      case Shape::kInteger:
        return Value::object({{"type", "integer"}});
      case Shape::kNumber:
        return Value::object({{"type", "number"}});
      case Shape::kBoolean:
        return Value::object({{"type", "boolean"}});
      case Shape::kBytes:
        return of("string", "byte");
      case Shape::kTime:
      case Shape::kMicroTime:
        return of("string", "date-time");
      case Shape::kIntOrString:
        return Value::object({{"x-kubernetes-int-or-string", true}, {"oneOf", either("integer")}});
      case Shape::kQuantity:
        return Value::object({{"oneOf", either("number")}});
    }
    return Value::object();
  }

  static Value either(std::string_view other) {
    return Value::array({Value::object({{"type", "string"}}), Value::object({{"type", other}})});
  }

  Value array(const Type& type) {
    Value out = Value::object({{"type", "array"}, {"items", schema(*type.element)}});
    const std::string_view list = type.list == ListType::kMap ? "map" : type.list == ListType::kSet ? "set" : "atomic";
    out.set("x-kubernetes-list-type", list);
    Value keys = Value::array();
    for (const std::string_view key : type.list_keys) keys.push_back(key);
    if (!keys.empty()) out.set("x-kubernetes-list-map-keys", std::move(keys));
    if (type.patch_merge) out.set("x-kubernetes-patch-strategy", type.patch_retain_keys ? "merge,retainKeys" : "merge");
    if (!type.merge_key.empty()) out.set("x-kubernetes-patch-merge-key", type.merge_key);
    return out;
  }

  static void limits(const Limits& limits, Value& out) {
    if (!limits.enumeration.is_null()) out.set("enum", limits.enumeration);
    if (!limits.pattern.empty()) out.set("pattern", limits.pattern);
    if (!limits.format.empty()) out.set("format", limits.format);
    const std::initializer_list<std::pair<std::string_view, std::int64_t>> sizes{
        {"minLength", limits.min_length},         {"maxLength", limits.max_length},
        {"minItems", limits.min_items},           {"maxItems", limits.max_items},
        {"minProperties", limits.min_properties}, {"maxProperties", limits.max_properties}};
    for (const auto& [name, size] : sizes) {
      if (size >= 0) out.set(name, size);
    }
    if (!limits.minimum.is_null()) out.set("minimum", limits.minimum);
    if (!limits.maximum.is_null()) out.set("maximum", limits.maximum);
    if (!limits.rules.is_null()) out.set("x-kubernetes-validations", limits.rules);
  }

  std::vector<const Resource*> resources_;
  std::set<std::string_view> seen_;
  std::vector<const Type*> wanted_;
  std::map<std::string_view, Value> scalars_;
  bool typed_ = false;  ///< The definition being written is of a built-in kind.
};

}  // namespace

std::string Schema::openapi_v3(std::string_view path) const {
  std::vector<const Resource*> resources;
  const auto belongs = [&](const Resource* resource) {
    return path == (resource->group.empty() ? "api/" : "apis/") + resource->api_version();
  };
  std::ranges::copy_if(table_->served, std::back_inserter(resources), belongs);
  if (resources.empty()) return {};
  std::ranges::copy_if(table_->messages, std::back_inserter(resources), belongs);
  return Document(std::move(resources)).write(path);
}

}  // namespace fairlead::api
