// The hours at which a project lets its Applications be synced.
#pragma once

#include <optional>

#include "base/error.h"
#include "base/time.h"
#include "base/value.h"

namespace fairlead::control {

inline constexpr Duration kLongestWindow = std::chrono::days(366);

/// Whether spec.syncWindows of `project` let the Application be synced at `now`. `manual`: somebody asked for it.
/// `started`: when the operation that is running began, for windows with syncOverrun. An error is a window that cannot
/// be read; it holds back every sync, as upstream.
/// Source: argo-cd pkg/apis/application/v1alpha1/types.go (SyncWindows), github.com/robfig/cron/v3.
[[nodiscard]] Result<bool> sync_permitted(const Value& project, const Value& application, bool manual, Time now,
                                          std::optional<Time> started);

}  // namespace fairlead::control
