#include <chrono>
#include <optional>

#include "engine/cli/cluster.h"
#include "engine/cli/commands.h"
#include "engine/cli/daemon.h"
#include "engine/cli/exit_code.h"
#include "engine/cli/load_report.h"
#include "engine/cli/ship.h"
#include "engine/cli/terminal.h"
#include "net/load.h"

namespace fairlead::cli {
namespace {

constexpr std::string_view kService = "storefront";  ///< The one that people reach.
constexpr std::string_view kShopHost = "shop.example";
constexpr std::string_view kBadErrorRate = "0.25";

void headline(std::string_view text) { print(fmt::format("\n{}\n", paint(Tone::kBold, text))); }

/// One release under load. Nothing when it went as `expected`.
std::optional<std::string> act(const Project& project, Cluster& cluster, const DemoOptions& options,
                               const ReleaseOptions& release, RolloutOutcome expected) {
  const auto shipped = ship_release(project, std::string(kService), release);
  if (!shipped) return shipped.error().to_string();
  print(fmt::format("{} committed {} to .fairlead/git: Argo CD's part begins\n", paint(Tone::kGood, "✓"),
                    shipped->sha.substr(0, 7)));
  const auto url = cluster.edge_url();
  if (!url) return url.error().message;
  const auto load = shop_load(*url, std::string(kShopHost), options.rate, net::kMaxLoadDuration);
  if (!load) return load.error().message;
  const auto generator = net::LoadGenerator::start(*load);
  if (!generator) return generator.error().message;
  const auto followed =
      follow_rollout(cluster, {std::string(kService), shipped->digest, std::chrono::minutes(10), false});
  (*generator)->stop();
  const net::LoadReport report = (*generator)->wait();
  if (!followed) return followed.error().message;
  print(outcome_text(*followed));
  print("\nwhat clients saw:\n" + to_text(report));
  if (followed->outcome != expected) return "the rollout did not end as a demonstration should: see above";
  return std::nullopt;
}

}  // namespace

int run_demo(const Project& project, const DemoOptions& options) {
  if (!running_daemon(project)) {
    if (const int code = run_up(project, {}); code != kOk) return code;
  }
  auto cluster = Cluster::open(project);
  if (!cluster) {
    print_error(cluster.error().message);
    return kFailed;
  }
  const auto stamp = std::chrono::system_clock::now().time_since_epoch() / std::chrono::seconds(1);
  headline(
      fmt::format("1. A good version of {}: a canary takes traffic step by step, and Prometheus judges it", kService));
  ReleaseOptions good;
  good.tag = fmt::format("good-{}", stamp);
  good.test = false;
  if (const auto problem = act(project, *cluster, options, good, RolloutOutcome::kPromoted)) {
    print_error(*problem);
    return kFailed;
  }
  headline(fmt::format("2. A bad version of {}: {:.0f} % of its answers are errors", kService,
                       std::stod(std::string(kBadErrorRate)) * 100));
  ReleaseOptions bad;
  bad.tag = fmt::format("bad-{}", stamp);
  bad.env = {fmt::format("FAULT_ERROR_RATE={}", kBadErrorRate)};
  bad.test = false;
  if (const auto problem = act(project, *cluster, options, bad, RolloutOutcome::kAborted)) {
    print_error(*problem);
    return kFailed;
  }
  headline("The good version was promoted, the bad one went back, and the evidence stays in `fairlead status`.");
  return kOk;
}

}  // namespace fairlead::cli
