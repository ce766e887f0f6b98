// What one look at an Application found and decided; shared by the files that implement its reconciler.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/control/application.h"

namespace fairlead::control {

struct ApplicationReconciler::Plan {
  api::ObjectPtr application;
  api::ObjectPtr project;
  std::string revision;
  IgnoredDifferences ignored;
  std::vector<ApplicationItem> items;                           ///< In order of wave, kind and name.
  Value operation;                                              ///< status.operationState as it will be written.
  std::vector<std::pair<std::string, std::string>> conditions;  ///< Type and message.
  bool compared = false;

  [[nodiscard]] const Value& spec() const { return application->at("spec"); }
  [[nodiscard]] const Value& automated() const { return spec().at("syncPolicy", "automated"); }
  [[nodiscard]] bool has_option(std::string_view option) const {
    for (const Value& o : spec().at("syncPolicy", "syncOptions").items()) {
      if (o.str() == option) return true;
    }
    return false;
  }
  [[nodiscard]] bool out_of_sync() const {
    for (const ApplicationItem& item : items) {
      if (!item.synced && !item.extraneous) return true;
    }
    return false;
  }
  /// The operation was of the commit and the source that are wanted now.
  [[nodiscard]] bool attempted() const {
    const Value& result = operation.at("syncResult");
    return result.at("revision").str() == revision && result.at("source") == spec().at("source");
  }
};

/// What may become of an object when Git, or its Application, is gone.
enum class Removal : std::uint8_t { kYes, kNo, kConfirm };
/// By the object's sync option, else by the Application's. `option` is "Prune" or "Delete".
[[nodiscard]] Removal removal_of(const api::Object& live, const Value& application, std::string_view option);
/// Whether somebody has said on the Application, at or after `since`, that objects which ask for it may go.
[[nodiscard]] bool removal_approved(const api::Object& application, Time since);

/// Order in which kinds are applied within a wave; what the table does not name comes last.
/// Source: argo-cd gitops-engine/pkg/sync/sync_tasks.go (kindOrder).
[[nodiscard]] int kind_order(std::string_view kind);

}  // namespace fairlead::control
