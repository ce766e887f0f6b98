#include "engine/api/server_metrics.h"

#include <algorithm>

#include <fmt/format.h>

namespace fairlead::api {
namespace {

constexpr std::array<std::string_view, 16> kVerbs = {
    "get", "list", "watch",   "create",  "update", "patch", "delete",           "post",
    "put", "head", "options", "connect", "trace",  "proxy", "deletecollection", "apply"};

/// Anybody can invent a method; "other" stands for all of those.
/// Source: k8s.io/apiserver/pkg/endpoints/metrics/metrics.go, cleanVerb.
std::string known_verb(std::string_view verb) {
  return std::string(std::ranges::find(kVerbs, verb) != kVerbs.end() ? verb : "other");
}

/// A label's value as the text form wants it.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

void ServerMetrics::count(std::string_view verb, std::string_view resource, int code,
                          std::chrono::steady_clock::duration took) {
  const double seconds = std::chrono::duration<double>(took).count();
  const std::lock_guard lock(mutex_);
  ++requests_[{known_verb(verb), std::string(resource), code}];
  auto& histogram = durations_[{known_verb(verb), std::string(resource)}];
  std::size_t bucket = 0;
  while (bucket < kBounds.size() && seconds > kBounds[bucket]) ++bucket;
  ++histogram.buckets[bucket];
  ++histogram.count;
  histogram.sum += seconds;
}

void ServerMetrics::stream_begun(std::string_view verb, std::string_view resource) {
  const std::lock_guard lock(mutex_);
  ++requests_[{known_verb(verb), std::string(resource), 200}];
}

void ServerMetrics::append(std::string& out) const {
  const std::lock_guard lock(mutex_);
  out += "# HELP apiserver_request_total Requests answered, by verb, resource and HTTP code.\n";
  out += "# TYPE apiserver_request_total counter\n";
  for (const auto& [labels, value] : requests_) {
    const auto& [verb, resource, code] = labels;
    out += fmt::format("apiserver_request_total{{verb=\"{}\",resource=\"{}\",code=\"{}\"}} {}\n", verb,
                       escaped(resource), code, value);
  }
  constexpr std::string_view kName = "apiserver_request_duration_seconds";
  out += fmt::format("# HELP {} Time from a request's arrival to its answer.\n# TYPE {} histogram\n", kName, kName);
  for (const auto& [labels, histogram] : durations_) {
    const auto common = fmt::format("verb=\"{}\",resource=\"{}\"", labels.first, escaped(labels.second));
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < kBounds.size(); ++i) {
      below += histogram.buckets[i];
      out += fmt::format("{}_bucket{{{},le=\"{}\"}} {}\n", kName, common, kBounds[i], below);
    }
    out += fmt::format("{}_bucket{{{},le=\"+Inf\"}} {}\n", kName, common, histogram.count);
    out += fmt::format("{}_sum{{{}}} {}\n", kName, common, histogram.sum);
    out += fmt::format("{}_count{{{}}} {}\n", kName, common, histogram.count);
  }
}

}  // namespace fairlead::api
