// The running cluster as the command line talks to it: the API server and Prometheus, both on 127.0.0.1.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/value.h"
#include "engine/cli/project.h"
#include "engine/cli/service_status.h"
#include "engine/world/host_ports.h"
#include "net/http_client.h"

namespace fairlead::cli {

/// Blocking; one thread.
class Cluster {
 public:
  /// Reads the project's kubeconfig and the record of its ports. An error says that nothing runs and how to start it,
  /// or who may look.
  [[nodiscard]] static Result<Cluster> open(const Project& project);

  /// GET; an answer other than 2xx is an error in the server's words.
  [[nodiscard]] Result<Value> get(const std::string& path);
  /// Items of a list.
  [[nodiscard]] Result<std::vector<Value>> list(const std::string& path);
  /// JSON merge patch.
  [[nodiscard]] Result<Value> merge_patch(const std::string& path, const Value& patch);
  /// Streams the body of a GET into `sink` until the server ends it.
  [[nodiscard]] Result<> stream(const std::string& path, const std::function<void(std::string_view)>& sink);
  /// True when the API server answers.
  [[nodiscard]] bool ready();

  /// Where on this machine the edge and Prometheus listen: "http://127.0.0.1:8080/".
  [[nodiscard]] std::string edge_url() const;
  [[nodiscard]] std::string prometheus_url() const;
  /// The host that people ask for: the first of storefront's HTTPRoute. Empty while there is none.
  [[nodiscard]] std::string shop_host();
  /// Whether requests through the edge and queries to Prometheus get answers now.
  [[nodiscard]] bool reachable();

  /// Evaluates PromQL now. Nothing when Prometheus does not answer or has no samples.
  [[nodiscard]] Result<std::vector<Value>> query(const std::string& promql);

  /// The state of every service that has a Rollout, metrics included where there are any.
  [[nodiscard]] Result<std::vector<ServiceStatus>> services();
  /// Every Application, the app of apps among them.
  [[nodiscard]] Result<std::vector<ApplicationStatus>> applications();

 private:
  Cluster(const Project& project, std::string server, const world::HostPorts& ports, net::ClientOptions options);
  [[nodiscard]] Result<Value> call(net::ClientRequest request);
  void add_metrics(std::vector<ServiceStatus>& services);

  std::vector<std::string> buildable_;
  std::string server_;
  world::HostPorts ports_;
  std::unique_ptr<net::HttpClient> api_;
  std::unique_ptr<net::HttpClient> plain_;
};

}  // namespace fairlead::cli
