#include "base/json.h"
#include "engine/cli/cluster.h"
#include "engine/cli/commands.h"
#include "engine/cli/exit_code.h"
#include "engine/cli/interrupt.h"
#include "engine/cli/load_report.h"
#include "engine/cli/terminal.h"

namespace fairlead::cli {

Result<net::LoadOptions> shop_load(const std::string& url, const std::string& host, double rate, Duration duration) {
  auto parsed = net::Url::parse(url);
  if (!parsed) return std::unexpected(parsed.error());
  net::LoadOptions out;
  out.connect_to = parsed->host == "localhost" ? "127.0.0.1" : parsed->host;
  out.url = std::move(*parsed);
  if (!host.empty()) out.url.host = host;
  if (!host.empty()) out.headers.set("Host", host);
  out.rate = rate;
  out.duration = duration;
  return out;
}

namespace {

constexpr std::chrono::milliseconds kLookInterval{50};

struct Target {
  std::string url;
  std::string host;
};

Result<Target> target_of(const Project& project, const LoadOptions& options) {
  if (!options.url.empty()) return Target{options.url, options.host};
  auto cluster = Cluster::open(project);
  if (!cluster) return std::unexpected(cluster.error());
  return Target{cluster->edge_url(), options.host.empty() ? cluster->shop_host() : options.host};
}

/// To the end of the schedule, or to Ctrl-C.
net::LoadReport report_of(net::LoadGenerator& generator, const std::string& what, Duration duration) {
  Progress progress(what);
  const auto start = std::chrono::steady_clock::now();
  while (!interrupted() && !generator.wait_for(kLookInterval)) {
    const auto since = std::chrono::floor<std::chrono::seconds>(std::chrono::steady_clock::now() - start);
    progress.detail(fmt::format("{} of {}", format_duration(since), format_duration(duration)));
  }
  if (!interrupted()) progress.done();
  generator.stop();
  return generator.wait();
}

}  // namespace

int run_load(const Project& project, const LoadOptions& options) {
  if (options.url.empty() && project.root.empty()) {
    print_error("not inside a Fairlead repository: say where to with --url");
    return kUsage;
  }
  const auto target = target_of(project, options);
  if (!target) {
    print_error(target.error().message);
    return kFailed;
  }
  const auto load = shop_load(target->url, target->host, options.rate, options.duration);
  if (!load) {
    print_error(load.error().message);
    return kUsage;
  }
  catch_interrupts();
  const auto generator = net::LoadGenerator::start(*load);
  if (!generator) {
    print_error(generator.error().message);
    return kUsage;
  }
  const std::string what = fmt::format("{} requests/s to {} (Host: {})", options.rate, target->url, load->url.host);
  const net::LoadReport report = report_of(**generator, what, options.duration);
  print(options.output == Output::kJson ? to_pretty_json(to_value(report)) + "\n" : to_text(report));
  if (interrupted()) {
    print_error("interrupted: the load has ended early, and the report is of what was sent");
    return kInterrupted;
  }
  // A load that nobody answered well proved nothing, and a script must see it.
  return report.total.requests > 0 && report.total.error_count() == report.total.requests ? kFailed : kOk;
}

}  // namespace fairlead::cli
