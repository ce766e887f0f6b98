// Kinds that a user defines: a CustomResourceDefinition becomes types and resources like those of the table.
#include <algorithm>

#include "engine/api/schema_type.h"

namespace fairlead::api {
namespace {

constexpr int kMaxSchemaDepth = 100;

/// Turns one OpenAPI schema into types. What upstream's structural schemas forbid is refused with the path.
class Builder {
 public:
  explicit Builder(Schema::Table& table) : table_(table) {}

  Result<Type*> build(const Value& schema, const std::string& path, int depth = 0) {
    if (depth > kMaxSchemaDepth) return fail("{} is nested too deeply", path);
    Type& type = table_.types.emplace_back();
    type.name = "~";
    type.preserve_unknown = schema.at("x-kubernetes-preserve-unknown-fields").bool_or(false);
    type.embedded = schema.at("x-kubernetes-embedded-resource").bool_or(false);
    type.nullable = schema.at("nullable").bool_or(false);
    type.atomic = schema.at("x-kubernetes-map-type").str() == "atomic";
    read_limits(schema, type);
    if (auto shaped = shape(schema, type, path, depth); !shaped) return std::unexpected(shaped.error());
    return &type;
  }

 private:
  Result<> shape(const Value& schema, Type& type, const std::string& path, int depth) {
    const std::string_view kind = schema.at("type").str();
    const std::string_view format = schema.at("format").str();
    if (schema.at("x-kubernetes-int-or-string").bool_or(false))
      type.shape = Shape::kIntOrString;
    else if (kind == "object")
      return object(schema, type, path, depth);
    else if (kind == "array")
      return array(schema, type, path, depth);
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
      return fail("{}.type: Required value: must not be empty for specified object fields", path);
    else
      return fail("{}.type: Unsupported value: \"{}\"", path, kind);
    return {};
  }

  Result<> object(const Value& schema, Type& type, const std::string& path, int depth) {
    const Value& values = schema.at("additionalProperties");
    if (values.is_object() || values.bool_or(false)) {
      type.shape = Shape::kMap;
      type.element = scalar_type("any");
      if (!values.is_object()) return {};
      Result<Type*> element = build(values, path + ".additionalProperties", depth + 1);
      if (!element) return std::unexpected(element.error());
      type.element = *element;
      return {};
    }
    type.shape = Shape::kObject;
    for (const Member& property : schema.at("properties").members()) {
      Result<Type*> inner = build(property.value, fmt::format("{}.properties[{}]", path, property.key), depth + 1);
      if (!inner) return std::unexpected(inner.error());
      Field field;
      field.name = table_.keep(property.key);
      field.type = *inner;
      field.preset = property.value.at("default");
      const Value::Array& required = schema.at("required").items();
      field.required = std::ranges::find(required, Value(property.key)) != required.end();
      type.fields.push_back(std::move(field));
    }
    std::ranges::sort(type.fields, {}, &Field::name);
    return {};
  }

