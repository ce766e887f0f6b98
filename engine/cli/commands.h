// The commands: one function each, in a file of its own, and the options that main.cc reads for them. Each answers with
// an exit code of exit_code.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "engine/cli/project.h"

namespace fairlead::cli {

enum class Output { kText, kJson };

struct UpOptions {
  bool foreground = false;
  bool wait = true;  ///< For every Application to be Synced and Healthy.
  Duration timeout{std::chrono::minutes(3)};
  /// Of the API server, the edge and Prometheus; left out, as last time in this checkout.
  std::optional<std::uint16_t> api_port;
  std::optional<std::uint16_t> edge_port;
  std::optional<std::uint16_t> prometheus_port;
};
int run_up(const Project& project, const UpOptions& options);

int run_down(const Project& project);

struct StatusOptions {
  bool watch = false;
  Output output = Output::kText;
};
int run_status(const Project& project, const StatusOptions& options);

struct ReleaseOptions {
  std::vector<std::string> env;  ///< "NAME=value" put into the image.
  std::string tag;               ///< Empty: the commit's SHA.
  bool test = true;              ///< Run the service's tests before its image is made.
};

struct ShipOptions {
  std::string service;  ///< Empty: only what the commit itself changes.
  ReleaseOptions release;
  bool wait = true;
  Duration timeout{std::chrono::minutes(15)};
  Output output = Output::kText;
};
int run_ship(const Project& project, const ShipOptions& options);

struct ImageOptions {
  std::string service;
  ReleaseOptions release;
  Output output = Output::kText;
};
int run_image_build(const Project& project, const ImageOptions& options);

struct LoadOptions {
  std::string url;   ///< Empty: the edge of the cluster that runs.
  std::string host;  ///< Empty: the shop's on the edge of the cluster, else the URL's.
  double rate = 50;  ///< Requests per second.
  Duration duration{std::chrono::seconds(30)};
  Output output = Output::kText;
};
int run_load(const Project& project, const LoadOptions& options);

struct LogsOptions {
  std::string target;  ///< A service or a pod.
  std::string ns = "shop";
  std::string container;
  bool follow = false;
  bool previous = false;
  bool timestamps = false;
  std::int64_t tail = -1;
};
int run_logs(const Project& project, const LogsOptions& options);

struct DemoOptions {
  double rate = 60;
};
int run_demo(const Project& project, const DemoOptions& options);

int run_doctor(Output output);

struct EnvOptions {
  std::string environment;  ///< Empty: all of them.
  bool check = false;       ///< Write nothing; fail where the committed file differs.
};
int run_env_render(const Project& project, const EnvOptions& options);

}  // namespace fairlead::cli
