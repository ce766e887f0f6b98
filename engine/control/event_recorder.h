// v1 Events about objects: the one place that makes them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/api/api.h"
#include "engine/control/reconciler.h"

namespace fairlead::control {

/// An Event that was not seen again for this long is removed: kube-apiserver's --event-ttl.
inline constexpr Duration kEventLifetime = std::chrono::hours(1);
inline constexpr std::size_t kMaxEventMessage = 1024;

/// Records what happened to an object. The same happening (object, type, reason, message, component) is one Event whose
/// count grows. Cheap to copy; keeps nothing but the Api's address. Recording never fails: an Event that the Api
/// refuses (its namespace is going away) is lost, as upstream loses it.
class EventRecorder {
 public:
  EventRecorder(api::Api& api, std::string component) : api_(&api), component_(std::move(component)) {}

  void normal(const api::Object& about, std::string_view reason, std::string_view message) const;
  void warning(const api::Object& about, std::string_view reason, std::string_view message) const;
  /// `type` is "Normal" or "Warning"; `field` the part of the object concerned ("spec.containers{web}"), or empty.
  void record(const api::Object& about, std::string_view type, std::string_view reason, std::string_view message,
              std::string_view field = {}) const;

 private:
  api::Api* api_;
  std::string component_;
};

/// Removes Events kEventLifetime after they were last written.
[[nodiscard]] std::unique_ptr<Reconciler> make_event_expiry(api::Api& api);

}  // namespace fairlead::control
