#include "engine/control/analysis_metric.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <set>

#include "engine/control/delivery_names.h"
#include "engine/control/expression.h"

namespace fairlead::control {
namespace {

Result<std::optional<Duration>> duration_of(const Value& value, std::string_view what) {
  if (value.str().empty()) return std::optional<Duration>();
  auto duration = parse_duration(value.str());
  if (!duration) return fail("invalid {} string: {}", what, duration.error().message);
  return std::optional(*duration);
}

Result<> check_limits(const Metric& metric) {
  if (metric.consecutive_success_limit < 0) return fail("consecutiveSuccessLimit must be >= 0");
  if (metric.failure_limit < -1) return fail("failureLimit must be >= 0, or -1 to be disabled");
  if (metric.consecutive_success_limit == 0 && metric.failure_limit == -1)
    return fail("failureLimit and consecutiveSuccessLimit cannot both be disabled");
  if (metric.inconclusive_limit < 0) return fail("inconclusiveLimit must be >= 0");
  if (metric.consecutive_error_limit < 0) return fail("consecutiveErrorLimit must be >= 0");
  const std::int64_t count = metric.count.value_or(0);
  if (count <= 0) return {};
  if (metric.failure_limit >= 0 && count < metric.failure_limit + metric.consecutive_success_limit)
    return fail("count ({}) must be >= failureLimit + consecutiveSuccessLimit ({} + {}) if both >= 0", count,
                metric.failure_limit, metric.consecutive_success_limit);
  if (metric.failure_limit < 0 && count < metric.consecutive_success_limit)
    return fail("count must be >= consecutiveSuccessLimit");
  if (count < metric.inconclusive_limit) return fail("count must be >= inconclusiveLimit");
  if (count > 1 && !metric.interval) return fail("interval must be specified when count > 1");
  return {};
}

/// A sample as Prometheus writes it: "0.25", "NaN", "+Inf", "1e-05".
std::optional<double> sample_of(const Value& pair) {
  std::string_view text = pair.at(1).str();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "+Inf" || text == "Inf") return std::numeric_limits<double>::infinity();
  if (text == "-Inf") return -std::numeric_limits<double>::infinity();
  double number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

/// strconv.FormatFloat(v, 'f', -1, 64).
std::string sample_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char buffer[512];
  const auto [end, ec] = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  return {buffer, end};
}

/// The `result` of conditions: a number, or a list of them.
Result<Value> result_of(const Value& data) {
  const std::string_view type = data.at("resultType").str();
  const Value& result = data.at("result");
  const auto no_number = [] { return fail("Prometheus answered a sample that is no number"); };
  if (type == "scalar") {
    const auto sample = sample_of(result);
    if (!sample) return no_number();
    return Value(*sample);
  }
  if (type != "vector" && type != "matrix") return fail("Prometheus metric type not supported");
  Value list = Value::array();
  for (const Value& series : result.items()) {
    const Value single = Value::array({series.at("value")});
    for (const Value& pair : (type == "matrix" ? series.at("values") : single).items()) {
      const auto sample = sample_of(pair);
      if (!sample) return no_number();
      list.push_back(Value(*sample));
    }
  }
  return list;
}

std::string value_text(const Value& result) {
  if (!result.is_array()) return sample_text(result.number_or(0));
  std::string text = "[";
  for (const Value& item : result.items()) {
    if (text.size() > 1) text += ',';
    text += sample_text(item.number_or(0));
  }
  return text + "]";
}

Result<bool> holds(std::string_view what, const std::string& condition, const Value& result) {
  auto expression = Expression::parse(condition);
  auto answer = expression ? expression->evaluate(result) : std::unexpected(expression.error());
  if (answer) return answer;
  const bool empty = result.is_array() && result.empty();
  return fail(
      "could not evaluate {} \"{}\": {}", what, condition,
      empty ? "metric result is nil or empty: no data returned from the metric provider" : answer.error().message);
}

/// The phase that conditions give a result.
Result<std::string_view> phase_of(const Metric& metric, const Value& result) {
  const bool has_success = !metric.success_condition.empty();
  const bool has_failure = !metric.failure_condition.empty();
  bool success = false;
  bool failure = false;
  if (has_success) {
    const auto answer = holds("successCondition", metric.success_condition, result);
    if (!answer) return std::unexpected(answer.error());
    success = *answer;
  }
  if (has_failure) {
    const auto answer = holds("failureCondition", metric.failure_condition, result);
    if (!answer) return std::unexpected(answer.error());
    failure = *answer;
  }
  // A missing condition is the opposite of the other one.
  if (!has_failure && has_success) failure = !success;
  if (!has_success) success = !failure;
  if (failure) return phase::kFailed;
  return success ? phase::kSuccessful : phase::kInconclusive;
}

bool passes(const Metric& metric, const Value& result) {
  const auto phase = phase_of(metric, result);
  return phase && *phase == phase::kSuccessful;
}

}  // namespace

