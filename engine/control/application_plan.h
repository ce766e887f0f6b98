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
      if (!item.synced) return true;
    }
    return false;
  }
};

/// Order in which kinds are applied within a wave; what the table does not name comes last.
/// Source: argo-cd gitops-engine/pkg/sync/sync_tasks.go (kindOrder).
[[nodiscard]] int kind_order(std::string_view kind);

}  // namespace fairlead::control
