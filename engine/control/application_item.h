// One object of an Application, as it was found at one look.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/api/api.h"
#include "engine/control/application_diff.h"
#include "engine/control/application_health.h"

namespace fairlead::control {

inline constexpr std::string_view kTrackingId = "argocd.argoproj.io/tracking-id";

/// One object that an Application has in Git, in the cluster, or in both.
struct ApplicationItem {
  std::string group;
  std::string version;
  std::string kind;
  const api::Resource* resource = nullptr;  ///< Null while no CustomResourceDefinition has brought the kind.
  api::Key key;                             ///< Without a resource as long as `resource` is null.
  std::string file;                         ///< Where Git has it.
  Value target;                             ///< Null when Git no longer has it: to be pruned.
  api::ObjectPtr live;                      ///< Null when it is missing, or when the project forbids to see it.
  std::vector<const FieldPath*> ignored;
  bool synced = false;
  bool permitted = true;    ///< Its project lists its kind.
  bool extraneous = false;  ///< Git does not have it, and it says that this does not matter.
  std::int64_t wave = 0;
  std::string error;  ///< Why it cannot be compared.
  Health health;

  [[nodiscard]] const Value& object() const { return target.is_null() ? live->tree() : target; }
  /// "apps/Deployment/web", as Argo CD's messages name it; "/ConfigMap/a" in the core group.
  [[nodiscard]] std::string name() const { return group + "/" + kind + "/" + key.name; }
};

/// Source: argo-cd gitops-engine/pkg/sync/syncwaves/waves.go.
[[nodiscard]] std::int64_t wave_of(const Value& object);

}  // namespace fairlead::control
