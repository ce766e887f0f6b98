// How often and how fast a failed sync is tried again.
#pragma once

#include "base/error.h"
#include "base/time.h"
#include "base/value.h"

namespace fairlead::control {

/// Even where a policy says less: an attempt takes no time here, so that two of them could come without end.
inline constexpr Duration kShortestRetry = std::chrono::seconds(1);
inline constexpr std::int64_t kRetryLimit = 5;  ///< Of automated syncs where spec.syncPolicy.retry is left out.

/// spec.syncPolicy.retry, or an operation's, with what Argo CD takes for what is left out.
/// Source: argo-cd pkg/apis/application/v1alpha1/types.go (RetryStrategy, NextRetryAt).
struct ApplicationRetry {
  std::int64_t limit = 0;  ///< Negative: without end.
  Duration first = std::chrono::seconds(5);
  std::int64_t factor = 2;
  Duration most = std::chrono::minutes(3);  ///< Zero: none.
  bool refresh = false;                     ///< Each attempt takes the newest commit.

  [[nodiscard]] static Result<ApplicationRetry> of(const Value& policy);
  [[nodiscard]] bool allows(std::int64_t retries) const { return limit < 0 || retries <= limit; }
  /// How long to wait when this many attempts have failed. Upstream counts the failure before it asks, so that the
  /// first wait is already twice `first`.
  [[nodiscard]] Duration delay(std::int64_t failures) const;
};

/// How long the next self-heal waits after the one before. Upstream's flags: --self-heal-backoff-…-seconds.
[[nodiscard]] Duration self_heal_delay(std::int64_t attempts);

}  // namespace fairlead::control
