#include "engine/cli/ship.h"

#include <algorithm>
#include <array>

#include <fmt/ranges.h>

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
    case RolloutOutcome::kSynced:
      return "synced";
    case RolloutOutcome::kAborted:
      return "aborted";
    case RolloutOutcome::kDegraded:
      return "degraded";
    case RolloutOutcome::kPaused:
      return "paused";
    case RolloutOutcome::kNotSynced:
      return "not-synced";
    case RolloutOutcome::kReplaced:
      return "superseded";
    case RolloutOutcome::kLeft:
      return "interrupted";
    case RolloutOutcome::kTimedOut:
      break;
  }
  return "timed-out";
}

/// What a script must hear of first comes first.
constexpr std::array kByUrgency = {RolloutOutcome::kLeft,      RolloutOutcome::kAborted,  RolloutOutcome::kDegraded,
                                   RolloutOutcome::kNotSynced, RolloutOutcome::kPaused,   RolloutOutcome::kTimedOut,
                                   RolloutOutcome::kReplaced,  RolloutOutcome::kPromoted, RolloutOutcome::kSynced};

RolloutOutcome worst(const std::vector<Followed>& followed) {
  for (const RolloutOutcome outcome : kByUrgency) {
    if (std::ranges::find(followed, outcome, &Followed::outcome) != followed.end()) return outcome;
  }
  return RolloutOutcome::kPromoted;  // No rollout, no failure.
}

Value report_value(const std::vector<Followed>& followed, const Shipped& shipped, bool watched) {
  Value services = Value::array();
  for (const Followed& one : followed) {
    services.push_back(Value::object(
        {{"name", one.status.name}, {"outcome", outcome_word(one.outcome)}, {"status", to_value(one.status)}}));
  }
  return Value::object({{"commit", shipped.sha},
                        {"newestCommit", followed.empty() ? shipped.sha : followed.front().newest},
                        {"image", shipped.image},
                        {"outcome", !watched           ? "not-watched"
                                    : followed.empty() ? "no-rollout"
                                                       : outcome_word(worst(followed))},
                        {"services", std::move(services)}});
}

int report(const std::vector<Followed>& followed, const Shipped& shipped, const ShipOptions& options) {
  if (options.output == Output::kJson) {
    print(to_pretty_json(report_value(followed, shipped, options.wait)) + "\n");
  } else {
    for (const Followed& one : followed) print(outcome_text(one, shipped));
  }
  return outcome_code(followed);
}

/// See Shipped::services.
Result<std::vector<gitops::ServiceChange>> services_of(const gitops::DeliveryRepository& delivery,
                                                       const Shipped& shipped, const std::string& service) {
  if (shipped.changed) {
    auto out = delivery.changed_by(shipped.sha);
    if (out && !service.empty() && std::ranges::find(*out, service, &gitops::ServiceChange::service) == out->end())
      out->push_back({service});
    return out;
  }
  if (!service.empty()) return std::vector<gitops::ServiceChange>{{service}};
  const auto all = delivery.services(shipped.sha);
  if (!all) return std::unexpected(all.error());
  std::vector<gitops::ServiceChange> out;
  for (const std::string& name : *all) out.push_back({name});
  return out;
}

/// The names of those that do, or do not, roll out.
std::string names(const std::vector<gitops::ServiceChange>& changes, bool roll_out) {
  std::vector<std::string_view> out;
  for (const gitops::ServiceChange& change : changes) {
    if (change.rolls_out == roll_out) out.push_back(change.service);
  }
  return fmt::format("{}", fmt::join(out, ", "));
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
  auto services = services_of(delivery, out, service);
  // What Ctrl-C ended is asked again: the commit stands, and what goes on without the command must be said.
  if (!services && interrupted()) services = services_of(delivery, out, service);
  if (!services) return std::unexpected(services.error());
  out.services = std::move(*services);
  return out;
}

