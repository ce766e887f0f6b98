#include "engine/cli/load_report.h"

#include "engine/cli/terminal.h"

namespace fairlead::cli {
namespace {

std::string millis(double seconds) { return fmt::format("{:.1f} ms", seconds * 1000); }

std::vector<std::string> row(std::string version, const net::VersionLoad& load) {
  const double share = load.requests == 0 ? 0 : static_cast<double>(load.errors()) / static_cast<double>(load.requests);
  return {std::move(version), std::to_string(load.requests), fmt::format("{} ({:.1f} %)", load.errors(), share * 100),
          millis(load.latency.p50), millis(load.latency.p90), millis(load.latency.p99), millis(load.latency.p999), millis(load.latency.max)};
}

Value load_value(const net::VersionLoad& load) {
  Value statuses = Value::object();
  for (const auto& [status, count] : load.statuses) statuses.set(std::to_string(status), count);
  return Value::object({{"requests", load.requests}, {"errors", load.errors()}, {"statuses", std::move(statuses)},
                        {"latencySeconds", Value::object({{"p50", load.latency.p50}, {"p90", load.latency.p90},
                                                          {"p99", load.latency.p99}, {"p99.9", load.latency.p999}, {"max", load.latency.max}})}});
}

}  // namespace

std::string to_text(const net::LoadReport& report) {
  Table table({"VERSION", "REQUESTS", "ERRORS", "P50", "P90", "P99", "P99.9", "MAX"});
  for (const auto& [version, load] : report.versions) table.add(row(version.empty() ? "(no answer)" : version, load));
  if (report.versions.size() != 1) table.add(row("all", report.total));
  return table.to_string() + fmt::format("{:.1f} requests/s were sent over {:.1f} s\n", report.achieved_rate,
                                         static_cast<double>(report.elapsed.count()) / 1000);
}

Value to_value(const net::LoadReport& report) {
  Value versions = Value::object();
  for (const auto& [version, load] : report.versions) versions.set(version, load_value(load));
  return Value::object({{"requests", report.requests}, {"achievedRate", report.achieved_rate},
                        {"elapsedSeconds", static_cast<double>(report.elapsed.count()) / 1000}, {"total", load_value(report.total)},
                        {"versions", std::move(versions)}});
}

}  // namespace fairlead::cli
