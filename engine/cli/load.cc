#include "net/load.h"

#include "base/json.h"
#include "engine/cli/commands.h"
#include "engine/cli/exit_code.h"
#include "engine/cli/load_report.h"
#include "engine/cli/terminal.h"

namespace fairlead::cli {

int run_load(const LoadOptions& options) {
  auto url = net::Url::parse(options.url);
  if (!url) {
    print_error(url.error().message);
    return kUsage;
  }
  net::LoadOptions load;
  load.url = std::move(*url);
  load.headers.set("Host", options.host);
  load.rate = options.rate;
  load.duration = options.duration;
  load.connections = options.connections;
  if (options.output == Output::kText) print(fmt::format("{} requests/s to {} (Host: {}) for {} s\n", options.rate, options.url, options.host, options.duration.count()));
  const auto report = net::run_load(load);
  if (!report) {
    print_error(report.error().message);
    return kFailed;
  }
  print(options.output == Output::kJson ? to_pretty_json(to_value(*report)) + "\n" : to_text(*report));
  return kOk;
}

}  // namespace fairlead::cli
