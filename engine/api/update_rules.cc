#include "engine/api/update_rules.h"

#include <algorithm>
#include <array>

#include "engine/api/schema_type.h"

namespace fairlead::api {
namespace {

struct Kind {
  std::string_view group;
  std::string_view kind;  ///< Empty: every kind of the group.
};

constexpr std::array kConditional{Kind{"admissionregistration.k8s.io", ""},
                                  Kind{"apiextensions.k8s.io", "CustomResourceDefinition"},
                                  Kind{"certificates.k8s.io", "ClusterTrustBundle"},
                                  Kind{"certificates.k8s.io", "PodCertificateRequest"},
                                  Kind{"coordination.k8s.io", ""},
                                  Kind{"internal.apiserver.k8s.io", "StorageVersion"},
                                  Kind{"node.k8s.io", "RuntimeClass"},
                                  Kind{"policy", "PodDisruptionBudget"},
                                  Kind{"storage.k8s.io", "CSIDriver"},
                                  Kind{"storage.k8s.io", "CSINode"},
                                  Kind{"storage.k8s.io", "CSIStorageCapacity"},
                                  Kind{"storage.k8s.io", "VolumeAttachment"},
                                  Kind{"storagemigration.k8s.io", "StorageVersionMigration"}};

constexpr std::array kCreated{Kind{"", "Endpoints"},
                              Kind{"", "Event"},
                              Kind{"", "LimitRange"},
                              Kind{"", "Service"},
                              Kind{"coordination.k8s.io", ""},
                              Kind{"events.k8s.io", "Event"},
                              Kind{"node.k8s.io", "RuntimeClass"},
                              Kind{"rbac.authorization.k8s.io", ""}};

bool is_in(std::span<const Kind> kinds, const Resource& resource) {
  return std::ranges::any_of(kinds, [&](const Kind& kind) {
    return kind.group == resource.group && (kind.kind.empty() || kind.kind == resource.kind);
  });
}

}  // namespace

bool wants_revision(const Resource& resource) { return !resource.type->typed || is_in(kConditional, resource); }

bool created_by_update(const Resource& resource) { return is_in(kCreated, resource); }

}  // namespace fairlead::api
