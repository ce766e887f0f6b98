#include "engine/cli/ship.h"

#include "base/image_reference.h"
#include "base/json.h"
#include "engine/cli/cluster.h"
#include "engine/cli/daemon.h"
#include "engine/cli/exit_code.h"
#include "engine/cli/release.h"
#include "engine/cli/terminal.h"

namespace fairlead::cli {
namespace {

Result<std::string> repository_of(const gitops::DeliveryRepository& delivery, const std::string& service) {
  const auto pins = delivery.pins(std::string(gitops::kDeliveryBranch));
  if (!pins) return std::unexpected(pins.error());
  const auto it = pins->find(service);
  if (it == pins->end()) return fail("no service {} in this environment", service);
  return ImageReference::parse(it->second).name;
}

std::string_view outcome_word(RolloutOutcome outcome) {
  switch (outcome) {
    case RolloutOutcome::kPromoted:
      return "promoted";
    case RolloutOutcome::kAborted:
      return "aborted";
    case RolloutOutcome::kDegraded:
      return "degraded";
    case RolloutOutcome::kPaused:
      return "paused";
    case RolloutOutcome::kTimedOut:
      break;
  }
  return "timed-out";
}

int report(const Result<Followed>& followed, const Shipped& shipped, const ShipOptions& options) {
  if (!followed) {
    print_error(followed.error().message);
    return kFailed;
  }
  if (options.output == Output::kJson) {
    print(to_pretty_json(Value::object({{"commit", shipped.sha},
                                        {"image", shipped.image},
                                        {"outcome", outcome_word(followed->outcome)},
                                        {"status", to_value(followed->status)}})) +
          "\n");
  } else {
    print(outcome_text(*followed));
  }
  return outcome_code(followed->outcome);
}

}  // namespace

Result<Shipped> ship_release(const Project& project, const std::string& service, const ReleaseOptions& options) {
  gitops::DeliveryRepository delivery = delivery_repository(project);
  if (!delivery.exists()) return fail("there is no delivery repository yet: run `fairlead up` first");
  Shipped out;
  gitops::Pins pins;
  if (!service.empty()) {
    auto repository = repository_of(delivery, service);
    if (!repository) return std::unexpected(repository.error());
    auto release = build_release(project, service, *repository, options);
    if (!release) return std::unexpected(release.error());
    pins[service] = release->image;
    out.image = release->image;
    out.digest = release->digest;
  }
  const std::string what =
      service.empty() ? "Deliver the checkout's HEAD" : fmt::format("Ship {} {}", service, version_of(out.image));
  auto sha = delivery.ship(pins, what);
  if (!sha) return std::unexpected(sha.error());
  out.sha = std::move(*sha);
  return out;
}

std::string outcome_text(const Followed& followed) {
  const ServiceStatus& s = followed.status;
  switch (followed.outcome) {
    case RolloutOutcome::kPromoted:
      return fmt::format("{} {} is promoted: every request gets the new version\n", paint(Tone::kGood, "✓"), s.name);
    case RolloutOutcome::kAborted:
      return fmt::format("{} {} was rolled back: every request gets the stable version\n\n{}", paint(Tone::kBad, "✗"),
                         s.name, to_text({s}));
    case RolloutOutcome::kDegraded:
      return fmt::format("{} {} is degraded, and nothing brings it back by itself\n\n{}", paint(Tone::kBad, "✗"),
                         s.name, to_text({s}));
    case RolloutOutcome::kPaused:
      return fmt::format(
          "{} {} is paused, because its analysis was inconclusive. A person decides:\n"
          "  kubectl argo rollouts promote {} -n {}\n  kubectl argo rollouts abort {} -n {}\n\n{}",
          paint(Tone::kWarn, "!"), s.name, s.name, s.ns, s.name, s.ns, to_text({s}));
    case RolloutOutcome::kTimedOut:
      break;
  }
  return fmt::format("{} {} is still under way ({}): see `fairlead status --watch`\n", paint(Tone::kWarn, "!"), s.name,
                     s.message);
}

int outcome_code(RolloutOutcome outcome) {
  if (outcome == RolloutOutcome::kPromoted) return kOk;
  return outcome == RolloutOutcome::kAborted ? kAborted : kFailed;
}

int run_ship(const Project& project, const ShipOptions& options) {
  if (options.wait && !options.service.empty() && !running_daemon(project)) {
    print_error(fmt::format("nothing runs in {}: start it with `fairlead up`, or ship with --no-wait", project.root));
    return kFailed;
  }
  const auto shipped = ship_release(project, options.service, options.release);
  if (!shipped) {
    print_error(shipped.error().to_string());
    return kFailed;
  }
  if (options.output == Output::kText)
    print(fmt::format("{} committed {}\n", paint(Tone::kGood, "✓"), shipped->sha.substr(0, 7)));
  if (options.service.empty() || !options.wait) return kOk;
  auto cluster = Cluster::open(project);
  if (!cluster) {
    print_error(cluster.error().message);
    return kFailed;
  }
  FollowOptions follow{options.service, shipped->digest, options.timeout, options.output == Output::kJson};
  return report(follow_rollout(*cluster, follow), *shipped, options);
}

}  // namespace fairlead::cli
