// What becomes of the objects of an Application that goes.
// Source: argo-cd controller/appcontroller.go (finalizeApplicationDeletion), controller/sort_delete.go.
#include <algorithm>

#include "engine/control/application.h"
#include "engine/control/application_options.h"
#include "engine/control/application_project.h"
#include "engine/control/application_tasks.h"

namespace fairlead::control {
namespace {

/// With "/background" or "/foreground" behind it, or alone, which is the latter.
constexpr std::string_view kFinalizer = "resources-finalizer.argocd.argoproj.io";
constexpr std::string_view kBackgroundFinalizer = "resources-finalizer.argocd.argoproj.io/background";
constexpr std::string_view kForegroundFinalizer = "resources-finalizer.argocd.argoproj.io/foreground";
/// How often to look whether the objects are gone, should nothing happen.
constexpr Duration kDeletionPoll = std::chrono::seconds(1);

bool is_cascade(const Value& finalizer) {
  return finalizer.str() == kFinalizer || finalizer.str() == kBackgroundFinalizer ||
         finalizer.str() == kForegroundFinalizer;
}

}  // namespace

/// The live objects that are the Application's, and that its project lets it see.
std::vector<api::ObjectPtr> ApplicationReconciler::owned(const api::Object& application,
                                                         const api::Object& project) const {
  std::vector<api::ObjectPtr> out;
  const auto it = tracked_.find(std::string(application.name()));
  if (it == tracked_.end()) return out;
  for (const api::Key& key : it->second) {
    api::ObjectPtr live = api_.get(key);
    // An object that only copied the annotation (a ReplicaSet's, say) is not this Application's.
    if (live != nullptr && is_tracked_by(application.name(), *live) && live_permitted(project.tree(), *live))
      out.push_back(std::move(live));
  }
  return out;
}

Result<> ApplicationReconciler::release(const api::Object& application) {
  const auto done = api_.mutate(application.key(), api::Subresource::kNone, [](Value& object) {
    Value& list = object.make("metadata", "finalizers");
    std::erase_if(list.mutable_items(), is_cascade);
  });
  if (!done && !done.error().not_found()) return fail("{}", done.error().message);
  return {};
}

/// What its project would forbid to remove is not known.
Result<Again> ApplicationReconciler::wait_for_project(const api::Object& application, std::string_view project) {
  const Value condition = Value::object(
      {{"type", "DeletionError"},
       {"message", fmt::format("it cannot go: its project {} does not exist. Make it again, or remove the "
                               "Application's finalizers, which leaves its objects where they are",
                               project)},
       {"lastTransitionTime", application.at("metadata", "deletionTimestamp")}});
  const auto said =
      api_.mutate(application.key(), applications_.has_status ? api::Subresource::kStatus : api::Subresource::kNone,
                  [&](Value& object) { object.make("status").set("conditions", Value::array({condition})); });
  if (!said && !said.error().not_found()) return fail("{}", said.error().message);
  return Again::when_changed();
}

/// Wave by wave, the last first; the next begins when nothing of the one before is left.
Result<Again> ApplicationReconciler::tear_down(const api::Object& application) {
  const auto& finalizers = application.at("metadata", "finalizers").items();
  if (std::ranges::none_of(finalizers, is_cascade)) return Again::when_changed();
  const auto released = [&]() -> Result<Again> {
    if (const auto done = release(application); !done) return std::unexpected(done.error());
    return Again::when_changed();
  };
  // Objects in a cluster that nobody knows are left where they are.
  if (destination_problem(application.at("spec", "destination"))) return released();
  const std::string name(application.at("spec", "project").string_or("default"));
  const api::ObjectPtr project = api_.get(projects_, application.ns(), name);
  if (project == nullptr) return wait_for_project(application, name);

  api::DeleteOptions how;
  how.propagation = std::ranges::find(finalizers, Value(kBackgroundFinalizer)) == finalizers.end()
                        ? api::Propagation::kForeground
                        : api::Propagation::kBackground;
  const Time since = parse_time(application.at("metadata", "deletionTimestamp").str()).value_or(Time());
  std::vector<api::ObjectPtr> going;
  for (const api::ObjectPtr& live : owned(application, *project)) {
    if (live->deleting() && live->uid() != application.uid()) return Again::in(kDeletionPoll);
    if (live->uid() == application.uid() || is_definition(live->tree())) continue;
    const Removal removal = deletion_of(live->tree(), application.tree());
    if (removal == Removal::kNo) continue;
    // Nothing goes before somebody has confirmed it: the Application changes then.
    if (removal == Removal::kConfirm && !removal_approved(application, since)) return Again::when_changed();
    going.push_back(live);
  }
  if (going.empty()) return released();
  const auto wave = [](const api::ObjectPtr& live) { return wave_of(live->tree()); };
  const std::int64_t last = wave(*std::ranges::max_element(going, {}, wave));
  for (const api::ObjectPtr& live : going) {
    if (wave(live) != last) continue;
    if (const auto removed = api_.remove(live->key(), how); !removed && !removed.error().not_found())
      return fail("{}", removed.error().message);
  }
  return Again::in(kDeletionPoll);
}

}  // namespace fairlead::control
