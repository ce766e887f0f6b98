// Source: pkg/controller/deployment/sync.go, getNewReplicaSet and cleanupDeployment; util, SetNewReplicaSetAnnotations.
#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <tuple>

#include "engine/control/conditions.h"
#include "engine/control/deployment_math.h"
#include "engine/control/deployment_sync.h"
#include "engine/control/ownership.h"
#include "engine/control/pod_template.h"

namespace fairlead::control {
namespace {

constexpr std::size_t kMaxRevisionHistory = 2000;  ///< Characters of the annotation.
constexpr std::size_t kMaxName = 253;
constexpr std::array<std::string_view, 6> kOwnAnnotations = {"kubectl.kubernetes.io/last-applied-configuration",
                                                             kRevision,
                                                             kRevisionHistory,
                                                             kDesiredReplicas,
                                                             kMaxReplicas,
                                                             "deprecated.deployment.rollback.to"};

std::string set_name(std::string_view deployment, const std::string& hash) {
  return fmt::format("{}-{}", deployment.substr(0, kMaxName - 1 - hash.size()), hash);
}

}  // namespace

std::string longer_history(std::string history, const std::string& revision) {
  if (history.empty()) return revision;
  history += "," + revision;
  while (history.size() > kMaxRevisionHistory) history.erase(0, history.find(',') + 1);
  return history;
}

Result<> DeploymentSync::sync_revision(bool create) {
  std::int64_t revision = 1;
  for (const api::ObjectPtr& set : old_) {
    revision = std::max(revision, number_annotation(*set, kRevision).value_or(0) + 1);
  }
  if (new_ != nullptr) return adopt_revision(*new_, revision);
  return create ? create_set(revision) : Result<>();
}

/// Brings an existing ReplicaSet's annotations and the Deployment's revision up to date.
Result<> DeploymentSync::adopt_revision(const api::Object& set, std::int64_t revision) {
  const auto annotated = api_.mutate(set.key(), api::Subresource::kNone, [&](Value& tree_of_set) {
    annotate(tree_of_set, revision, true);
    tree_of_set.make("spec").set("minReadySeconds", tree().at("spec", "minReadySeconds").int_or(0));
  });
  if (!annotated) return fail("{}", annotated.error().message);
  if ((*annotated)->revision() != set.revision()) return refresh();
  const std::string held(set.annotation(kRevision));
  if (deployment_->annotation(kRevision) != held) {
    const auto written = api_.mutate(deployment_->key(), api::Subresource::kStatus, [&](Value& object) {
      object.make("metadata", "annotations").set(kRevision, held);
    });
    if (!written) return fail("{}", written.error().message);
    if (auto done = refresh(); !done) return done;
  }
  if (!has_progress_deadline(tree()) || !condition_called(tree().at("status"), "Progressing").is_null()) return {};
  Value status = tree().at("status");
  set_progressing(status, "True", "FoundNewReplicaSet", fmt::format("Found new replica set \"{}\"", set.name()));
  return write_status(status);
}

Result<> DeploymentSync::create_set(std::int64_t revision) {
  Value pod_template = tree().at("spec", "template");
  const std::string hash = template_hash(pod_template, tree().at("status", "collisionCount").int_or(0));
  const std::string name = set_name(deployment_->name(), hash);
  pod_template.make("metadata", "labels").set(kPodTemplateHash, hash);
  Value selector = tree().at("spec", "selector");
  selector.make("matchLabels").set(kPodTemplateHash, hash);
  const std::int64_t size = new_set_size(tree(), sum_of_replicas(old_), 0);
  Value set = Value::object(
      {{"apiVersion", "apps/v1"},
       {"kind", "ReplicaSet"},
       {"metadata", Value::object({{"name", name},
                                   {"namespace", deployment_->ns()},
                                   {"labels", pod_template.at("metadata", "labels")},
                                   {"ownerReferences", Value::array({controller_reference(*deployment_)})}})},
       {"spec", Value::object({{"replicas", size},
                               {"minReadySeconds", tree().at("spec", "minReadySeconds").int_or(0)},
                               {"selector", std::move(selector)},
                               {"template", std::move(pod_template)}})}});
  annotate(set, revision, false);
  const auto created = api_.create(sets_resource_, deployment_->ns(), std::move(set));
  if (!created) return resolve_collision(created.error(), name);
  if (size > 0) {
    events_.normal(*deployment_, "ScalingReplicaSet", fmt::format("Scaled up replica set {} from 0 to {}", name, size));
  }
  const auto revised = api_.mutate(deployment_->key(), api::Subresource::kStatus, [&](Value& object) {
    object.make("metadata", "annotations").set(kRevision, fmt::format("{}", revision));
  });
  if (!revised) return fail("{}", revised.error().message);
  if (auto done = refresh(); !done) return done;
  if (!has_progress_deadline(tree())) return {};
  Value status = tree().at("status");
  set_progressing(status, "True", "NewReplicaSetCreated", fmt::format("Created new replica set \"{}\"", name));
  return write_status(status);
}

/// A refused ReplicaSet: another template has its name, or something to tell a person.
Result<> DeploymentSync::resolve_collision(const api::Status& refusal, const std::string& name) {
  if (refusal.reason == "AlreadyExists") {
    const auto bumped = api_.mutate(deployment_->key(), api::Subresource::kStatus, [](Value& object) {
      object.make("status").set("collisionCount", object.at("status", "collisionCount").int_or(0) + 1);
    });
    return fail("the name {} is taken by another template{}", name, bumped ? "" : ": " + bumped.error().message);
  }
  if (namespace_is_going(refusal)) return fail("{}", refusal.message);
  const std::string message = fmt::format("Failed to create new replica set \"{}\": {}", name, refusal.message);
  if (has_progress_deadline(tree())) {
    Value status = tree().at("status");
    set_progressing(status, "False", "ReplicaSetCreateError", message);
    if (auto done = write_status(status); !done) return done;
  }
  events_.warning(*deployment_, "ReplicaSetCreateError", message);
  return fail("{}", refusal.message);
}

void DeploymentSync::annotate(Value& set, std::int64_t revision, bool exists) const {
  Value& annotations = set.make("metadata", "annotations");
  for (const Member& m : tree().at("metadata", "annotations").members()) {
    if (std::ranges::find(kOwnAnnotations, m.key) == kOwnAnnotations.end()) annotations.set(m.key, m.value);
  }
  const std::string held(annotations.at(kRevision).str());
  std::int64_t held_number = 0;
  std::from_chars(held.data(), held.data() + held.size(), held_number);
  if (held_number < revision) {
    annotations.set(kRevision, fmt::format("{}", revision));
    if (!held.empty()) {
      annotations.set(kRevisionHistory, longer_history(std::string(annotations.at(kRevisionHistory).str()), held));
    }
  }
  if (exists) return;
  annotations.set(kDesiredReplicas, fmt::format("{}", replicas_of(tree())));
  annotations.set(kMaxReplicas, fmt::format("{}", replicas_of(tree()) + fenceposts(tree()).surge));
}

/// Removes the oldest revisions over spec.revisionHistoryLimit that have no pods.
Result<> DeploymentSync::clean_up() {
  const std::int64_t limit = tree().at("spec", "revisionHistoryLimit").int_or(10);
  if (limit == std::numeric_limits<std::int32_t>::max()) return {};
  std::vector<api::ObjectPtr> candidates = old_;
  std::erase_if(candidates, [](const api::ObjectPtr& set) { return set->deleting(); });
  const auto surplus = static_cast<std::int64_t>(candidates.size()) - limit;
  if (surplus <= 0) return {};
  std::ranges::sort(candidates, {}, [](const api::ObjectPtr& set) {
    return std::tuple(number_annotation(*set, kRevision).value_or(0), set->at("metadata", "creationTimestamp").str(),
                      set->name());
  });
  candidates.resize(static_cast<std::size_t>(surplus));
  for (const api::ObjectPtr& set : candidates) {
    const bool seen = set->at("metadata", "generation").int_or(0) <= set->at("status", "observedGeneration").int_or(0);
    if (replicas_of(set->tree()) != 0 || set->at("status", "replicas").int_or(0) != 0 || !seen) continue;
    const auto removed = api_.remove(set->key());
    if (!removed && !removed.error().not_found()) return fail("{}", removed.error().message);
  }
  return refresh();
}

}  // namespace fairlead::control
