// Pod templates as Deployments and Rollouts compare, name and stamp them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/api/object.h"

namespace fairlead::control {

inline constexpr std::string_view kPodTemplateHash = "pod-template-hash";

/// Equality as upstream's EqualIgnoreHash: the label `hash_label` and the difference between absent and empty lists and
/// maps of metadata do not count.
[[nodiscard]] bool same_template(const Value& a, const Value& b, std::string_view hash_label);

/// A short name for a template that is the same for equal templates. Not upstream's value, which depends on the Go
/// types of the release that computed it: ReplicaSets are found by equality of templates, never by this.
[[nodiscard]] std::string template_hash(const Value& pod_template, std::int64_t collisions);

/// A pod made from `pod_template` for `owner`, named "<owner>-…" by the API.
[[nodiscard]] Value pod_from_template(const Value& pod_template, const api::Object& owner);

}  // namespace fairlead::control
