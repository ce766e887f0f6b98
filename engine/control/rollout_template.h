// Pod templates of Rollouts: which ReplicaSet is the one of the current template, and metadata that comes and goes.
// Source: argo-rollouts/utils/replicaset/replicaset.go (FindNewReplicaSet), canary.go (SyncEphemeralPodMetadata),
// utils/hash/hash.go.
#pragma once

#include <string>
#include <vector>

#include "engine/control/rollout_look.h"

namespace fairlead::control {

/// A pod template as upstream's Go types hold it: "1000m" is "1", and what is as good as absent is absent. Without
/// defaults; members that the types do not know are gone, as they are from the pods.
[[nodiscard]] Value typed_template(const api::Schema& schema, const Value& pod_template);

/// A label-safe hash of a typed pod template: FNV-1a over its JSON, in the order in which it was written. Not
/// upstream's number, which depends on the order of its Go fields; nothing compares the two. ReplicaSets are found by
/// equality where it differs.
[[nodiscard]] std::string pod_template_hash(const Value& typed, std::int64_t collisions);
/// Of spec.strategy.canary.steps: upstream's number.
[[nodiscard]] std::string step_hash(const Value& steps);
/// Whether a stored hash is of these steps. Takes former ones as well, of the steps as they are written and in order,
/// as they stand in a state that was written before the number was upstream's: such a state would start its canaries
/// anew, and those that were aborted. Each is rewritten at its first look; needed until no such state is left to start
/// on.
[[nodiscard]] bool is_hash_of_steps(std::string_view stored, const Value& steps);

/// The ReplicaSet whose template is the Rollout's, labels of ours and ephemeral metadata aside; null when there is
/// none.
[[nodiscard]] api::ObjectPtr find_current(const RolloutServices& in, const api::Object& rollout,
                                          const std::vector<api::ObjectPtr>& replica_sets);
/// Whether `live`, the template of a ReplicaSet, is what a typed template becomes once it has defaults.
[[nodiscard]] bool same_template(const RolloutServices& in, Value live, const Value& typed);

/// Takes the labels and annotations of `before` out of `metadata` and puts those of `after` in, leaving others alone;
/// both are {labels, annotations} or null. True when something changed.
bool exchange_metadata(Value& metadata, const Value& before, const Value& after);
/// What was put into a ReplicaSet's template so; null when nothing was.
[[nodiscard]] Value injected_metadata(const Value& replica_set);
/// Makes a ReplicaSet's template carry `wanted` and remember it. True when something changed.
bool inject_metadata(Value& replica_set, const Value& wanted);

}  // namespace fairlead::control
