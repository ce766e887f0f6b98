#include "engine/control/application_tasks.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "engine/control/application_options.h"

namespace fairlead::control {
namespace {

/// Order in which kinds are applied within a wave; what the table does not name comes last.
int kind_order(std::string_view kind) {
  static constexpr std::array<std::string_view, 35> kOrder = {"Namespace",
                                                              "NetworkPolicy",
                                                              "ResourceQuota",
                                                              "LimitRange",
                                                              "PodSecurityPolicy",
                                                              "PodDisruptionBudget",
                                                              "ServiceAccount",
                                                              "Secret",
                                                              "SecretList",
                                                              "ConfigMap",
                                                              "StorageClass",
                                                              "PersistentVolume",
                                                              "PersistentVolumeClaim",
                                                              "CustomResourceDefinition",
                                                              "ClusterRole",
                                                              "ClusterRoleList",
                                                              "ClusterRoleBinding",
                                                              "ClusterRoleBindingList",
                                                              "Role",
                                                              "RoleList",
                                                              "RoleBinding",
                                                              "RoleBindingList",
                                                              "Service",
                                                              "DaemonSet",
                                                              "Pod",
                                                              "ReplicationController",
                                                              "ReplicaSet",
                                                              "Deployment",
                                                              "HorizontalPodAutoscaler",
                                                              "StatefulSet",
                                                              "Job",
                                                              "CronJob",
                                                              "IngressClass",
                                                              "Ingress",
                                                              "APIService"};
  const auto it = std::ranges::find(kOrder, kind);
  return static_cast<int>(it - kOrder.begin());
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t out = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

bool is_namespace(const ApplicationItem& item) { return item.group.empty() && item.kind == "Namespace"; }

/// What came first goes last: the waves of what is pruned change places, the lowest with the highest.
void turn_pruning_round(std::vector<SyncTask>& tasks) {
  std::set<std::int64_t> waves;
  for (const SyncTask& task : tasks)
    if (task.prunes()) waves.insert(task.wave);
  std::map<std::int64_t, std::int64_t> opposite;
  auto last = waves.rbegin();
  for (const std::int64_t wave : waves) opposite[wave] = *last++;
  for (SyncTask& task : tasks)
    if (task.prunes()) task.wave = opposite[task.wave];
}

using KeyOf = std::function<std::optional<std::string>(const ApplicationItem&)>;

/// Moves each task that others depend on in front of the first of them, into its wave and phase.
void move_ahead(std::vector<SyncTask>& tasks, const KeyOf& brings, const KeyOf& needs) {
  std::map<std::string, std::size_t> first;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (tasks[i].prunes()) continue;
    if (const auto key = brings(*tasks[i].item)) {
      const auto it = first.find(*key);
      if (it == first.end()) continue;
      const std::size_t to = it->second;
      tasks[i].wave = tasks[to].wave;
      tasks[i].phase = tasks[to].phase;
      std::rotate(tasks.begin() + static_cast<std::ptrdiff_t>(to), tasks.begin() + static_cast<std::ptrdiff_t>(i),
                  tasks.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      for (auto& [other, index] : first)
        if (index >= to) ++index;
    } else if (const auto needed = needs(*tasks[i].item)) {
      first.emplace(*needed, i);
    }
  }
}

}  // namespace

std::string_view to_string(SyncPhase phase) { return phase == SyncPhase::kPreSync ? "PreSync" : "Sync"; }

std::int64_t wave_of(const Value& object) {
  const Value& annotations = object.at("metadata", "annotations");
  if (const auto wave = whole_number(annotations.at("argocd.argoproj.io/sync-wave").str())) return *wave;
  return whole_number(annotations.at("helm.sh/hook-weight").str()).value_or(0);
}

bool is_definition(const Value& object) {
  return object.at("kind").str() == "CustomResourceDefinition" &&
         object.at("apiVersion").str().starts_with("apiextensions.k8s.io/");
}

bool defines(const Value& object, std::string_view group, std::string_view kind) {
  const Value& spec = object.at("spec");
  return is_definition(object) && spec.at("group").str() == group && spec.at("names", "kind").str() == kind;
}

void order_tasks(std::vector<SyncTask>& tasks, bool prune_last, std::string_view ns) {
  for (SyncTask& task : tasks) task.wave = wave_of(task.item->object());
  turn_pruning_round(tasks);
  std::int64_t last = 0;
  for (const SyncTask& task : tasks)
    if (task.phase == SyncPhase::kSync) last = std::max(last, task.wave);
  for (SyncTask& task : tasks) {
    if (task.prunes() && (prune_last || annotation_has(task.item->live->tree(), kSyncOptions, "PruneLast=true")))
      task.wave = last + 1;
  }
  std::ranges::sort(tasks, {}, [](const SyncTask& t) {
    return std::tuple(t.phase, t.wave, kind_order(t.item->kind), std::string_view(t.item->key.name),
                      std::string_view(t.item->key.ns), std::string_view(t.item->group),
                      std::string_view(t.item->kind));
  });
  move_ahead(
      tasks,
      [](const ApplicationItem& item) { return is_namespace(item) ? std::optional(item.key.name) : std::nullopt; },
      // Upstream takes the Application's namespace for that of an object which has none, cluster-wide ones included.
      [&](const ApplicationItem& item) {
        std::string in = item.key.ns.empty() ? std::string(ns) : item.key.ns;
        return in.empty() ? std::nullopt : std::optional(std::move(in));
      });
  move_ahead(
      tasks,
      [](const ApplicationItem& item) {
        const Value& spec = item.target.at("spec");
        return is_definition(item.target)
                   ? std::optional(fmt::format("{}/{}", spec.at("group").str(), spec.at("names", "kind").str()))
                   : std::nullopt;
      },
      [](const ApplicationItem& item) { return std::optional(item.group + "/" + item.kind); });
}

}  // namespace fairlead::control
