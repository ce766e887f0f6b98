// What a Rollout may say here, and whether what it refers to is there.
// Source: argo-rollouts/pkg/apis/rollouts/validation/validation.go, validation_references.go.
#pragma once

#include <string>
#include <vector>

#include "engine/api/schema.h"
#include "engine/control/rollout_look.h"

namespace fairlead::control {

/// Everything wrong with a Rollout by itself: upstream's rules, and fields that upstream knows and nothing here acts
/// on.
[[nodiscard]] std::vector<api::FieldError> rollout_problems(const api::Schema& schema, const Value& rollout);

/// The first problem with the Rollout or with Services and templates that it names; empty when there is none. Upstream
/// shows it as condition InvalidSpec and looks again.
[[nodiscard]] std::string reference_problem(const RolloutLook& look);

}  // namespace fairlead::control
