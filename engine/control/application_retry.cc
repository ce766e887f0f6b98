#include "engine/control/application_retry.h"

#include <algorithm>
#include <charconv>

namespace fairlead::control {
namespace {

/// "10" is ten seconds.
Result<Duration> backoff_time(const Value& value, Duration otherwise) {
  const std::string_view text = value.str();
  if (text.empty()) return otherwise;
  std::int32_t seconds = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (ec == std::errc() && end == text.data() + text.size()) return std::chrono::seconds(seconds);
  return parse_duration(text);
}

}  // namespace

Result<ApplicationRetry> ApplicationRetry::of(const Value& policy) {
  ApplicationRetry out;
  out.limit = policy.at("limit").int_or(0);
  out.refresh = policy.at("refresh").bool_or(false);
  const Value& backoff = policy.at("backoff");
  const auto first = backoff_time(backoff.at("duration"), out.first);
  if (!first) return fail("spec.syncPolicy.retry.backoff.duration: {}", first.error().message);
  const auto most = backoff_time(backoff.at("maxDuration"), out.most);
  if (!most) return fail("spec.syncPolicy.retry.backoff.maxDuration: {}", most.error().message);
  out.first = *first;
  out.most = *most;
  out.factor = backoff.at("factor").int_or(out.factor);
  return out;
}

Duration ApplicationRetry::delay(std::int64_t failures) const {
  constexpr double kEnd = 1e15;  // Far beyond any wait, and still a Duration.
  const double cap = most > Duration(0) ? static_cast<double>(most.count()) : kEnd;
  auto out = static_cast<double>(first.count());
  for (std::int64_t i = 0; i < failures && out > 0 && out < cap; ++i) out *= static_cast<double>(factor);
  return std::max(kShortestRetry, Duration(static_cast<Duration::rep>(std::min(out, cap))));
}

Duration self_heal_delay(std::int64_t attempts) {
  constexpr Duration kFirst = std::chrono::seconds(2);
  constexpr Duration kMost = std::chrono::minutes(5);
  if (attempts == 0) return Duration(0);
  Duration out = kFirst;
  for (std::int64_t i = 1; i < attempts && out < kMost; ++i) out *= 3;
  return std::min(out, kMost);
}

}  // namespace fairlead::control
