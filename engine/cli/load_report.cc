#include "engine/cli/load_report.h"

#include "engine/cli/terminal.h"

namespace fairlead::cli {
namespace {

double seconds(std::chrono::microseconds d) { return std::chrono::duration<double>(d).count(); }

/// Nothing was measured: latencies are of answers and of requests that were waited for in vain.
bool without_latency(const net::VersionReport& load) { return load.max.count() == 0; }

std::string errors_text(const net::VersionReport& load) {
  if (load.error_count() == 0) return "0";
  const double share = static_cast<double>(load.error_count()) / static_cast<double>(load.requests);
  std::vector<std::string> parts;
  for (const auto& [what, count] : load.errors) parts.push_back(fmt::format("{} {}", count, what));
  return fmt::format("{:.1f} % ({})", share * 100, fmt::join(parts, ", "));
}

std::vector<std::string> row(std::string version, const net::VersionReport& load) {
  const auto millis = [&](std::chrono::microseconds d) {
    return without_latency(load) ? "-" : fmt::format("{:.1f} ms", seconds(d) * 1000);
  };
  return {std::move(version), std::to_string(load.requests),
          errors_text(load),  millis(load.p50),
          millis(load.p90),   millis(load.p99),
          millis(load.p999),  millis(load.max)};
}

Value load_value(const net::VersionReport& load) {
  Value errors = Value::object();
  for (const auto& [what, count] : load.errors) errors.set(what, count);
  const auto latency = [&](std::chrono::microseconds d) { return without_latency(load) ? Value() : Value(seconds(d)); };
  return Value::object({{"requests", load.requests},
                        {"errors", std::move(errors)},
                        {"latencySeconds", Value::object({{"p50", latency(load.p50)},
                                                          {"p90", latency(load.p90)},
                                                          {"p99", latency(load.p99)},
                                                          {"p99.9", latency(load.p999)},
                                                          {"max", latency(load.max)}})}});
}

}  // namespace

std::string to_text(const net::LoadReport& report) {
  Table table({"VERSION", "REQUESTS", "ERRORS", "P50", "P90", "P99", "P99.9", "MAX"});
  for (const auto& [version, load] : report.versions) table.add(row(version.empty() ? "(no version)" : version, load));
  if (report.unanswered.requests > 0) table.add(row("(no answer)", report.unanswered));
  if (report.versions.size() + (report.unanswered.requests > 0 ? 1 : 0) != 1) table.add(row("all", report.total));
  return table.to_string() + fmt::format("{:.1f} requests/s were sent over {:.1f} s\n", report.achieved_rate,
                                         static_cast<double>(report.elapsed.count()) / 1000);
}

Value to_value(const net::LoadReport& report) {
  Value versions = Value::object();
  for (const auto& [version, load] : report.versions) versions.set(version, load_value(load));
  return Value::object({{"intendedRate", report.intended_rate},
                        {"achievedRate", report.achieved_rate},
                        {"elapsedSeconds", static_cast<double>(report.elapsed.count()) / 1000},
                        {"total", load_value(report.total)},
                        {"versions", std::move(versions)},
                        {"unanswered", load_value(report.unanswered)}});
}

}  // namespace fairlead::cli
