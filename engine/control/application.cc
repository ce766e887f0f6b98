#include "engine/control/application.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include "engine/control/application_plan.h"
#include "engine/control/application_project.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kRefresh = "argocd.argoproj.io/refresh";
/// With "/background" or "/foreground" behind it, or alone, which is the latter.
constexpr std::string_view kFinalizer = "resources-finalizer.argocd.argoproj.io";
constexpr std::string_view kBackgroundFinalizer = "resources-finalizer.argocd.argoproj.io/background";
constexpr std::string_view kForegroundFinalizer = "resources-finalizer.argocd.argoproj.io/foreground";

std::string tracking_id(std::string_view application, const api::Key& key) {
  return fmt::format("{}:{}/{}:{}/{}", application, key.resource->group, key.resource->kind, key.ns, key.name);
}

/// The Application's name in a tracking id.
std::string_view tracker(const api::Object& object) {
  const std::string_view id = object.annotation(kTrackingId);
  return id.substr(0, id.find(':'));
}

std::int64_t wave_of(const Value& object) {
  const std::string_view text = object.at("metadata", "annotations", "argocd.argoproj.io/sync-wave").str();
  std::int64_t wave = 0;
  std::from_chars(text.data(), text.data() + text.size(), wave);
  return wave;
}

std::optional<std::string> unsupported(const Value& spec) {
  if (!spec.at("sources").empty()) return "several sources are not supported here: use spec.source";
  if (!spec.at("sourceHydrator").is_null()) return "spec.sourceHydrator is not supported here: use spec.source";
  for (const char* part : {"include", "exclude", "jsonnet"}) {
    const Value& given = spec.at("source", "directory", part);
    if (given.is_string() ? !given.str().empty() : !given.empty()) {
      return fmt::format(
          "spec.source.directory.{} is not supported here: every manifest of the folder is read; move the others away",
          part);
    }
  }
  for (const char* tool : {"helm", "kustomize", "plugin", "chart"}) {
    if (spec.at("source").has(tool)) {
      return fmt::format(
          "spec.source.{} is not supported here: commit rendered manifests and name their folder in "
          "spec.source.path",
          tool);
    }
  }
  return std::nullopt;
}

/// Helm's own hooks that Argo CD runs; the others (test, rollback …) it leaves out. Source: gitops-engine
/// pkg/sync/hook/helm/type.go.
bool is_helm_sync_hook(std::string_view types) {
  for (const std::string_view type : {"pre-install", "pre-upgrade", "post-install", "post-upgrade"})
    if (types.contains(type)) return true;
  return false;
}

/// Argo CD applies it at no time.
bool is_left_out(const Value& object) {
  const Value& annotations = object.at("metadata", "annotations");
  if (const std::string_view hook = annotations.at("argocd.argoproj.io/hook").str(); !hook.empty())
    return hook == "Skip";
  const std::string_view helm = annotations.at("helm.sh/hook").str();
  return !helm.empty() && helm != "crd-install" && !is_helm_sync_hook(helm);
}

bool is_cascade(const Value& finalizer) {
  return finalizer.str() == kFinalizer || finalizer.str() == kBackgroundFinalizer ||
         finalizer.str() == kForegroundFinalizer;
}

}  // namespace

int kind_order(std::string_view kind) {
  static constexpr std::array<std::string_view, 32> kOrder = {"Namespace",
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
                                                              "CronJob"};
  const auto it = std::ranges::find(kOrder, kind);
  return static_cast<int>(it - kOrder.begin());
}

ApplicationReconciler::ApplicationReconciler(api::Api& api, Manager& manager, seam::Source& source)
    : api_(api),
      manager_(manager),
      source_(source),
      applications_(api.schema().resource("argoproj.io", "applications")),
      projects_(api.schema().resource("argoproj.io", "appprojects")) {
  source_.on_change([this](const std::string&) {
    for (auto& [key, fetched] : fetched_) {
      fetched.stale = true;
      manager_.wake(name(), key);
    }
  });
}

void ApplicationReconciler::observe(const api::Event& event, Queue& queue) {
  const api::Object& object = *event.object;
  if (&object.resource() == &applications_) queue.add(object.key());
  if (&object.resource() == &projects_) {
    for (const api::ObjectPtr& application : api_.list(applications_)) queue.add(application->key());
  }
  for (const api::ObjectPtr& version : {event.before, event.object}) {
    if (version == nullptr) continue;
    const std::string owner(tracker(*version));
    if (owner.empty()) continue;
    std::set<api::Key>& keys = tracked_[owner];
    if (event.type != api::Event::Type::kDeleted && version == event.object) {
      keys.insert(version->key());
    } else {
      keys.erase(version->key());
    }
    if (keys.empty()) tracked_.erase(owner);
    for (const api::ObjectPtr& application : api_.list(applications_)) {
      if (application->name() == owner) queue.add(application->key());
    }
  }
}

