#include "engine/api/deletion.h"

#include <algorithm>
#include <optional>

#include "base/time.h"

namespace fairlead::api {
namespace {

bool is_core(const Resource& resource, std::string_view kind) {
  return resource.group.empty() && resource.kind == kind;
}

/// podStrategy.CheckGracefulDelete: only pods that some node may be running get time to end.
std::int64_t grace_seconds(const Resource& resource, const DeleteOptions& options, const Value& object) {
  if (!is_core(resource, "Pod")) return 0;
  const Value& spec = object.at("spec");
  const std::int64_t wanted =
      options.grace_seconds.value_or(spec.at("terminationGracePeriodSeconds").int_or(kDefaultPodGraceSeconds));
  const std::string_view phase = object.at("status", "phase").str();
  if (spec.at("nodeName").str().empty() || phase == "Succeeded" || phase == "Failed") return 0;
  return wanted < 0 ? 1 : wanted;
}

void set_finalizer(Value& object, std::string_view name, bool present) {
  Value& metadata = object["metadata"];
  Value::Array kept;
  for (const Value& finalizer : metadata.at("finalizers").items()) {
    if (finalizer.str() != name) kept.push_back(finalizer);
  }
  if (present) kept.emplace_back(name);
  if (kept.empty()) {
    metadata.erase("finalizers");
  } else {
    metadata.set("finalizers", std::move(kept));
  }
}

void count_generation(Value& metadata) {
  if (const std::int64_t generation = metadata.at("generation").int_or(0); generation > 0) {
    metadata.set("generation", generation + 1);
  }
}

/// A second deletion can only shorten the grace of the first.
void shorten(const DeleteOptions& options, Value& metadata) {
  const std::int64_t old = metadata.at("deletionGracePeriodSeconds").int_or(0);
  if (!options.grace_seconds) return;
  const std::int64_t wanted = *options.grace_seconds < 0 ? 1 : *options.grace_seconds;
  if (wanted >= old) return;
  if (const auto at = parse_time(metadata.at("deletionTimestamp").str())) {
    metadata.set("deletionTimestamp", format_time(*at - std::chrono::seconds(old - wanted)));
  }
  metadata.set("deletionGracePeriodSeconds", wanted);
}

}  // namespace

void begin_deletion(const Resource& resource, const DeleteOptions& options, Time now, Value& object) {
  if (options.propagation) {
    set_finalizer(object, kForegroundFinalizer, *options.propagation == Propagation::kForeground);
    set_finalizer(object, kOrphanFinalizer, *options.propagation == Propagation::kOrphan);
  }
  Value& metadata = object["metadata"];
  if (metadata.has("deletionTimestamp")) {
    shorten(options, metadata);
    return;
  }
  const std::int64_t grace = grace_seconds(resource, options, object);
  count_generation(metadata);
  metadata.set("deletionTimestamp", format_time(now + std::chrono::seconds(grace)));
  metadata.set("deletionGracePeriodSeconds", grace);
  if (is_core(resource, "Namespace")) object.make("status").set("phase", "Terminating");
}

bool deletion_complete(const Resource& resource, const Value& object) {
  const Value& metadata = object.at("metadata");
  if (!metadata.has("deletionTimestamp") || !metadata.at("finalizers").empty()) return false;
  if (is_core(resource, "Namespace") && !object.at("spec", "finalizers").empty()) return false;
  return metadata.at("deletionGracePeriodSeconds").int_or(0) == 0;
}

}  // namespace fairlead::api
