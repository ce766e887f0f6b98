#include "engine/control/application.h"

#include <algorithm>

#include "engine/control/application_plan.h"
#include "engine/control/application_project.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kRefresh = "argocd.argoproj.io/refresh";

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

std::string tracking_id(std::string_view application, std::string_view group, std::string_view kind,
                        std::string_view ns, std::string_view name) {
  return fmt::format("{}:{}/{}:{}/{}", application, group, kind, ns, name);
}

}  // namespace

std::string tracking_id(std::string_view application, const ApplicationItem& item) {
  return tracking_id(application, item.group, item.kind, item.key.ns, item.key.name);
}

bool is_tracked_by(std::string_view application, const api::Object& object) {
  return object.annotation(kTrackingId) ==
         tracking_id(application, object.resource().group, object.resource().kind, object.ns(), object.name());
}

std::string_view tracker_of(const api::Object& object) {
  const std::string_view id = object.annotation(kTrackingId);
  return id.substr(0, id.find(':'));
}

ApplicationReconciler::ApplicationReconciler(api::Api& api, Manager& manager, seam::Source& source,
                                             Duration between_waves)
    : api_(api),
      manager_(manager),
      source_(source),
      between_waves_(between_waves),
      applications_(api.schema().resource("argoproj.io", "applications")),
      projects_(api.schema().resource("argoproj.io", "appprojects")) {
  source_.on_change([this](const std::string&) {
    for (auto& [key, memory] : memory_) {
      memory.wanted.stale = true;
      manager_.wake(name(), key);
    }
  });
}

void ApplicationReconciler::observe(const api::Event& event, Queue& queue) {
  const api::Object& object = *event.object;
  if (&object.resource() == &applications_) {
    queue.add(object.key());
    std::set<api::Key>& keys = named_[std::string(object.name())];
    if (event.type == api::Event::Type::kDeleted) {
      keys.erase(object.key());
    } else {
      keys.insert(object.key());
    }
    if (keys.empty()) named_.erase(std::string(object.name()));
  }
  if (&object.resource() == &projects_) {
    for (const auto& [name, keys] : named_)
      for (const api::Key& key : keys) queue.add(key);
  }
  for (const api::ObjectPtr& version : {event.before, event.object}) {
    if (version == nullptr) continue;
    const std::string owner(tracker_of(*version));
    if (owner.empty()) continue;
    std::set<api::Key>& keys = tracked_[owner];
    if (event.type != api::Event::Type::kDeleted && version == event.object) {
      keys.insert(version->key());
    } else {
      keys.erase(version->key());
    }
    if (keys.empty()) tracked_.erase(owner);
    if (const auto applications = named_.find(owner); applications != named_.end())
      for (const api::Key& key : applications->second) queue.add(key);
  }
}

/// What the source says of this revision; null while it has not answered.
const Result<seam::Manifests>* ApplicationReconciler::fetch(const api::Key& key, Fetched Memory::* slot,
                                                            const Value& source, std::string_view revision) {
  Fetched& fetched = memory_[key].*slot;
  const seam::SourceRequest request{
      std::string(source.at("repoURL").str()), std::string(revision.empty() ? "HEAD" : revision),
      std::string(source.at("path").str()), source.at("directory", "recurse").bool_or(false)};
  if (request != fetched.request) fetched = Fetched{request, std::nullopt, Time(), false, true};
  // No change of the repository tells that it can be read again.
  const bool failed = fetched.answer && !*fetched.answer;
  if (failed && api_.clock().now() - fetched.answered >= kApplicationResync) fetched.stale = true;
  if (fetched.stale && !fetched.asked) {
    fetched.asked = true;
    fetched.stale = false;
    source_.manifests(request, [this, key, slot, request](Result<seam::Manifests> answer) {
      const auto it = memory_.find(key);
      if (it == memory_.end() || (it->second.*slot).request != request) return;  // By now it asks for something else.
      (it->second.*slot).asked = false;
      (it->second.*slot).answer = std::move(answer);
      (it->second.*slot).answered = api_.clock().now();
      manager_.wake(name(), key);
    });
  }
  return fetched.answer ? &*fetched.answer : nullptr;
}

/// Source: argo-cd controller/appcontroller.go (refreshAppConditions).
void ApplicationReconciler::check_spec(Plan& plan) const {
  const auto invalid = [&](std::string message) {
    plan.conditions.emplace_back("InvalidSpecError", std::move(message));
  };
  const std::string project(plan.spec().at("project").string_or("default"));
  plan.project = api_.get(projects_, plan.application->ns(), project);
  if (auto reason = unsupported(plan.spec())) invalid(std::move(*reason));
  if (plan.project == nullptr) {
    invalid(fmt::format("Application referencing project {} which does not exist", project));
  } else {
    for (std::string& problem : permission_problems(plan.project->tree(), plan.application->tree()))
      invalid(std::move(problem));
  }
  auto ignored = IgnoredDifferences::parse(plan.spec().at("ignoreDifferences"));
  if (!ignored) return invalid(ignored.error().to_string());
  plan.ignored = std::move(*ignored);
}

Result<Again> ApplicationReconciler::reconcile(const api::Key& key) {
  const api::ObjectPtr application = api_.get(key);
  if (application == nullptr) {
    memory_.erase(key);
    return Again::when_changed();
  }
  if (application->deleting()) return tear_down(*application);
  if (!application->annotation(kRefresh).empty()) {
    memory_[key].wanted.stale = true;
    const auto done = api_.mutate(key, api::Subresource::kNone,
                                  [](Value& object) { object.make("metadata", "annotations").erase(kRefresh); });
    if (!done) return fail("{}", done.error().message);
  }

  Plan plan;
  plan.application = application;
  plan.operation = application->at("status", "operationState");
  check_spec(plan);
  if (plan.conditions.empty()) {
    const Value& source = plan.spec().at("source");
    const auto* answer = fetch(key, &Memory::wanted, source, source.at("targetRevision").str());
    if (answer == nullptr) return Again::when_changed();
    plan.wanted = compare(plan, *answer);
  }
  const Again again = operate(plan);
  if (const auto written = write_status(plan); !written) return std::unexpected(written.error());
  return again;
}

}  // namespace fairlead::control
