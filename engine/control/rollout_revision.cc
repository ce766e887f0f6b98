// ReplicaSets of a Rollout: making the one of the current template, numbering revisions, forgetting old ones.
// Source: argo-rollouts/rollout/sync.go, utils/annotations/annotations.go.
#include <algorithm>
#include <array>

#include "engine/control/delivery_names.h"
#include "engine/control/deployment_math.h"
#include "engine/control/ownership.h"
#include "engine/control/rollout_look.h"
#include "engine/control/rollout_status.h"
#include "engine/control/rollout_template.h"
#include "engine/control/rollout_warnings.h"

namespace fairlead::control {
namespace {

/// Annotations of a Rollout that its ReplicaSets do not get.
bool stays_on_rollout(std::string_view key) {
  constexpr std::array<std::string_view, 5> kKeys = {"kubectl.kubernetes.io/last-applied-configuration",
                                                     kRevisionAnnotation, kRevisionHistoryAnnotation,
                                                     kDesiredReplicasAnnotation, "notified.notifications.argoproj.io"};
  return std::ranges::find(kKeys, key) != kKeys.end();
}

std::int64_t next_revision(const RolloutLook& look) {
  std::int64_t highest = 0;
  for (const auto& each : look.all)
    if (!look.canary || each->name() != look.canary->name()) highest = std::max(highest, revision_of(*each));
  return highest + 1;
}

/// Brings a ReplicaSet's annotations up to date; a revision that it had before goes to its history.
bool annotate(const RolloutLook& look, Value& replica_set, std::int64_t revision) {
  Value& annotations = replica_set.make("metadata", "annotations");
  if (annotations.is_null()) annotations = Value::object();
  bool changed = false;
  for (const Member& member : look.rollout->at("metadata", "annotations").members()) {
    if (stays_on_rollout(member.key) || annotations.at(member.key) == member.value) continue;
    annotations.set(member.key, member.value);
    changed = true;
  }
  const std::string before(annotations.at(kRevisionAnnotation).str());
  if (before.empty() || revision_in(before) < revision) {
    annotations.set(kRevisionAnnotation, std::to_string(revision));
    changed = true;
  }
  if (changed && !before.empty()) {
    const std::string history(annotations.at(kRevisionHistoryAnnotation).str());
    annotations.set(kRevisionHistoryAnnotation, longer_history(history, before));
  }
  return changed;
}

Value with_hash(Value map, const std::string& hash) {
  if (!map.is_object()) map = Value::object();
  map.set(kPodHashLabel, hash);
  return map;
}

Value new_replica_set(const RolloutLook& look, Value pod_template, const std::string& hash) {
  const Value& spec = look.spec();
  Value labels = with_hash(pod_template.at("metadata", "labels"), hash);
  pod_template["metadata"].set("labels", labels);
  Value selector = spec.at("selector");
  selector.set("matchLabels", with_hash(selector.at("matchLabels"), hash));
  Value object = Value::object(
      {{"apiVersion", "apps/v1"},
       {"kind", "ReplicaSet"},
       {"metadata", Value::object({{"name", fmt::format("{}-{}", look.rollout->name(), hash)},
                                   {"namespace", look.rollout->ns()},
                                   {"labels", std::move(labels)},
                                   {"ownerReferences", Value::array({controller_reference(*look.rollout)})}})},
       {"spec",
        Value::object({{"replicas", 0}, {"selector", std::move(selector)}, {"template", std::move(pod_template)}})}});
  if (spec.has("minReadySeconds")) object["spec"].set("minReadySeconds", spec.at("minReadySeconds"));
  annotate(look, object, next_revision(look));
  object.make("metadata", "annotations").set(kDesiredReplicasAnnotation, std::to_string(look.replicas()));
  // The first ReplicaSet becomes the stable one; every later one starts as a canary.
  inject_metadata(object, look.strategy().at(look.stable ? "canaryMetadata" : "stableMetadata"));
  return object;
}

Result<> set_revision(RolloutLook& look, const std::string& revision) {
  if (look.rollout->annotation(kRevisionAnnotation) == revision) return {};
  const auto written = look.in.api.mutate(look.rollout->key(), api::Subresource::kNone, [&](Value& tree) {
    tree.make("metadata", "annotations").set(kRevisionAnnotation, revision);
  });
  if (!written) return fail("{}", written.error().message);
  look.rollout = *written;
  look.note("RolloutUpdated", fmt::format("Rollout updated to revision {}", revision));
  return {};
}

/// A ReplicaSet of that name is there, but it is another one: the next try gets another hash.
Result<Next> collide(RolloutLook& look) {
  const auto written = look.in.api.mutate(look.rollout->key(), api::Subresource::kStatus, [](Value& tree) {
    Value& status = tree["status"];
    status.set("collisionCount", status.at("collisionCount").int_or(0) + 1);
  });
  if (!written) return fail("{}", written.error().message);
  return Next::kStop;
}

Result<Next> refuse_replica_set(RolloutLook& look, const std::string& name, const std::string& why) {
  const std::string message = fmt::format("Failed to create new replica set \"{}\": {}", name, why);
  look.warn("ReplicaSetCreateError", message);
  if (auto r = patch_conditions(look, {{"Progressing", "False", "ReplicaSetCreateError", message}}, PhaseToo::kYes); !r)
    return std::unexpected(r.error());
  return fail("{}", message);
}

Result<> remove_runs_of(RolloutLook& look, std::string_view hash) {
  for (const auto& run : look.other_runs) {
    if (run->label(kPodHashLabel) != hash || run->deleting()) continue;
    const auto removed = look.in.api.remove(run->key());
    if (!removed && !removed.error().not_found()) return fail("{}", removed.error().message);
  }
  return {};
}

}  // namespace

/// The scale subresource works on spec.replicas, so it must be there.
Result<Next> default_replicas(RolloutLook& look) {
  if (look.spec().at("replicas").is_int()) return Next::kGoOn;
  const auto written = look.in.api.mutate(look.rollout->key(), api::Subresource::kNone,
                                          [](Value& tree) { tree["spec"].set("replicas", 1); });
  if (!written) return fail("{}", written.error().message);
  return Next::kStop;
}

Result<Next> create_replica_set(RolloutLook& look) {
  if (look.canary) return Next::kGoOn;
  const std::int64_t collisions = look.old_status().at("collisionCount").int_or(0);
  Value pod_template = look.in.reading_of(*look.rollout).pod_template;
  const std::string hash = pod_template_hash(pod_template, collisions);
  Value object = new_replica_set(look, std::move(pod_template), hash);
  const std::string name(object.at("metadata", "name").str());
  const std::string revision(object.at("metadata", "annotations", kRevisionAnnotation).str());
  const auto created = look.in.api.create(look.in.replica_sets, look.rollout->ns(), std::move(object));
  if (!created)
    return created.error().code == 409 ? collide(look) : refuse_replica_set(look, name, created.error().message);
  if (auto r = set_revision(look, revision); !r) return std::unexpected(r.error());
  look.note("NewReplicaSetCreated", fmt::format("Created ReplicaSet {} (revision {})", name, revision));
  for (const std::string& warning : rollout_warnings(look.rollout->tree())) look.warn("KnownTrap", warning);
  const std::string message = fmt::format("Created new replica set \"{}\"", name);
  if (auto r = patch_conditions(look, {{"Progressing", "True", "NewReplicaSetCreated", message}}, PhaseToo::kNo); !r)
    return std::unexpected(r.error());
  return Next::kStop;
}

Result<Next> sync_revision(RolloutLook& look) {
  const std::int64_t revision = next_revision(look);
  const Value& seconds = look.spec().at("minReadySeconds");
  Value probe = look.canary->tree();
  const bool annotated = annotate(look, probe, revision);
  if (annotated || look.canary->at("spec", "minReadySeconds").int_or(0) != seconds.int_or(0)) {
    const auto written = look.in.api.mutate(look.canary->key(), api::Subresource::kNone, [&](Value& tree) {
      annotate(look, tree, revision);
      tree["spec"].set("minReadySeconds", seconds.int_or(0));
    });
    if (!written) return fail("{}", written.error().message);
    look.replace(*written);
  }
  if (auto r = set_revision(look, std::string(look.canary->annotation(kRevisionAnnotation))); !r)
    return std::unexpected(r.error());
  if (!condition_called(look.old_status(), "Progressing").is_null()) return Next::kGoOn;
  const std::string message = fmt::format("Found new replica set \"{}\"", look.canary->name());
  if (auto r = patch_conditions(look, {{"Progressing", "True", "FoundNewReplicaSet", message}}, PhaseToo::kNo); !r)
    return std::unexpected(r.error());
  return Next::kStop;
}

/// A changed template or changed steps begin the update anew; the status says so before anything moves.
Result<Next> start_over(RolloutLook& look) {
  return template_or_steps_changed(look) ? Next::kWriteStatus : Next::kGoOn;
}

Result<Next> limit_history(RolloutLook& look) {
  std::vector<api::ObjectPtr> old;
  for (const auto& each : look.others())
    if (!each->deleting()) old.push_back(each);
  const std::int64_t limit = look.spec().at("revisionHistoryLimit").int_or(10);
  const std::int64_t surplus = static_cast<std::int64_t>(old.size()) - limit;
  for (std::int64_t i = 0; i < surplus; ++i) {
    const auto& each = old[static_cast<std::size_t>(i)];
    const bool observed =
        each->at("metadata", "generation").int_or(0) <= each->at("status", "observedGeneration").int_or(0);
    if (created_replicas(*each) != 0 || desired_replicas(*each) != 0 || !observed) continue;
    const auto removed = look.in.api.remove(each->key());
    if (!removed && !removed.error().not_found()) return fail("{}", removed.error().message);
    if (auto r = remove_runs_of(look, pod_hash_of(each)); !r) return std::unexpected(r.error());
  }
  return Next::kGoOn;
}

}  // namespace fairlead::control
