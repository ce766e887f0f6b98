#include "engine/cli/ship.h"

#include "base/image_reference.h"
#include "base/json.h"
#include "engine/cli/cluster.h"
#include "engine/cli/daemon.h"
#include "engine/cli/exit_code.h"
#include "engine/cli/interrupt.h"
#include "engine/cli/release.h"
#include "engine/cli/terminal.h"
#include "engine/gitops/git_repository.h"

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
    case RolloutOutcome::kReplaced:
      return "superseded";
    case RolloutOutcome::kLeft:
      return "interrupted";
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
                                        {"newestCommit", followed->newest},
                                        {"image", shipped.image},
                                        {"outcome", outcome_word(followed->outcome)},
                                        {"status", to_value(followed->status)}})) +
          "\n");
  } else {
    print(outcome_text(*followed, shipped));
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
  if (interrupted()) return fail("interrupted");
  const auto before = delivery.head();
  if (!before) return std::unexpected(before.error());
  const std::string what =
      service.empty() ? "Deliver the checkout's HEAD" : fmt::format("Ship {} {}", service, version_of(out.image));
  auto sha = delivery.ship(pins, what);
  // Ctrl-C ends Git too, before it moved the branch or after: the branch tells.
  if (!sha && interrupted()) {
    if (auto now = delivery.head(); now && *now != *before) sha = std::move(now);
  }
  if (!sha) return std::unexpected(sha.error());
  out.sha = std::move(*sha);
  out.changed = out.sha != *before;
  return out;
}

std::string committed_text(const Shipped& shipped) {
  const std::string sha = gitops::short_sha(shipped.sha);
  return shipped.changed ? fmt::format("{} committed {} to .fairlead/git\n", paint(Tone::kGood, "✓"), sha)
                         : fmt::format("{} nothing to commit: {} holds this very image\n", paint(Tone::kDim, "–"), sha);
}

std::string outcome_text(const Followed& followed, const Shipped& shipped) {
  const ServiceStatus& s = followed.status;
  const std::string which = s.ns.empty() ? s.name : fmt::format("{} -n {}", s.name, s.ns);
  const auto sentence = [&](Tone tone, std::string_view mark, std::string_view text) {
    return fmt::format("{} {} {}\n", paint(tone, mark), s.name, text);
  };
  switch (followed.outcome) {
    case RolloutOutcome::kPromoted:
      return sentence(Tone::kGood, "✓",
                      shipped.changed ? "is promoted: every request gets the new version"
                                      : "runs this very image: every request gets it already");
    case RolloutOutcome::kAborted:
      if (!shipped.changed) {
        return to_text({s}) + "\n" +
               sentence(Tone::kBad, "✗",
                        fmt::format("was rolled back from this very image before, and nothing has changed since: "
                                    "change something, or try it again with\n  kubectl argo rollouts retry rollout {}",
                                    which));
      }
      return sentence(Tone::kBad, "✗", "was rolled back: every request gets the stable version\n") + to_text({s});
    case RolloutOutcome::kDegraded:
      return sentence(Tone::kBad, "✗", "is degraded, and nothing brings it back by itself\n") + to_text({s});
    case RolloutOutcome::kPaused:
      return sentence(Tone::kWarn, "!", "is paused, because its analysis was inconclusive\n") + to_text({s});
    case RolloutOutcome::kReplaced:
      return sentence(Tone::kWarn, "!",
                      fmt::format("gets another image from the newer commit {}, which takes the place of {}: see "
                                  "`fairlead status --watch`",
                                  gitops::short_sha(followed.newest), gitops::short_sha(followed.commit)));
    case RolloutOutcome::kLeft:
      return fmt::format(
          "{} interrupted: {} is committed and its rollout goes on: see `fairlead status --watch`, or "
          "stop it with\n  kubectl argo rollouts abort {}\n",
          paint(Tone::kWarn, "!"), gitops::short_sha(followed.commit), which);
    case RolloutOutcome::kTimedOut:
      break;
  }
  return sentence(Tone::kWarn, "!",
                  fmt::format("is still under way ({}): see `fairlead status --watch`",
                              s.message.empty() ? "not synced yet" : s.message));
}

int outcome_code(RolloutOutcome outcome) {
  switch (outcome) {
    case RolloutOutcome::kPromoted:
      return kOk;
    case RolloutOutcome::kAborted:
      return kRolledBack;
    case RolloutOutcome::kReplaced:
      return kSuperseded;
    case RolloutOutcome::kLeft:
      return kInterrupted;
    default:
      return kFailed;
  }
}

int run_ship(const Project& project, const ShipOptions& options) {
  if (auto known = project.check_service(options.service); !options.service.empty() && !known) {
    print_error(known.error().message);
    return kUsage;
  }
  const auto daemon = running_daemon(project);
  if (!daemon) {
    print_error(daemon.error().message);
    return kFailed;
  }
  if (options.wait && !options.service.empty() && !*daemon) {
    print_error(fmt::format("nothing runs in {}: start it with `fairlead up`, or ship with --no-wait", project.root));
    return kFailed;
  }
  catch_interrupts();
  const auto shipped = ship_release(project, options.service, options.release);
  if (!shipped) {
    print_error(interrupted() ? "interrupted: nothing was committed" : shipped.error().to_string());
    return interrupted() ? kInterrupted : kFailed;
  }
  if (options.output == Output::kText) print(committed_text(*shipped));
  if (options.service.empty() || !options.wait) return kOk;
  auto cluster = Cluster::open(project);
  if (!cluster) {
    print_error(cluster.error().message);
    return kFailed;
  }
  const FollowOptions follow{options.service, shipped->sha, shipped->digest, options.timeout,
                             options.output == Output::kJson};
  return report(follow_rollout(project, *cluster, follow), *shipped, options);
}

}  // namespace fairlead::cli
