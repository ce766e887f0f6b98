#include "engine/control/ownership.h"

#include <algorithm>
#include <utility>

#include "engine/control/pod_state.h"

namespace fairlead::control {
namespace {

Result<api::ObjectPtr> adopt(api::Api& api, const api::Object& owner, const api::Object& orphan) {
  auto adopted = api.mutate(orphan.key(), api::Subresource::kNone, [&](Value& tree) {
    tree.make("metadata", "ownerReferences").push_back(controller_reference(owner));
  });
  if (!adopted) return fail("adopting {}: {}", orphan.key().to_string(), adopted.error().message);
  return *adopted;
}

Result<> release(api::Api& api, const api::Object& owner, const api::Object& owned) {
  const auto released = api.mutate(owned.key(), api::Subresource::kNone, [&](Value& tree) {
    Value& references = tree.make("metadata", "ownerReferences");
    std::erase_if(references.mutable_items(), [&](const Value& r) { return r.at("uid").str() == owner.uid(); });
  });
  if (!released && !released.error().not_found()) {
    return fail("releasing {}: {}", owned.key().to_string(), released.error().message);
  }
  return {};
}

}  // namespace

const Value& controller_of(const Value& object) {
  static const Value kNone;
  for (const Value& reference : object.at("metadata", "ownerReferences").items()) {
    if (reference.at("controller").bool_or(false)) return reference;
  }
  return kNone;
}

bool is_controlled_by(const Value& object, const api::Object& owner) {
  const std::string_view uid = controller_of(object).at("uid").str();
  return !uid.empty() && uid == owner.uid();
}

Value controller_reference(const api::Object& owner) {
  return Value::object({{"apiVersion", owner.resource().api_version()},
                        {"kind", owner.resource().kind},
                        {"name", owner.name()},
                        {"uid", owner.uid()},
                        {"controller", true},
                        {"blockOwnerDeletion", true}});
}

std::optional<api::Key> controller_key(const api::Object& object, const api::Resource& resource) {
  const Value& reference = controller_of(object.tree());
  const std::string_view version = reference.at("apiVersion").str();
  const std::string_view group =
      version.find('/') == std::string_view::npos ? "" : version.substr(0, version.find('/'));
  if (reference.at("kind").str() != resource.kind || group != resource.group) return std::nullopt;
  return api::Key{&resource, std::string(object.ns()), std::string(reference.at("name").str())};
}

Result<std::vector<api::ObjectPtr>> claim(api::Api& api, const api::Object& owner, const api::Resource& resource,
                                          const api::Selector& selector) {
  std::vector<api::ObjectPtr> out;
  for (const api::ObjectPtr& object : api.list(resource, owner.ns())) {
    const bool matches = selector.matches(object->at("metadata", "labels"));
    if (!controller_of(object->tree()).is_null()) {
      if (!is_controlled_by(object->tree(), owner)) continue;
      if (matches) {
        out.push_back(object);
      } else if (!owner.deleting()) {
        if (auto released = release(api, owner, *object); !released) return std::unexpected(released.error());
      }
      continue;
    }
    if (!matches || owner.deleting() || object->deleting()) continue;
    if (resource.kind == "Pod" && !pod_is_active(object->tree())) continue;
    auto adopted = adopt(api, owner, *object);
    if (!adopted) return std::unexpected(adopted.error());
    out.push_back(*adopted);
  }
  return out;
}

bool namespace_is_going(const api::Status& refusal) {
  return refusal.reason == "Forbidden" && std::ranges::any_of(refusal.causes, [](const api::FieldError& cause) {
           return cause.field == "metadata.namespace" && cause.message.ends_with("is being terminated");
         });
}

}  // namespace fairlead::control
