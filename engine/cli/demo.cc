#include <chrono>

#include "engine/cli/cluster.h"
#include "engine/cli/commands.h"
#include "engine/cli/daemon.h"
#include "engine/cli/exit_code.h"
#include "engine/cli/interrupt.h"
#include "engine/cli/load_report.h"
#include "engine/cli/ship.h"
#include "engine/cli/terminal.h"
#include "engine/gitops/git_repository.h"
#include "net/load.h"

namespace fairlead::cli {
namespace {

constexpr std::string_view kService = "storefront";  ///< The one that people reach.
constexpr std::string_view kBadErrorRate = "0.25";

void headline(std::string_view text) { print(fmt::format("\n{}\n", paint(Tone::kBold, text))); }

/// One release under load. kOk when it went as `expected`; else the reason has been said.
int act(const Project& project, Cluster& cluster, const DemoOptions& options, const ReleaseOptions& release,
        RolloutOutcome expected) {
  const auto failed = [](const std::string& why) {
    print_error(why);
    return kFailed;
  };
  const auto shipped = ship_release(project, std::string(kService), release);
  if (!shipped && interrupted()) {
    print_error("interrupted: nothing was committed; the cluster runs on, and `fairlead down` stops it");
    return kInterrupted;
  }
  if (!shipped) return failed(shipped.error().to_string());
  print(fmt::format("{} committed {} to .fairlead/git: Argo CD's part begins\n", paint(Tone::kGood, "✓"),
                    gitops::short_sha(shipped->sha)));
  const auto load = shop_load(cluster.edge_url(), cluster.shop_host(), options.rate, net::kMaxLoadDuration);
  if (!load) return failed(load.error().message);
  const auto generator = net::LoadGenerator::start(*load);
  if (!generator) return failed(generator.error().message);
  const auto watched =
      follow_rollouts(project, cluster, {shipped->sha, {{std::string(kService)}}, std::chrono::minutes(10), false});
  (*generator)->stop();
  const net::LoadReport report = (*generator)->wait();
  if (!watched) return failed(watched.error().message);
  const Followed& followed = watched->front();
  print(outcome_text(followed, *shipped));
  if (followed.outcome == RolloutOutcome::kLeft) {
    print(fmt::format("  Its load has ended, and without any its analysis cannot tell: {}\n", kLoadCommand));
    return kInterrupted;
  }
  print("\nwhat clients saw:\n" + to_text(report));
  return followed.outcome == expected ? kOk : failed("the rollout did not end as a demonstration should: see above");
}

/// The cluster of this checkout, started when it does not run.
Result<int> started(const Project& project) {
  const auto daemon = running_daemon(project);
  if (!daemon) return std::unexpected(daemon.error());
  return *daemon ? kOk : run_up(project, {});
}

}  // namespace

int run_demo(const Project& project, const DemoOptions& options) {
  catch_interrupts();
  const auto up = started(project);
  if (up && *up != kOk) return *up;
  auto cluster = up ? Cluster::open(project) : std::unexpected(up.error());
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
  if (const int code = act(project, *cluster, options, good, RolloutOutcome::kPromoted); code != kOk) return code;
  headline(fmt::format("2. A bad version of {}: {:.0f} % of its answers are errors", kService,
                       std::stod(std::string(kBadErrorRate)) * 100));
  ReleaseOptions bad;
  bad.tag = fmt::format("bad-{}", stamp);
  bad.env = {fmt::format("FAULT_ERROR_RATE={}", kBadErrorRate)};
  bad.test = false;
  if (const int code = act(project, *cluster, options, bad, RolloutOutcome::kAborted); code != kOk) return code;
  headline("The good version was promoted, the bad one went back, and the evidence stays in `fairlead status`.");
  return kOk;
}

}  // namespace fairlead::cli