bool ApplicationReconciler::fetch(const api::Object& application) {
  const Value& source = application.at("spec", "source");
  Fetched& fetched = fetched_[application.key()];
  const seam::SourceRequest request{
      std::string(source.at("repoURL").str()), std::string(source.at("targetRevision").string_or("HEAD")),
      std::string(source.at("path").str()), source.at("directory", "recurse").bool_or(false)};
  if (request != fetched.request) fetched = Fetched{request, std::nullopt, false, true};
  if (fetched.stale && !fetched.asked) {
    fetched.asked = true;
    fetched.stale = false;
    source_.manifests(request, [this, key = application.key(), request](Result<seam::Manifests> answer) {
      const auto it = fetched_.find(key);
      if (it == fetched_.end() || it->second.request != request) return;  // It asks for something else by now.
      it->second.asked = false;
      it->second.answer = std::move(answer);
      manager_.wake(name(), key);
    });
  }
  return fetched.answer.has_value();
}

Result<Again> ApplicationReconciler::reconcile(const api::Key& key) {
  const api::ObjectPtr application = api_.get(key);
  if (application == nullptr) {
    fetched_.erase(key);
    return Again::when_changed();
  }
  if (application->deleting()) return tear_down(*application);
  if (!application->annotation(kRefresh).empty()) {
    fetched_[key].stale = true;
    const auto done = api_.mutate(key, api::Subresource::kNone,
                                  [](Value& object) { object.make("metadata", "annotations").erase(kRefresh); });
    if (!done) return fail("{}", done.error().message);
  }

  Plan plan;
  plan.application = application;
  plan.operation = application->at("status", "operationState");
  Again again = Again::in(kApplicationResync);
  if (const auto reason = unsupported(application->at("spec"))) {
    plan.conditions.emplace_back("InvalidSpecError", *reason);
  } else if (!fetch(*application)) {
    return Again::when_changed();
  } else if (const auto compared = compare(plan); !compared) {
    plan.conditions.emplace_back("ComparisonError", compared.error().to_string());
  } else {
    again = sync(plan);
  }
  write_status(plan);
  return again;
}

Result<ApplicationItem> ApplicationReconciler::item_of(const Plan& plan, const seam::Manifest& manifest) const {
  ApplicationItem item;
  item.file = manifest.file;
  item.target = manifest.object;
  const std::string_view api_version = item.target.at("apiVersion").str();
  item.resource = api_.schema().by_kind(api_version, item.target.at("kind").str());
  if (item.resource == nullptr) {
    return std::unexpected(item.target.error(fmt::format("no kind {} in {}: is its CustomResourceDefinition missing?",
                                                         item.target.at("kind").str(), api_version),
                                             item.file));
  }
  const Value& annotations = item.target.at("metadata", "annotations");
  if (!annotations.at("argocd.argoproj.io/hook").str().empty() ||
      is_helm_sync_hook(annotations.at("helm.sh/hook").str())) {
    return std::unexpected(item.target.error("sync hooks are not supported here", item.file));
  }
  for (const api::FieldError& e : api_.schema().decode(*item.resource, item.target)) {
    return std::unexpected(Error{e.message, item.file, e.line, e.column});
  }
  Value& metadata = item.target["metadata"];
  if (!item.resource->namespaced) {
    metadata.erase("namespace");
  } else if (metadata.at("namespace").str().empty()) {
    metadata.set("namespace", plan.spec().at("destination", "namespace").str());
  }
  item.key = {item.resource->storage, std::string(metadata.at("namespace").str()),
              std::string(metadata.at("name").str())};
  item.target.make("metadata", "annotations").set(kTrackingId, tracking_id(plan.application->name(), item.key));
  item.wave = wave_of(item.target);
  return item;
}

void ApplicationReconciler::judge(Plan& plan, ApplicationItem& item) const {
  item.live = api_.get(item.key);
  if (const auto reason =
          forbidden_object(plan.project->tree(), *item.resource, plan.spec().at("destination"), item.key.ns)) {
    item.error = *reason;
  }
  item.ignored = plan.ignored.paths(*item.resource, item.target);
  if (item.live == nullptr) {
    item.health = {HealthStatus::kMissing, {}, true};
    return;
  }
  const auto same = in_sync(api_.schema(), item.live->resource(), item.live->tree(), item.target, item.ignored);
  item.synced = same && *same;
  if (!same) item.error = same.error().to_string();
  item.health = health_of(item.live->resource(), item.live->tree());
}

