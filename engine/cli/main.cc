// fairlead: reads the command line and calls the command.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <functional>
#include <limits>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <re2/re2.h>

#include "base/time.h"
#include "engine/cli/commands.h"
#include "engine/cli/exit_code.h"
#include "engine/cli/terminal.h"
#include "engine/cli/unknown_command.h"
#include "engine/world/host_ports.h"
#include "net/load.h"

namespace {

using namespace fairlead::cli;
using fairlead::Duration;

constexpr fairlead::world::HostPorts kPorts;  ///< Where nobody asked for others.
constexpr double kMinRate = 0.1;              ///< Requests per second.
constexpr double kMaxTail = 1e9;              ///< Lines.

/// What the command line chose, called once it has been read.
using Command = std::function<int(const Project&)>;

void add_output(CLI::App& command, Output& output) {
  command
      .add_option_function<std::string>(
          "-o,--output",
          [&output](const std::string& text) {
            if (text != "text" && text != "json")
              throw CLI::ValidationError("--output", fmt::format("{} is no format: write text or json", text));
            output = text == "json" ? Output::kJson : Output::kText;
          },
          "format of the answer")
      ->option_text("text|json");
}

/// For CLI::Option::check: a number from `least` to `most`.
CLI::Validator between(double least, double most, const std::string& what) {
  return {[least, most, what](const std::string& text) {
            double number = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
            const bool read = error == std::errc() && end == text.data() + text.size();
            if (read && number >= least && number <= most) return std::string();
            return fmt::format("{} is no {}: write a number from {} to {}", text, what, least, most);
          },
          ""};
}

/// `--no-<what>`, which turns `target` off.
void add_no(CLI::App& command, const std::string& name, bool& target, const std::string& about) {
  command.add_flag_callback(name, [&target] { target = false; }, about);
}

void add_duration(CLI::App& command, const std::string& name, Duration& target, const std::string& about) {
  command
      .add_option_function<std::string>(
          name,
          [&target, name](const std::string& text) {
            const auto parsed = fairlead::parse_duration(text);
            if (!parsed || *parsed <= Duration{0})
              throw CLI::ValidationError(name, fmt::format("{} is no duration: write 30s or 1m30s", text));
            target = *parsed;
          },
          about)
      ->option_text(fmt::format("DURATION [{}]", fairlead::format_duration(target)));
}

void add_rate(CLI::App& command, double& rate) {
  command.add_option("--rate", rate, "requests per second")
      ->check(between(kMinRate, fairlead::net::kMaxLoadRate, "rate"))
      ->capture_default_str();
}

/// "" for a text that `pattern` matches whole, else a sentence: what CLI::Validator wants.
CLI::Validator shaped(const char* pattern, const std::string& shape) {
  return {[pattern, shape](const std::string& text) {
            return RE2::FullMatch(text, pattern) ? std::string() : fmt::format("{} is not {}", text, shape);
          },
          ""};
}

void add_release_options(CLI::App& command, ReleaseOptions& release) {
  command
      .add_option("--env", release.env,
                  "NAME=value to put into the image; may be repeated: --env FAULT_ERROR_RATE=0.25 fails a quarter")
      ->check(shaped("[A-Za-z_][A-Za-z0-9_]*=(?s:.*)", "NAME=value"));
  command.add_option("--tag", release.tag, "tag of the image (default: the commit's SHA)")
      ->check(shaped("[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", "a tag: letters, digits, '_', '.' and '-', at most 128"));
  add_no(command, "--no-test", release.test, "do not run the service's tests first");
}

void add_port(CLI::App& command, const std::string& name, std::optional<std::uint16_t>& port, const std::string& about,
              std::uint16_t first) {
  command.add_option(name, port, about)
      ->check(between(1, std::numeric_limits<std::uint16_t>::max(), "port"))
      ->option_text(fmt::format("PORT [the last one here; at first {}]", first));
}

void add_up(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<UpOptions>();
  CLI::App* command = app.add_subcommand("up", "Start the cluster on this machine and wait until it is healthy");
  command->add_flag("--foreground", options->foreground, "stay in the foreground and log here");
  add_no(*command, "--no-wait", options->wait, "do not wait for the Applications");
  add_duration(*command, "--timeout", options->timeout, "how long to wait for them");
  add_port(*command, "--api-port", options->api_port, "of the API server on 127.0.0.1", kPorts.api);
  add_port(*command, "--edge-port", options->edge_port, "of the edge", kPorts.edge);
  add_port(*command, "--prometheus-port", options->prometheus_port, "of Prometheus", kPorts.prometheus);
  command->footer(
      "The ports are remembered in .fairlead/: the next `up` takes them again, and `load`, `demo` and `status` find "
      "the cluster there.");
  command->callback([options, &chosen] { chosen = [options](const Project& p) { return run_up(p, *options); }; });
}

void add_down(CLI::App& app, Command& chosen) {
  app.add_subcommand("down", "Stop the cluster; what it stored stays in .fairlead/")->callback([&chosen] {
    chosen = run_down;
  });
}

void add_status(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* command = app.add_subcommand(
      "status", "Each service: health, versions, traffic, errors and latency; and why it was rolled back");
  command->add_flag("-w,--watch", options->watch, "look again every second");
  add_output(*command, options->output);
  command->callback([options, &chosen] { chosen = [options](const Project& p) { return run_status(p, *options); }; });
}

void add_ship(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<ShipOptions>();
  CLI::App* command =
      app.add_subcommand("ship", "Build, test, pin and commit a service, and watch each rollout that this causes");
  command->add_option("service", options->service, "which; left out, HEAD is delivered without a new image");
  add_release_options(*command, options->release);
  add_no(*command, "--no-wait", options->wait, "do not watch the rollout");
  add_duration(*command, "--timeout", options->timeout, "how long to watch it");
  add_output(*command, options->output);
  command->callback([options, &chosen] { chosen = [options](const Project& p) { return run_ship(p, *options); }; });
}

void add_image(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<ImageOptions>();
  CLI::App* image = app.add_subcommand("image", "Images in .fairlead/images, an OCI image layout");
  image->require_subcommand(1);
  CLI::App* build = image->add_subcommand("build", "Build a service's image: the same sources give the same digest");
  build->add_option("service", options->service, "which")->required();
  add_release_options(*build, options->release);
  add_output(*build, options->output);
  build->callback(
      [options, &chosen] { chosen = [options](const Project& p) { return run_image_build(p, *options); }; });
}

void add_load(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<LoadOptions>();
  CLI::App* command = app.add_subcommand("load", "Send requests at a fixed rate and report latencies by version");
  command->add_option("--url", options->url, "on 127.0.0.1; left out, the edge of the cluster that runs");
  command->add_option("--host", options->host, "Host header; left out, the shop's, or with --url that of the URL");
  add_rate(*command, options->rate);
  add_duration(*command, "--duration", options->duration, "how long");
  add_output(*command, options->output);
  command->callback([options, &chosen] { chosen = [options](const Project& p) { return run_load(p, *options); }; });
}

void add_logs(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<LogsOptions>();
  CLI::App* command = app.add_subcommand("logs", "What a service or a pod printed");
  command->add_option("target", options->target, "service or pod")->required();
  command->add_option("-n,--namespace", options->ns, "where it is")->capture_default_str();
  command->add_option("-c,--container", options->container, "of the pod; left out, its only one");
  command->add_flag("-f,--follow", options->follow, "go on with what they print from now on");
  command->add_flag("-p,--previous", options->previous, "of the container before its last restart");
  command->add_flag("--timestamps", options->timestamps, "before each line, when it was printed");
  command->add_option("--tail", options->tail, "only that many of the last lines; -1 for all")
      ->check(between(-1, kMaxTail, "number of lines"));
  command->callback([options, &chosen] { chosen = [options](const Project& p) { return run_logs(p, *options); }; });
}

void add_demo(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<DemoOptions>();
  CLI::App* command = app.add_subcommand(
      "demo", "Ship a good version, then a bad one, under load: the first is promoted, the second rolled back");
  add_rate(*command, options->rate);
  command->callback([options, &chosen] { chosen = [options](const Project& p) { return run_demo(p, *options); }; });
}

void add_doctor(CLI::App& app, Command& chosen) {
  auto output = std::make_shared<Output>(Output::kText);
  CLI::App* command = app.add_subcommand("doctor", "Is this machine able?");
  add_output(*command, *output);
  command->callback([output, &chosen] { chosen = [output](const Project&) { return run_doctor(*output); }; });
}

void add_env(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<EnvOptions>();
  CLI::App* env = app.add_subcommand("env", "Environments in infrastructure/environments");
  env->require_subcommand(1);
  CLI::App* render = env->add_subcommand("render", "Validate an environment and write its environment.json");
  render->add_option("environment", options->environment, "which; left out, all of them");
  render->add_flag("--check", options->check, "write nothing; fail where the committed file differs");
  render->callback(
      [options, &chosen] { chosen = [options](const Project& p) { return run_env_render(p, *options); }; });
}

/// What is wrong with the command line, and where to read on.
std::string misuse(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* command = &app;
  std::string words = app.get_name();
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    words += " " + command->get_name();
  }
  const auto said = command->remaining();
  const auto word = std::ranges::find_if(said, [](const std::string& text) { return !text.starts_with('-'); });
  std::vector<std::string> names;
  for (const CLI::App* one : command->get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(one->get_name());
  if (!names.empty() && word != said.end()) return unknown_command(words, *word, names);
  if (error.get_name() == "RequiredError" && !names.empty())
    return fmt::format("{0} needs a command, one of {1}: see `{0} --help`", words, fmt::join(names, ", "));
  return fmt::format("{}: see `{} --help`", error.what(), words);
}

int run(int argc, char** argv) {
  CLI::App app("Runs the AKS platform of this repository on one machine.", "fairlead");
  app.set_version_flag("--version", "fairlead 0.1.0");
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 success, 1 failed, 2 wrong usage or input, 3 this machine lacks something, 4 the rollout was "
      "aborted, 5 a newer commit took its place, 130 interrupted.");
  std::string directory;
  app.add_option("-C,--directory", directory, "a folder inside the repository (default: the current one)");
  Command chosen;
  add_up(app, chosen);
  add_down(app, chosen);
  add_status(app, chosen);
  add_ship(app, chosen);
  add_load(app, chosen);
  add_image(app, chosen);
  add_logs(app, chosen);
  add_demo(app, chosen);
  add_doctor(app, chosen);
  add_env(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(error);
    print_error(misuse(app, error));
    return kUsage;
  }
  const bool anywhere = app.got_subcommand("doctor") || app.got_subcommand("load");
  const auto project = Project::find(directory);
  if (!project && anywhere) return chosen({});
  if (!project) {
    print_error(project.error().message);
    return kUsage;
  }
  return chosen(*project);
}

}  // namespace

int main(int argc, char** argv) {
  // Debian's PATH of an ordinary user lacks the folders where nft and nginx are.
  const char* path = std::getenv("PATH");
  ::setenv("PATH", fmt::format("{}:/usr/local/sbin:/usr/sbin:/sbin", path == nullptr ? "/usr/bin:/bin" : path).c_str(),
           1);
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    print_error(error.what());
    return kFailed;
  }
}
