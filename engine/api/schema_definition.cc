// Kinds that a user defines: a CustomResourceDefinition becomes types and resources like those of the table.
#include <algorithm>

#include "engine/api/schema_structural.h"

namespace fairlead::api {
namespace {

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

/// Other threads may still read the resource that was there before, and objects and watches point to it: it stays as it
/// is. What they have in common with the new one is the ordinal, by which the store finds the objects of all of them.
std::uint32_t ordinal_for(Schema::Table& table, const Resource& resource, bool stored) {
  const auto own = static_cast<std::uint32_t>(table.all.size() - 1);
  if (!stored) return own;
  return table.store_ordinals.try_emplace(fmt::format("{}.{}", resource.plural, resource.group), own).first->second;
}

Resource& add_resource(Schema::Table& table, const Value& spec, const Value& version, const Type& type) {
  const Value& names = spec.at("names");
  const std::string group(spec.at("group").str());
  const std::string plural(names.at("plural").str());
  Resource& resource = table.all.emplace_back();
  resource.group = group;
  resource.version = version.at("name").str();
  resource.kind = names.at("kind").str();
  resource.plural = plural;
  resource.ordinal = ordinal_for(table, resource, version.at("storage").bool_or(false));
  resource.singular = names.at("singular").str();
  resource.short_names = strings_of(names.at("shortNames"));
  resource.categories = strings_of(names.at("categories"));
  resource.verbs = {"delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"};
  resource.namespaced = spec.at("scope").str() == "Namespaced";
  resource.acted_on = acted_on(resource);
  resource.type = &type;
  resource.storage = &resource;
  for (const Value& field : version.at("selectableFields").items()) {
    const std::string_view path = field.at("jsonPath").str();
    resource.selectable.emplace_back(path.substr(path.starts_with('.') ? 1 : 0));
  }
  add_subresources(resource, version.at("subresources"));
  add_columns(resource, version);
  return resource;
}

}  // namespace

Result<> Schema::add_definition(const Value& crd) {
  // The names that it asks for may be another definition's.
  Value spec = crd.at("spec");
  if (!crd.at("status", "acceptedNames", "plural").str().empty()) spec.set("names", crd.at("status", "acceptedNames"));
  const Value& names = spec.at("names");
  const std::string name = fmt::format("{}.{}", names.at("plural").str(), spec.at("group").str());
  if (table_->built_in.contains(name)) return {};
  const auto known = table_->definitions.find(name);
  if (known != table_->definitions.end() && known->second == spec) return {};
  std::vector<std::pair<const Value*, const Type*>> types;
  Findings findings;
  for (std::size_t i = 0; i < spec.at("versions").size(); ++i) {
    const Value& version = spec.at("versions", i);
    // What is stored has a place also when its version is not served: all others share it.
    if (!version.at("served").bool_or(false) && !version.at("storage").bool_or(false)) continue;
    Type& type = structural_type(version.at("schema", "openAPIV3Schema"), structural_path(i), *table_, findings);
    if (!findings.empty()) {
      const FieldError first = findings.take().front();
      return fail("{}: {}", first.field, first.message);
    }
    add_identity(type, *table_);
    type.name = table_->keep(type_name(spec.at("group").str(), version.at("name").str(), names.at("kind").str()));
    types.emplace_back(&version, &type);
  }
  remove_definition(spec.at("group").str(), names.at("plural").str());
  std::vector<Resource*> added;
  const Resource* storage = nullptr;
  for (const auto& [version, type] : types) {
    Resource& resource = add_resource(*table_, spec, *version, *type);
    if (version->at("storage").bool_or(false)) storage = &resource;
    if (version->at("served").bool_or(false)) added.push_back(&resource);
  }
  for (Resource* resource : added) {
    if (storage != nullptr) resource->storage = storage;
    table_->index(resource);
  }
  if (storage != nullptr)
    table_->stored.insert(std::ranges::upper_bound(table_->stored, storage->ordinal, {}, &Resource::ordinal), storage);
  table_->definitions.insert_or_assign(name, spec);
  return {};
}

void Schema::remove_definition(std::string_view group, std::string_view plural) {
  const std::string name = fmt::format("{}.{}", plural, group);
  if (table_->built_in.contains(name)) return;
  const auto gone = [&](const Resource* resource) { return resource->group == group && resource->plural == plural; };
  std::erase_if(table_->served, gone);
  std::erase_if(table_->stored, gone);
  std::erase_if(table_->by_kind, [&](const auto& entry) { return gone(entry.second); });
  std::erase_if(table_->by_plural, [&](const auto& entry) { return gone(entry.second); });
  table_->definitions.erase(name);
}

}  // namespace fairlead::api
