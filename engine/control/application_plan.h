// What one look at an Application found and decided; shared by the files that implement its reconciler.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/control/application.h"

namespace fairlead::control {

/// Type and message, as status.conditions has them.
using ApplicationCondition = std::pair<std::string, std::string>;

/// What a commit holds, beside what is live.
struct ApplicationReconciler::Comparison {
  std::string revision;
  std::vector<ApplicationItem> items;
  std::vector<ApplicationCondition> conditions;
  std::string error;  ///< Why the commit's objects are not known: then the items are only those that are live.

  [[nodiscard]] bool out_of_sync() const {
    return std::ranges::any_of(items, [](const ApplicationItem& i) { return !i.synced && !i.extraneous; });
  }
};

struct ApplicationReconciler::Plan {
  api::ObjectPtr application;
  api::ObjectPtr project;            ///< Null when there is none of its name.
  IgnoredDifferences ignored;        ///< Items point into it.
  std::optional<Comparison> wanted;  ///< With what Git has now; nothing where spec cannot be followed.
  Value operation;                   ///< status.operationState as it will be written.
  std::vector<ApplicationCondition> conditions;
  bool taken = false;  ///< The Application's `operation` has become `operation`, or never will.

  [[nodiscard]] const Value& spec() const { return application->at("spec"); }
  [[nodiscard]] const Value& automated() const { return spec().at("syncPolicy", "automated"); }
  [[nodiscard]] bool is_automated() const { return !automated().is_null() && automated().at("enabled").bool_or(true); }
  [[nodiscard]] std::string_view phase() const { return operation.at("phase").str(); }
  [[nodiscard]] bool in_progress() const { return phase() == "Running" || phase() == "Terminating"; }
  [[nodiscard]] const Value& synced() const { return operation.at("syncResult"); }
  /// The operation is, or was, of the commit and the source that are wanted now.
  [[nodiscard]] bool attempted() const {
    return synced().at("revision").str() == wanted->revision && synced().at("source") == spec().at("source");
  }
};

}  // namespace fairlead::control
