// The Pod Security Standards. Source: k8s.io/pod-security-admission v0.36.0, policy and api.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"
#include "engine/api/schema.h"

namespace fairlead::api {

enum class PodSecurityLevel { kPrivileged, kBaseline, kRestricted };

inline constexpr int kLatestPodSecurity = 35;  ///< Of 1.x: the last version in which a check changed.

struct PodSecurityPolicy {
  PodSecurityLevel level = PodSecurityLevel::kPrivileged;
  int minor = -1;  ///< Of 1.x; -1 for the latest.

  [[nodiscard]] std::string to_string() const;  ///< "restricted:v1.30"
  bool operator==(const PodSecurityPolicy&) const = default;
};

/// What a namespace's labels ask for. A label that says nothing known counts as restricted where it enforces, and as
/// privileged where it warns; `errors` has it.
struct NamespacePolicy {
  PodSecurityPolicy enforce;
  PodSecurityPolicy warn;
  std::vector<FieldError> errors;
};
[[nodiscard]] NamespacePolicy namespace_policy(const Value& labels);

/// One check that a pod does not pass.
struct PodSecurityFinding {
  std::string reason;
  std::string detail;
};
/// `metadata` and `spec` of a pod or of a template.
[[nodiscard]] std::vector<PodSecurityFinding> check_pod_security(const PodSecurityPolicy& policy, const Value& metadata,
                                                                 const Value& spec);

}  // namespace fairlead::api
