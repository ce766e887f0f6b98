// What an AppProject permits its Applications, and which cluster they may name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"
#include "engine/api/object.h"

namespace fairlead::control {

/// The one cluster that is here, by its two names.
inline constexpr std::string_view kClusterServer = "https://kubernetes.default.svc";
inline constexpr std::string_view kClusterName = "in-cluster";

/// Why spec.destination names no cluster, or one that is not this one; nothing where it names this one.
/// Source: argo-cd util/argo/argo.go (GetDestinationServer, GetDestinationCluster).
[[nodiscard]] std::optional<std::string> destination_problem(const Value& destination);

/// What `project` (an AppProject) has against the Application's source and destination.
/// Source: argo-cd util/argo/argo.go (ValidatePermissions), pkg/apis/application/v1alpha1/app_project_types.go
/// (IsSourcePermitted, IsDestinationPermitted).
[[nodiscard]] std::vector<std::string> permission_problems(const Value& project, const Value& application);

/// One object as projects look at it; `ns` is empty for cluster-scoped kinds.
struct ProjectSubject {
  std::string_view group;
  std::string_view kind;
  std::string_view ns;
  std::string_view name;
};

/// Whether `project` lists the object's kind. Source: IsGroupKindNamePermitted.
[[nodiscard]] bool kind_permitted(const Value& project, const ProjectSubject& subject);
/// Why `project` forbids one object in the cluster. Source: argo-cd controller/sync.go (validateSyncPermissions).
[[nodiscard]] std::optional<std::string> forbidden_object(const Value& project, const ProjectSubject& subject);
/// Whether an Application of `project` may see and remove what is live. Source: IsLiveResourcePermitted.
[[nodiscard]] bool live_permitted(const Value& project, const api::Object& live);

/// What the project asks for that nothing here can do, and that must not be left undone: signed commits.
[[nodiscard]] std::optional<std::string> unkept_promise(const Value& project);

}  // namespace fairlead::control