std::string committed_text(const Shipped& shipped, const std::string& service) {
  const std::string sha = gitops::short_sha(shipped.sha);
  std::string out = shipped.changed ? fmt::format("{} committed {} to .fairlead/git\n", paint(Tone::kGood, "✓"), sha)
                                    : fmt::format("{} nothing to commit: {} holds {}\n", paint(Tone::kDim, "–"), sha,
                                                  shipped.image.empty() ? "all of HEAD" : "this very image");
  if (!shipped.changed || shipped.services == std::vector<gitops::ServiceChange>{{service}}) return out;
  const auto line = [&](const std::string& text) { out += fmt::format("{} {}\n", paint(Tone::kDim, "–"), text); };
  if (shipped.services.empty()) line("no service changes");
  if (const std::string some = names(shipped.services, true); !some.empty()) line("it changes the pods of " + some);
  if (const std::string some = names(shipped.services, false); !some.empty())
    line(fmt::format("it changes objects of {}, not the pods", some));
  return out;
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
                                      : "is at this very version: every request gets it already");
    case RolloutOutcome::kSynced:
      return sentence(Tone::kGood, "✓", fmt::format("is synced to {}", gitops::short_sha(followed.commit)));
    case RolloutOutcome::kAborted:
      if (!shipped.changed) {
        return to_text({s}) + "\n" +
               sentence(Tone::kBad, "✗",
                        fmt::format("was rolled back from this very version before, and nothing has changed since: "
                                    "change something, or try it again with\n  kubectl argo rollouts retry rollout {}",
                                    which));
      }
      return sentence(Tone::kBad, "✗", "was rolled back: every request gets the stable version\n") + to_text({s});
    case RolloutOutcome::kDegraded:
      return sentence(Tone::kBad, "✗", "is degraded, and nothing brings it back by itself\n") + to_text({s});
    case RolloutOutcome::kPaused:
      return sentence(Tone::kWarn, "!", "is paused, because its analysis was inconclusive\n") + to_text({s});
    case RolloutOutcome::kNotSynced:
      return sentence(Tone::kBad, "✗",
                      fmt::format("cannot be synced to {} and stays as it was: mend what is said above, and ship again",
                                  gitops::short_sha(followed.commit)));
    case RolloutOutcome::kReplaced:
      return sentence(Tone::kWarn, "!",
                      fmt::format("gets another version from the newer commit {}, which takes the place of {}: see "
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

int outcome_code(const std::vector<Followed>& followed) {
  switch (worst(followed)) {
    case RolloutOutcome::kPromoted:
    case RolloutOutcome::kSynced:
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
  const auto failed = [](const std::string& why, int code = kFailed) {
    print_error(why);
    return code;
  };
  if (auto known = project.check_service(options.service); !options.service.empty() && !known)
    return failed(known.error().message, kUsage);
  const ReleaseOptions& release = options.release;
  if (options.service.empty() && (!release.env.empty() || !release.tag.empty() || !release.test))
    return failed("--env, --tag and --no-test are for a new image: name the service that gets it", kUsage);
  const auto daemon = running_daemon(project);
  if (!daemon) return failed(daemon.error().message);
  if (options.wait && !*daemon) {
    return failed(fmt::format("nothing runs in {}: start it with `fairlead up`, or ship with --no-wait", project.root));
  }
  catch_interrupts();
  const auto shipped = ship_release(project, options.service, options.release);
  if (!shipped && interrupted()) return failed("interrupted: nothing was committed", kInterrupted);
  if (!shipped) return failed(shipped.error().to_string());
  if (options.output == Output::kText) print(committed_text(*shipped, options.service));
  if (!options.wait || shipped->services.empty()) return report({}, *shipped, options);
  auto cluster = Cluster::open(project);
  if (!cluster) return failed(cluster.error().message);
  const auto followed = follow_rollouts(
      project, *cluster, {shipped->sha, shipped->services, options.timeout, options.output == Output::kJson});
  return followed ? report(*followed, *shipped, options) : failed(followed.error().message);
}

}  // namespace fairlead::cli
