// What a commit holds beside what is live. Source: argo-cd controller/state.go (CompareAppState).
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "engine/control/application.h"
#include "engine/control/application_options.h"
#include "engine/control/application_plan.h"
#include "engine/control/application_project.h"

namespace fairlead::control {
namespace {

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

bool is_hook(const Value& object) {
  const Value& annotations = object.at("metadata", "annotations");
  return !annotations.at("argocd.argoproj.io/hook").str().empty() ||
         is_helm_sync_hook(annotations.at("helm.sh/hook").str());
}

void add_unfollowed(const ApplicationItem& item, std::string& out) {
  for (const std::string_view one : annotation_entries(item.target, kSyncOptions))
    if (!option_followed(one)) out += fmt::format("{}{} of {}", out.empty() ? "" : ", ", one, item.name());
}

}  // namespace

/// A kind that nothing has brought yet is taken for one that lives in namespaces, as upstream does.
Result<ApplicationItem> ApplicationReconciler::item_of(const Plan& plan, const seam::Manifest& manifest) const {
  ApplicationItem item;
  item.file = manifest.file;
  item.target = manifest.object;
  const std::string_view api_version = item.target.at("apiVersion").str();
  const auto slash = api_version.find('/');
  item.group = slash == std::string_view::npos ? "" : api_version.substr(0, slash);
  item.version = slash == std::string_view::npos ? api_version : api_version.substr(slash + 1);
  item.kind = item.target.at("kind").str();
  item.resource = api_.schema().by_kind(api_version, item.kind);
  if (is_hook(item.target)) return std::unexpected(item.target.error("sync hooks are not supported here", item.file));
  if (item.resource != nullptr) {
    for (const api::FieldError& e : api_.schema().decode(*item.resource, item.target))
      return std::unexpected(Error{e.message, item.file, e.line, e.column});
  }
  Value& metadata = item.target["metadata"];
  if (item.resource != nullptr && !item.resource->namespaced) {
    metadata.erase("namespace");
  } else if (metadata.at("namespace").str().empty()) {
    metadata.set("namespace", plan.spec().at("destination", "namespace").str());
  }
  item.key = {item.resource == nullptr ? nullptr : item.resource->storage, std::string(metadata.at("namespace").str()),
              std::string(metadata.at("name").str())};
  item.target.make("metadata", "annotations").set(kTrackingId, tracking_id(plan.application->name(), item));
  item.wave = wave_of(item.target);
  return item;
}

void ApplicationReconciler::judge(const Plan& plan, ApplicationItem& item, Comparison& out) const {
  const Value& project = plan.project->tree();
  if (item.resource != nullptr) {
    item.live = api_.get(item.key);
    item.permitted = kind_permitted(project, {item.group, item.kind, item.key.ns, item.key.name});
    item.ignored = plan.ignored.paths(*item.resource, item.target);
  }
  if (item.live != nullptr && !live_permitted(project, *item.live)) item.live = nullptr;
  if (item.live == nullptr) {
    item.health = {HealthStatus::kMissing, {}, true};
    return;
  }
  if (const std::string_view other = tracker_of(*item.live); !other.empty() && other != plan.application->name()) {
    out.conditions.emplace_back("SharedResourceWarning",
                                fmt::format("{}/{} is part of applications {}/{} and {}", item.kind, item.key.name,
                                            plan.application->ns(), plan.application->name(), other));
  }
  const auto same = in_sync(api_.schema(), item.live->resource(), item.live->tree(), item.target, item.ignored);
  item.synced = same && *same;
  if (!same) item.error = same.error().to_string();
  item.health = health_of(item.live->resource(), item.live->tree());
}

Result<> ApplicationReconciler::add_targets(const Plan& plan, const std::vector<seam::Manifest>& manifests,
                                            Comparison& out) const {
  std::string unfollowed;
  std::map<std::string, std::size_t> seen;
  for (const seam::Manifest& manifest : manifests) {
    if (is_left_out(manifest.object)) continue;
    auto item = item_of(plan, manifest);
    if (!item) return std::unexpected(item.error());
    const auto [at, first] = seen.emplace(item->name() + " " + item->key.ns, out.items.size());
    if (first) {
      out.items.push_back(std::move(*item));
      continue;
    }
    ApplicationItem& before = out.items[at->second];
    out.conditions.emplace_back(
        "RepeatedResourceWarning",
        fmt::format("Resource {} appears more than once: the one in {} is not used.", item->name(), before.file));
    before = std::move(*item);
  }
  for (ApplicationItem& item : out.items) {
    if (item.resource != nullptr && item.resource->namespaced && item.key.ns.empty()) {
      out.conditions.emplace_back("InvalidSpecError", fmt::format("Namespace for {} {}/{}, Kind={} is missing.",
                                                                  item.key.name, item.group, item.version, item.kind));
    }
    judge(plan, item, out);
    add_unfollowed(item, unfollowed);
  }
  if (!unfollowed.empty()) {
    out.conditions.emplace_back("SyncOptionWarning",
                                fmt::format("not acted on here: {}; objects are validated, and changed by a three-way "
                                            "merge with what was applied before",
                                            unfollowed));
  }
  return {};
}

ApplicationReconciler::Comparison ApplicationReconciler::compare(const Plan& plan,
                                                                 const Result<seam::Manifests>& answer) const {
  Comparison out;
  const auto give_up = [&](std::string why) {
    out.items.clear();
    out.error = std::move(why);
    out.conditions.emplace_back("ComparisonError", out.error);
  };
  if (!answer) {
    give_up(answer.error().to_string());
  } else {
    out.revision = answer->revision;
    if (auto promise = unkept_promise(plan.project->tree())) {
      give_up(std::move(*promise));
    } else if (!answer->manifests) {
      give_up(answer->manifests.error().to_string());
    } else if (const auto added = add_targets(plan, *answer->manifests, out); !added) {
      give_up(added.error().to_string());
    }
  }
  add_prunable(plan, out);
  std::ranges::sort(out.items, {}, [](const ApplicationItem& i) {
    return std::tuple(i.target.is_null(), i.wave, std::string_view(i.group), std::string_view(i.kind),
                      std::string_view(i.key.ns), std::string_view(i.key.name));
  });
  return out;
}

void ApplicationReconciler::add_prunable(const Plan& plan, Comparison& out) const {
  std::set<api::Key> wanted;
  for (const ApplicationItem& item : out.items)
    if (item.resource != nullptr) wanted.insert(item.key);
  for (api::ObjectPtr& live : owned(*plan.application, *plan.project)) {
    if (wanted.contains(live->key())) continue;
    ApplicationItem item;
    item.resource = &live->resource();
    item.group = item.resource->group;
    item.version = item.resource->version;
    item.kind = item.resource->kind;
    item.key = live->key();
    item.wave = wave_of(live->tree());
    item.health = health_of(live->resource(), live->tree());
    item.extraneous = annotation_has(live->tree(), kCompareOptions, "IgnoreExtraneous");
    item.live = std::move(live);
    out.items.push_back(std::move(item));
  }
}

}  // namespace fairlead::control
