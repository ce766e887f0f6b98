#include "engine/cli/cluster.h"

#include <charconv>
#include <fstream>
#include <future>
#include <iterator>
#include <map>

#include "base/base64.h"
#include "base/json.h"
#include "base/yaml.h"
#include "engine/cli/daemon.h"
#include "net/http_message.h"

namespace fairlead::cli {
namespace {

constexpr std::string_view kApplications = "/apis/argoproj.io/v1alpha1/applications";
constexpr std::string_view kRollouts = "/apis/argoproj.io/v1alpha1/rollouts";
constexpr std::string_view kHash = "rollouts_pod_template_hash";

std::string decoded(const Value& text) { return base64_decode(text.str()).value_or(""); }

/// The value of a sample, unless it is NaN.
std::optional<double> sample(const Value& series) {
  const std::string_view text = series.at("value", 1).str();
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || out != out) return std::nullopt;
  return out;
}

}  // namespace

Cluster::Cluster(const Project& project, std::string server, const world::HostPorts& ports, net::ClientOptions options)
    : buildable_(project.services()),
      server_(std::move(server)),
      ports_(ports),
      api_(std::make_unique<net::HttpClient>(std::move(options))),
      plain_(std::make_unique<net::HttpClient>()) {}

Result<Cluster> Cluster::open(const Project& project) {
  const auto daemon = running_daemon(project);
  if (!daemon) return std::unexpected(daemon.error());
  std::ifstream file(project.kubeconfig());
  if (!file || !*daemon) return fail("nothing runs in {}: start it with `fairlead up`", project.root);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto documents = parse_yaml(text, project.kubeconfig());
  if (!documents) return std::unexpected(documents.error());
  const Value& config = documents->empty() ? Value() : documents->front();
  const Value& cluster = config.at("clusters", 0, "cluster");
  const Value& user = config.at("users", 0, "user");
  net::ClientOptions options;
  options.tls = net::TlsClientOptions{decoded(cluster.at("certificate-authority-data")),
                                      decoded(user.at("client-certificate-data")), decoded(user.at("client-key-data"))};
  const auto ports = world::recorded_ports(project.state());
  if (!ports) return std::unexpected(ports.error());
  return Cluster(project, std::string(cluster.at("server").str()), *ports, std::move(options));
}

Result<Value> Cluster::call(net::ClientRequest request) {
  request.headers.set("Accept", "application/json");
  const auto response = api_->fetch(std::move(request));
  if (!response) return fail("the API server at {} does not answer: {}", server_, response.error().message);
  auto body = parse_json(response->body);
  if (!body) return fail("the API server answered {} with something that is not JSON", response->status);
  if (response->status >= 300) return fail("{}", body->at("message").string_or("the API server refused the request"));
  return body;
}

Result<Value> Cluster::get(const std::string& path) {
  auto url = net::Url::parse(server_ + path);
  if (!url) return std::unexpected(url.error());
  net::ClientRequest request;
  request.url = std::move(*url);
  return call(std::move(request));
}

Result<std::vector<Value>> Cluster::list(const std::string& path) {
  auto body = get(path);
  if (!body) return std::unexpected(body.error());
  Value* items = body->find("items");
  return items != nullptr && items->is_array() ? std::move(items->mutable_items()) : std::vector<Value>();
}

std::string Cluster::shop_host() {
  const auto route = get("/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/storefront");
  return route ? std::string(route->at("spec", "hostnames", 0).str()) : std::string();
}

Result<Value> Cluster::merge_patch(const std::string& path, const Value& patch) {
  auto url = net::Url::parse(server_ + path);
  if (!url) return std::unexpected(url.error());
  net::ClientRequest request;
  request.method = "PATCH";
  request.url = std::move(*url);
  request.headers.set("Content-Type", "application/merge-patch+json");
  request.body = to_json(patch);
  return call(std::move(request));
}

Result<> Cluster::stream(const std::string& path, const std::function<void(std::string_view)>& sink) {
  auto url = net::Url::parse(server_ + path);
  if (!url) return std::unexpected(url.error());
  net::ClientRequest request;
  request.url = std::move(*url);
  request.timeout = std::chrono::milliseconds(0);
  std::promise<Result<>> ended;
  int status = 200;
  std::string refusal;
  const auto running = api_->stream(
      std::move(request),
      {.on_head = [&](int code, const net::Headers&) { status = code; },
       .on_data =
           [&](std::string_view data) {
             if (status < 300) return sink(data);
             refusal += data;
           },
       .on_end =
           [&](net::ClientResult<void> how) {
             if (!how) return ended.set_value(fail("{}", how.error().message));
             if (status < 300) return ended.set_value({});
             const auto body = parse_json(refusal);
             ended.set_value(fail("{}", body ? body->at("message").string_or(refusal) : std::string_view(refusal)));
           }});
  return ended.get_future().get();
}