std::optional<std::int64_t> count_of(const Value& value) {
  if (value.is_int()) return value.int_or(0);
  if (!value.is_string()) return std::nullopt;
  std::int64_t number = 0;
  const std::string_view text = value.str();
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  return ec == std::errc() && end == text.data() + text.size() ? number : 0;
}

Result<Metric> Metric::of(const Value& tree) {
  Metric metric;
  metric.name = tree.at("name").str();
  metric.count = count_of(tree.at("count"));
  metric.success_condition = tree.at("successCondition").str();
  metric.failure_condition = tree.at("failureCondition").str();
  metric.failure_limit = count_of(tree.at("failureLimit")).value_or(0);
  metric.inconclusive_limit = count_of(tree.at("inconclusiveLimit")).value_or(0);
  metric.consecutive_error_limit = count_of(tree.at("consecutiveErrorLimit")).value_or(kDefaultConsecutiveErrorLimit);
  metric.consecutive_success_limit = count_of(tree.at("consecutiveSuccessLimit")).value_or(0);
  auto interval = duration_of(tree.at("interval"), "interval");
  if (!interval) return std::unexpected(interval.error());
  metric.interval = *interval;
  auto delay = duration_of(tree.at("initialDelay"), "startDelay");
  if (!delay) return std::unexpected(delay.error());
  metric.initial_delay = *delay;
  if (auto limits = check_limits(metric); !limits) return std::unexpected(limits.error());

  const Value& provider = tree.at("provider");
  if (!provider.is_object() || provider.empty()) return fail("no provider specified");
  if (provider.size() > 1) return fail("multiple providers specified");
  const Value& prometheus = provider.at("prometheus");
  if (!prometheus.is_object()) return fail("provider {} is not supported", provider.members().front().key);
  metric.address = prometheus.at("address").str();
  metric.query = prometheus.at("query").str();
  const std::int64_t timeout = prometheus.at("timeout").int_or(kDefaultQueryTimeout / std::chrono::seconds(1));
  if (timeout < 0) return fail("prometheus timeout should not be negative");
  metric.timeout = std::chrono::seconds(timeout);
  return metric;
}

std::optional<std::int64_t> Metric::effective_count() const {
  if (count.value_or(0) != 0) return count;
  return interval ? std::nullopt : std::optional<std::int64_t>(1);
}

Result<std::vector<Metric>> read_metrics(const Value& metrics) {
  if (metrics.empty()) return fail("no metrics specified");
  std::vector<Metric> out;
  std::set<std::string> names;
  for (const Value& tree : metrics.items()) {
    const std::size_t index = out.size();
    if (!names.emplace(tree.at("name").str()).second)
      return fail("metrics[{}]: duplicate name '{}'", index, tree.at("name").str());
    auto metric = Metric::of(tree);
    if (!metric) return fail("metrics[{}]: {}", index, metric.error().message);
    out.push_back(std::move(*metric));
  }
  return out;
}

Verdict judge(const Metric& metric, const Value& data) {
  const auto result = result_of(data);
  if (!result) return {"", std::string(phase::kError), result.error().message};
  const auto phase = phase_of(metric, *result);
  // Upstream keeps no value for a measurement that could not be judged.
  if (!phase) return {"", std::string(phase::kError), phase.error().message};
  return {value_text(*result), std::string(*phase), ""};
}

std::vector<std::string> gate_warnings(const Metric& metric) {
  std::vector<std::string> out;
  if (metric.success_condition.empty() && metric.failure_condition.empty())
    out.push_back(
        fmt::format("metric {}: every answer passes, because it has neither successCondition nor "
                    "failureCondition",
                    metric.name));
  const auto count = metric.effective_count();
  if (count && metric.consecutive_success_limit == 0 && metric.failure_limit >= *count)
    out.push_back(
        fmt::format("metric {}: it can never fail, because only more than failureLimit ({}) failures count and "
                    "it is measured {} time{}; lower failureLimit or raise count",
                    metric.name, metric.failure_limit, *count, *count == 1 ? "" : "s"));
  if (metric.success_condition.empty() && metric.failure_condition.empty()) return out;
  const Value nan(std::numeric_limits<double>::quiet_NaN());
  if (passes(metric, Value::array({nan})) || passes(metric, nan))
    out.push_back(
        fmt::format("metric {}: it passes when the answer is NaN, as without traffic; set both conditions and "
                    "test !isNaN(result[0]) in both",
                    metric.name));
  if (passes(metric, Value::array()))
    out.push_back(
        fmt::format("metric {}: it passes when the query finds nothing; set both conditions and test "
                    "len(result) > 0 in both",
                    metric.name));
  return out;
}

}  // namespace fairlead::control
