// Controllers and the objects that they own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/api/api.h"

namespace fairlead::control {

/// The owner reference with `controller: true`; the null node when there is none.
[[nodiscard]] const Value& controller_of(const Value& object);
[[nodiscard]] bool is_controlled_by(const Value& object, const api::Object& owner);
/// An owner reference that makes `owner` the controller. Source:
/// k8s.io/apimachinery/pkg/apis/meta/v1/controller_ref.go.
[[nodiscard]] Value controller_reference(const api::Object& owner);

/// The key of the controller of `object` when it is of `kind` ("ReplicaSet") in the group of `resource`; nothing else
/// counts. The uid is not compared: a reconciler looks at what is there now.
[[nodiscard]] std::optional<api::Key> controller_key(const api::Object& object, const api::Resource& resource);

/// The objects of `resource` in the owner's namespace that the owner controls and its `selector` matches. Matching
/// orphans are adopted; owned ones that no longer match are released. A deleting owner adopts nothing.
/// Source: pkg/controller/controller_ref_manager.go, ClaimObject.
[[nodiscard]] Result<std::vector<api::ObjectPtr>> claim(api::Api& api, const api::Object& owner,
                                                        const api::Resource& resource, const api::Selector& selector);

/// Whether a creation was refused because its namespace is going: nothing will be created there again, and it is no
/// failure. Source: v1.NamespaceTerminatingCause.
[[nodiscard]] bool namespace_is_going(const api::Status& refusal);

}  // namespace fairlead::control
