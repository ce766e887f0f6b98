// Metrics that are written down beforehand. For virtual worlds and tests.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/seam/metrics.h"
#include "engine/seam/virtual_time.h"

namespace fairlead::seam {

/// Answers each query text (outer whitespace aside) with what was scripted for the latest moment not after the query's.
/// A query that nobody scripted is answered with an error that names it.
class SimulatedMetrics final : public Metrics {
 public:
  explicit SimulatedMetrics(VirtualTime& time) : time_(time) {}

  /// From `from` on, `text` gives `answer`: the `data` of /api/v1/query, or an error.
  void script(const std::string& text, Time from, Result<Value> answer) {
    answers_[trimmed(text)].insert_or_assign(from, std::move(answer));
  }
  void query(std::string /*address*/, std::string text, Time at, Done<Value> done) override {
    time_.post([answer = find(trimmed(text), at), done = std::move(done)]() mutable { done(std::move(answer)); });
  }

  /// A vector with one sample per (labels, value); values are text, as Prometheus gives them ("NaN" too).
  [[nodiscard]] static Value vector(const std::vector<std::pair<Value, std::string>>& samples, Time at) {
    Value::Array result;
    const double seconds = static_cast<double>(at.time_since_epoch().count()) / 1000.0;
    for (const auto& [labels, value] : samples) {
      result.push_back(Value::object({{"metric", labels}, {"value", Value::array({seconds, value})}}));
    }
    return Value::object({{"resultType", "vector"}, {"result", Value(std::move(result))}});
  }

 private:
  [[nodiscard]] static std::string trimmed(const std::string& text) {
    const std::size_t first = text.find_first_not_of(" \t\n");
    if (first == std::string::npos) return "";
    return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
  }
  [[nodiscard]] Result<Value> find(const std::string& text, Time at) const {
    const auto series = answers_.find(text);
    if (series == answers_.end()) return fail("nothing is scripted for the query {}", text);
    auto answer = series->second.upper_bound(at);
    if (answer == series->second.begin()) return vector({}, at);
    return std::prev(answer)->second;
  }

  VirtualTime& time_;
  std::map<std::string, std::map<Time, Result<Value>>> answers_;
};

}  // namespace fairlead::seam