  Result<> array(const Value& schema, Type& type, const std::string& path, int depth) {
    type.shape = Shape::kArray;
    Result<Type*> element = build(schema.at("items"), path + ".items", depth + 1);
    if (!element) return std::unexpected(element.error());
    type.element = *element;
    const std::string_view list = schema.at("x-kubernetes-list-type").str();
    type.list = list == "map" ? ListType::kMap : list == "set" ? ListType::kSet : ListType::kAtomic;
    for (const Value& key : schema.at("x-kubernetes-list-map-keys").items()) {
      type.list_keys.push_back(table_.keep(std::string(key.str())));
    }
    return {};
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
};

std::vector<std::string> strings_of(const Value& list) {
  std::vector<std::string> out;
  for (const Value& item : list.items()) out.emplace_back(item.str());
  return out;
}

/// "sh.argoproj.v1alpha1.Rollout"
std::string type_name(std::string_view group, std::string_view version, std::string_view kind) {
  std::string out;
  while (!group.empty()) {
    const std::size_t dot = group.rfind('.');
    out += fmt::format("{}.", group.substr(dot + 1));  // npos + 1 is the whole.
    group = group.substr(0, dot == std::string_view::npos ? 0 : dot);
  }
  return fmt::format("{}{}.{}", out, version, kind);
}

void add_identity(Type& type, const Schema::Table& table) {
  const auto meta = table.by_name.find("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
  for (const std::string_view name : {"apiVersion", "kind", "metadata"}) {
    std::erase_if(type.fields, [&](const Field& field) { return field.name == name; });
    Field field;
    field.name = name;
    field.type = name == "metadata" ? meta->second : scalar_type("string");
    type.fields.push_back(std::move(field));
  }
  std::ranges::sort(type.fields, {}, &Field::name);
}

void add_columns(Resource& resource, const Value& version) {
  resource.columns.push_back({"Name", "string", "name", ".metadata.name", 0});
  for (const Value& column : version.at("additionalPrinterColumns").items()) {
    resource.columns.push_back({std::string(column.at("name").str()), std::string(column.at("type").str()),
                                std::string(column.at("format").str()), std::string(column.at("jsonPath").str()),
                                static_cast<int>(column.at("priority").int_or(0))});
  }
  if (resource.columns.size() == 1) resource.columns.push_back({"Age", "date", "", ".metadata.creationTimestamp", 0});
}

void add_subresources(Resource& resource, const Value& subresources) {
  const std::vector<std::string> verbs{"get", "patch", "update"};
  if (const Value* scale = subresources.find("scale")) {
    resource.has_scale = true;
    resource.scale = {std::string(scale->at("specReplicasPath").str()),
                      std::string(scale->at("statusReplicasPath").str()),
                      std::string(scale->at("labelSelectorPath").str())};
    resource.subresources.push_back({"scale", "autoscaling", "v1", "Scale", verbs});
  }
  if (subresources.has("status")) {
    resource.has_status = true;
    resource.subresources.push_back({"status", "", "", resource.kind, verbs});
  }
}

/// The resource of one version: the one that was there before, at its old address, or a new one.
Resource& resource_for(Schema::Table& table, std::string_view group, std::string_view version,
                       std::string_view plural) {
  for (Resource& resource : table.all) {
    if (resource.group != group || resource.version != version || resource.plural != plural) continue;
    const std::uint32_t ordinal = resource.ordinal;
    resource = Resource{};
    resource.ordinal = ordinal;
    return resource;
  }
  Resource& resource = table.all.emplace_back();
  resource.ordinal = static_cast<std::uint32_t>(table.all.size() - 1);
  return resource;
}

Resource& add_resource(Schema::Table& table, const Value& spec, const Value& version, const Type& type) {
  const Value& names = spec.at("names");
  const std::string group(spec.at("group").str());
  const std::string plural(names.at("plural").str());
  Resource& resource = resource_for(table, group, version.at("name").str(), plural);
  resource.group = group;
  resource.version = version.at("name").str();
  resource.kind = names.at("kind").str();
  resource.plural = plural;
  resource.singular = names.at("singular").str();
  resource.short_names = strings_of(names.at("shortNames"));
  resource.categories = strings_of(names.at("categories"));
  resource.verbs = {"delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"};
  resource.namespaced = spec.at("scope").str() == "Namespaced";
  resource.acted_on = acted_on(resource);
  resource.type = &type;
  resource.storage = &resource;
  add_subresources(resource, version.at("subresources"));
  add_columns(resource, version);
  return resource;
}

}  // namespace

Result<> Schema::add_definition(const Value& crd) {
  const Value& spec = crd.at("spec");
  const Value& names = spec.at("names");
  if (table_->built_in.contains(fmt::format("{}.{}", names.at("plural").str(), spec.at("group").str()))) return {};
  std::vector<std::pair<const Value*, const Type*>> types;
  for (const Value& version : spec.at("versions").items()) {
    if (!version.at("served").bool_or(false)) continue;
    const std::string path = fmt::format("spec.versions[{}].schema.openAPIV3Schema", version.at("name").str());
    Result<Type*> built = Builder(*table_).build(version.at("schema", "openAPIV3Schema"), path);
    if (!built) return std::unexpected(built.error());
    Type& type = **built;
    add_identity(type, *table_);
    type.name = table_->keep(type_name(spec.at("group").str(), version.at("name").str(), names.at("kind").str()));
    types.emplace_back(&version, &type);
  }
  remove_definition(spec.at("group").str(), names.at("plural").str());
  std::vector<Resource*> added;
  added.reserve(types.size());
  for (const auto& [version, type] : types) added.push_back(&add_resource(*table_, spec, *version, *type));
  for (Resource* resource : added) {
    for (const Value& version : spec.at("versions").items()) {
      if (!version.at("storage").bool_or(false)) continue;
      const auto stored = std::ranges::find(added, version.at("name").str(),
                                            [](const Resource* r) { return std::string_view(r->version); });
      if (stored != added.end()) resource->storage = *stored;
    }
  }
  for (Resource* resource : added) table_->index(resource);
  return {};
}

void Schema::remove_definition(std::string_view group, std::string_view plural) {
  if (table_->built_in.contains(fmt::format("{}.{}", plural, group))) return;
  const auto gone = [&](const Resource* resource) { return resource->group == group && resource->plural == plural; };
  std::erase_if(table_->served, gone);
  std::erase_if(table_->by_kind, [&](const auto& entry) { return gone(entry.second); });
  std::erase_if(table_->by_plural, [&](const auto& entry) { return gone(entry.second); });
}

}  // namespace fairlead::api