Result<> ApplicationReconciler::compare(Plan& plan) {
  const Fetched& fetched = fetched_.at(plan.application->key());
  if (!*fetched.answer) return std::unexpected(fetched.answer->error());
  const seam::Manifests& manifests = **fetched.answer;
  plan.revision = manifests.revision;
  if (!manifests.manifests) return std::unexpected(manifests.manifests.error());

  const std::string project(plan.spec().at("project").string_or("default"));
  plan.project = api_.get(projects_, plan.application->ns(), project);
  if (plan.project == nullptr) return fail("application references project {} which does not exist", project);
  if (const auto reason = forbidden_application(plan.project->tree(), plan.application->tree()))
    return fail("{}", *reason);
  auto ignored = IgnoredDifferences::parse(plan.spec().at("ignoreDifferences"));
  if (!ignored) return std::unexpected(ignored.error());
  plan.ignored = std::move(*ignored);

  std::set<api::Key> seen;
  for (const seam::Manifest& manifest : *manifests.manifests) {
    if (is_left_out(manifest.object)) continue;
    auto item = item_of(plan, manifest);
    if (!item) return std::unexpected(item.error());
    if (!seen.insert(item->key).second) {
      plan.conditions.emplace_back("RepeatedResourceWarning",
                                   fmt::format("Resource {} appears more than once: the one in {} is not used.",
                                               item->key.to_string(), item->file));
      continue;
    }
    judge(plan, *item);
    plan.items.push_back(std::move(*item));
  }
  std::ranges::sort(plan.items, {},
                    [](const ApplicationItem& i) { return std::tuple(i.wave, kind_order(i.resource->kind), i.key); });
  add_prunable(plan);
  plan.compared = true;
  return {};
}

void ApplicationReconciler::add_prunable(Plan& plan) const {
  const auto it = tracked_.find(std::string(plan.application->name()));
  if (it == tracked_.end()) return;
  for (const api::Key& key : it->second) {
    const bool wanted = std::ranges::any_of(plan.items, [&](const ApplicationItem& i) { return i.key == key; });
    api::ObjectPtr live = wanted ? nullptr : api_.get(key);
    // An object that only copied the annotation (a ReplicaSet's, say) is not this Application's.
    if (live == nullptr || live->annotation(kTrackingId) != tracking_id(plan.application->name(), key)) continue;
    ApplicationItem item;
    item.resource = key.resource;
    item.key = key;
    item.wave = wave_of(live->tree());
    item.health = health_of(live->resource(), live->tree());
    item.extraneous = live->annotation("argocd.argoproj.io/compare-options").contains("IgnoreExtraneous");
    item.live = std::move(live);
    plan.items.push_back(std::move(item));
  }
}

Result<Again> ApplicationReconciler::tear_down(const api::Object& application) {
  const auto& finalizers = application.at("metadata", "finalizers").items();
  if (std::ranges::none_of(finalizers, is_cascade)) return Again::when_changed();
  api::DeleteOptions how;
  how.propagation = std::ranges::find(finalizers, Value(kBackgroundFinalizer)) == finalizers.end()
                        ? api::Propagation::kForeground
                        : api::Propagation::kBackground;
  const Time since = parse_time(application.at("metadata", "deletionTimestamp").str()).value_or(Time());
  std::vector<api::ObjectPtr> going;
  for (const api::Key& key : std::set<api::Key>(tracked_[std::string(application.name())])) {
    const api::ObjectPtr live = api_.get(key);
    if (live == nullptr || live->annotation(kTrackingId) != tracking_id(application.name(), key)) continue;
    if (live->uid() == application.uid() || key.resource->kind == "CustomResourceDefinition") continue;
    const Removal removal = removal_of(*live, application.tree(), "Delete");
    if (removal == Removal::kNo) continue;
    // Nothing goes before somebody has confirmed it: the Application changes then.
    if (removal == Removal::kConfirm && !removal_approved(application, since)) return Again::when_changed();
    going.push_back(live);
  }
  for (const api::ObjectPtr& live : going) {
    if (live->deleting()) continue;
    if (const auto removed = api_.remove(live->key(), how); !removed && !removed.error().not_found())
      return fail("{}", removed.error().message);
  }
  if (!going.empty()) return Again::in(std::chrono::seconds(1));
  const auto done = api_.mutate(application.key(), api::Subresource::kNone, [](Value& object) {
    Value& list = object.make("metadata", "finalizers");
    std::erase_if(list.mutable_items(), is_cascade);
  });
  if (!done && !done.error().not_found()) return fail("{}", done.error().message);
  return Again::when_changed();
}

}  // namespace fairlead::control