bool Cluster::ready() { return get("/version").has_value(); }

std::string Cluster::edge_url() const { return fmt::format("http://127.0.0.1:{}/", ports_.edge); }
std::string Cluster::prometheus_url() const { return fmt::format("http://127.0.0.1:{}/", ports_.prometheus); }

bool Cluster::reachable() {
  const auto answers = [&](const std::string& at) {
    auto url = net::Url::parse(at);
    if (!url) return false;
    net::ClientRequest request;
    request.url = std::move(*url);
    request.timeout = std::chrono::milliseconds(1000);
    return plain_->fetch(std::move(request)).has_value();
  };
  return answers(edge_url()) && answers(prometheus_url() + "-/ready");
}

Result<std::vector<Value>> Cluster::query(const std::string& promql) {
  auto url = net::Url::parse(fmt::format("{}api/v1/query?query={}", prometheus_url(), net::percent_encode(promql)));
  if (!url) return std::unexpected(url.error());
  net::ClientRequest request;
  request.url = std::move(*url);
  request.timeout = std::chrono::milliseconds(2000);
  const auto response = plain_->fetch(std::move(request));
  if (!response) return fail("Prometheus does not answer: {}", response.error().message);
  auto body = parse_json(response->body);
  if (!body) return std::unexpected(body.error());
  if (body->at("status").str() != "success") return fail("{}", body->at("error").str());
  return std::vector<Value>(body->at("data", "result").items());
}

void Cluster::add_metrics(std::vector<ServiceStatus>& services) {
  constexpr std::string_view kBy = "sum by (namespace, app, rollouts_pod_template_hash)";
  const auto fill = [&](const std::string& promql, std::optional<double> VersionStatus::* field) {
    const auto series = query(promql);
    if (!series) return;
    for (const Value& one : *series) {
      for (ServiceStatus& service : services) {
        if (one.at("metric", "app").str() != service.name || one.at("metric", "namespace").str() != service.ns)
          continue;
        for (VersionStatus& version : service.versions) {
          // Pods that are not Ready get no requests: what little they count is not what clients see.
          if (version.ready > 0 && one.at("metric", kHash).str() == version.hash) version.*field = sample(one);
        }
      }
    }
  };
  fill(fmt::format("{} (rate(http_requests_total[30s]))", kBy), &VersionStatus::request_rate);
  fill(fmt::format(
           "({0} (rate(http_requests_total{{code=~\"5..\"}}[30s])) or 0 * {0} (rate(http_requests_total[30s]))) / {0} "
           "(rate(http_requests_total[30s]))",
           kBy),
       &VersionStatus::error_rate);
  fill(
      "histogram_quantile(0.99, sum by (namespace, app, rollouts_pod_template_hash, le) "
      "(rate(http_request_duration_seconds_bucket[30s])))",
      &VersionStatus::p99_seconds);
}

Result<std::vector<ApplicationStatus>> Cluster::applications() {
  const auto applications = list(std::string(kApplications));
  if (!applications) return std::unexpected(applications.error());
  std::vector<ApplicationStatus> out;
  for (const Value& application : *applications) out.push_back(summarise_application(application));
  return out;
}

Result<std::vector<ServiceStatus>> Cluster::services() {
  // Before the Rollouts: what an Application says is synced is in them then, and not the other way round.
  auto applications = list(std::string(kApplications));
  if (!applications) return std::unexpected(applications.error());
  auto rollouts = list(std::string(kRollouts));
  if (!rollouts) return std::unexpected(rollouts.error());
  auto sets = list("/apis/apps/v1/replicasets");
  if (!sets) return std::unexpected(sets.error());
  auto runs = list("/apis/argoproj.io/v1alpha1/analysisruns");
  if (!runs) return std::unexpected(runs.error());
  const auto pods = list("/api/v1/pods");
  if (!pods) return std::unexpected(pods.error());
  const auto events = list("/api/v1/events?fieldSelector=reason%3DUnhealthy");
  if (!events) return std::unexpected(events.error());
  std::map<std::string, Value> by_name;
  for (Value& application : *applications) by_name[std::string(application.at("metadata", "name").str())] = application;
  std::vector<ServiceStatus> out;
  for (const Value& rollout : *rollouts) {
    const std::string name(rollout.at("metadata", "name").str());
    out.push_back(summarise({rollout, by_name[name], *sets, *runs, *pods, *events, buildable_}));
  }
  add_metrics(out);
  return out;
}

}  // namespace fairlead::cli
