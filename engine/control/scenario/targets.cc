#include "engine/control/scenario/targets.h"

#include <algorithm>
#include <array>

#include "engine/control/scenario/match.h"

namespace fairlead::control {
namespace {

constexpr std::array<std::string_view, 9> kTargetWords = {"kind",  "apiVersion", "name",  "namespace", "labels",
                                                          "owner", "where",      "count", "absent"};

/// "Deployment/web"
bool owned_by(const api::Object& object, std::string_view owner) {
  const std::size_t slash = owner.find('/');
  return std::ranges::any_of(object.at("metadata", "ownerReferences").items(), [&](const Value& reference) {
    return reference.at("kind").str() == owner.substr(0, slash) &&
           glob_matches(slash == std::string_view::npos ? "*" : owner.substr(slash + 1), reference.at("name").str());
  });
}

}  // namespace

bool is_target_word(std::string_view key) { return std::ranges::find(kTargetWords, key) != kTargetWords.end(); }

Result<const api::Resource*> resource_of(const api::Schema& schema, const Value& target) {
  const std::string_view kind = target.at("kind").str();
  const std::string_view version = target.at("apiVersion").str();
  if (!version.empty()) {
    const api::Resource* found = schema.by_kind(version, kind);
    if (found != nullptr) return found->storage;
  } else {
    for (const api::Resource* resource : schema.resources()) {
      if (resource->kind == kind && resource->storage == resource) return resource;
    }
  }
  return std::unexpected(target.error(fmt::format("no kind \"{}\" {} is known", kind, version)));
}

Result<std::vector<api::ObjectPtr>> select_objects(const api::Api& api, const Value& target) {
  const auto resource = resource_of(api.schema(), target);
  if (!resource) return std::unexpected(resource.error());
  std::string_view ns = target.at("namespace").string_or("default");
  if (!(*resource)->namespaced || ns == "*") ns = {};
  api::Selector labels;
  if (target.at("labels").is_string()) {
    const auto parsed = api::Selector::parse(target.at("labels").str());
    if (!parsed) return std::unexpected(target.at("labels").error(parsed.error().message));
    labels = *parsed;
  } else if (target.has("labels")) {
    labels = api::Selector::from_map(target.at("labels"));
  }
  std::vector<api::ObjectPtr> out = api.list(**resource, ns, labels);
  std::erase_if(out, [&](const api::ObjectPtr& object) {
    if (target.has("name") && !glob_matches(target.at("name").str(), object->name())) return true;
    if (target.has("owner") && !owned_by(*object, target.at("owner").str())) return true;
    return target.has("where") && difference(target.at("where"), object->tree(), "").has_value();
  });
  return out;
}

}  // namespace fairlead::control
