#include "engine/world/local.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <random>

#include <spdlog/spdlog.h>

#include "base/json.h"
#include "base/yaml.h"
#include "engine/api/api.h"
#include "engine/api/bootstrap.h"
#include "engine/api/journal.h"
#include "engine/api/kubeconfig.h"
#include "engine/api/pki.h"
#include "engine/api/server.h"
#include "engine/api/token.h"
#include "engine/control/controllers.h"
#include "engine/control/pod_token.h"
#include "engine/edge/edge_files.h"
#include "engine/edge/nginx_traffic.h"
#include "engine/gitops/git_repository.h"
#include "engine/gitops/git_source.h"
#include "engine/node/enclosure.h"
#include "engine/node/local_node.h"
#include "engine/world/control_loop.h"
#include "engine/world/kept_file.h"
#include "engine/world/lives.h"
#include "engine/world/prometheus_metrics.h"
#include "engine/world/system_objects.h"
#include "engine/world/wanted_images.h"

namespace fairlead::world {
namespace {

constexpr std::string_view kNodeApiAddress = "10.244.0.1";
constexpr std::uint16_t kNodeApiPort = 6443;
constexpr std::size_t kErrorsRemembered = 1024;
constexpr std::string_view kBranch = "main";

/// A file as the delivery repository holds it.
Result<std::string> delivered_file(const LocalOptions& options, const std::string& file) {
  const auto repository = gitops::GitRepository::open(options.state + "/git");
  if (!repository) return std::unexpected(repository.error());
  const auto commit = repository->resolve(std::string(kBranch));
  if (!commit) return std::unexpected(commit.error());
  return repository->file(commit->sha, file);
}

/// What the environment says of the firewall.
Result<edge::WafSettings> firewall(const LocalOptions& options) {
  const std::string file = "infrastructure/rendered/" + options.environment + "/environment.json";
  const auto text = delivered_file(options, file);
  if (!text) return std::unexpected(text.error());
  const auto environment = parse_json(*text, file);
  if (!environment) return std::unexpected(environment.error());
  return edge::waf_settings(*environment);
}

/// The Application that brings all others.
Result<Value> root_application(const LocalOptions& options) {
  const std::string file = "infrastructure/clusters/" + options.environment + "/root.yaml";
  const auto text = delivered_file(options, file);
  if (!text) return std::unexpected(text.error());
  auto documents = parse_yaml(*text, file);
  if (!documents) return std::unexpected(documents.error());
  if (documents->size() != 1)
    return fail("{}: one Application is expected, {} documents found", file, documents->size());
  return std::move(documents->front());
}

/// The other half of default/kubernetes, whose Service every API server has: where this one answers.
Value api_endpoints() {
  Value slice = Value::object({{"apiVersion", "discovery.k8s.io/v1"},
                               {"kind", "EndpointSlice"},
                               {"metadata", Value::object({{"name", "kubernetes"}, {"namespace", "default"}})},
                               {"addressType", "IPv4"}});
  slice["metadata"].set("labels", Value::object({{"kubernetes.io/service-name", "kubernetes"}}));
  slice.set("ports", Value::array({Value::object({{"name", "https"}, {"port", kNodeApiPort}, {"protocol", "TCP"}})}));
  slice.set("endpoints", Value::array({Value::object({{"addresses", Value::array({kNodeApiAddress})},
                                                      {"conditions", Value::object({{"ready", true}})}})}));
  return slice;
}

/// The cluster IP behind "name.namespace.svc[.cluster.local]"; empty for other hosts.
std::string service_address(api::Api& api, std::string_view host) {
  const std::size_t dot = host.find('.');
  const std::size_t next = dot == std::string_view::npos ? dot : host.find('.', dot + 1);
  if (next == std::string_view::npos || !host.substr(next + 1).starts_with("svc")) return {};
  const auto service =
      api.get(api.schema().resource("", "services"), host.substr(dot + 1, next - dot - 1), host.substr(0, dot));
  return service == nullptr ? std::string() : std::string(service->at("spec", "clusterIP").str());
}

/// Everything of a local cluster, in the order in which it is made.
class LocalCluster {
 public:
  LocalCluster(const LocalOptions& options, node::Inside& inside) : options_(options), inside_(inside) {}

  /// The passes. An error of one is the cluster's.
  Result<> start() {
    for (const auto pass : {&LocalCluster::open_store, &LocalCluster::collect_images, &LocalCluster::open_seams,
                            &LocalCluster::add_controllers, &LocalCluster::put_system_objects, &LocalCluster::listen,
                            &LocalCluster::put_root_application}) {
      if (auto done = (this->*pass)(); !done) return done;
    }
    return {};
  }

  /// Answers with the exit code.
  int run() {
    keep_house();
    loop_.loop().watch(inside_.stop_descriptor, EPOLLIN, [this](std::uint32_t) { loop_.stop(); });
    manager_->start();
    // Only now does what is stored say how things are: the pods of an earlier life are known to be gone.
    loop_.when_settled([this] { say_ready(); });
    loop_.drive(*manager_);
    loop_.run();
    if (state_gone_) return 1;
    spdlog::info("stopping");
    return 0;
  }

 private:
  void say_ready() {
    std::vector<std::string> uids;
    for (const api::ObjectPtr& pod : api_->list(schema_.resource("", "pods"))) uids.emplace_back(pod->uid());
    node_->keep_logs_of(std::move(uids));
    spdlog::info(
        "ready after {} ms",
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started_).count());
    if (options_.ready_fd >= 0) {
      if (::write(options_.ready_fd, "ready\n", 6) < 0) spdlog::warn("nobody waits for this cluster to be ready");
      ::close(options_.ready_fd);
    }
  }

  Result<> open_store() {
    auto journal = api::sqlite_journal(options_.state + "/state.db", loop_);
    if (!journal) return std::unexpected(journal.error());
    journal_ = std::move(*journal);
    kept_.emplace(options_.state + "/state.db");
    store_.emplace(schema_, *journal_);
    const auto unknown = store_->load([this](const Value& crd) { static_cast<void>(schema_.add_definition(crd)); });
    if (!unknown) return std::unexpected(unknown.error());
    for (const std::string& sentence : *unknown) spdlog::warn("{}", sentence);
    api_.emplace(schema_, *store_, clock_, std::random_device{}());
    control::add_admission(*api_);
    return {};
  }

  /// Before anything runs, so that nobody misses what goes. Not being able to costs space and nothing else.
  Result<> collect_images() {
    const auto collected = world::collect_images(*api_, options_.state, std::string(kBranch));
    if (!collected) spdlog::warn("images that nobody needs are left: {}", collected.error().to_string());
    return {};
  }

  Result<> open_seams() {
    auto pki = api::ensure_pki(options_.state + "/pki");
    if (!pki) return std::unexpected(pki.error());
    pki_ = std::move(*pki);
    auto key = api::TokenKey::ensure(options_.state + "/pki/sa.key");
    if (!key) return std::unexpected(key.error());
    tokens_.emplace(*api_, std::move(*key));
    node::LocalNodeOptions node;
    node.state_directory = options_.state;
    node.problem = [](const std::string& problem) { spdlog::error("{}", problem); };
    auto made = node::LocalNode::create(std::move(node), inside_, loop_);
    if (!made) return std::unexpected(made.error());
    node_ = std::move(*made);
    metrics_ = std::make_unique<PrometheusMetrics>(
        loop_, [this](std::string_view host) { return service_address(*api_, host); });
    traffic_ = std::make_unique<edge::NginxTraffic>(loop_);
    auto root = root_application(options_);
    if (!root) return std::unexpected(root.error());
    root_ = std::move(*root);
    source_ = gitops::git_source(
        {.repository = options_.state + "/git", .repo_url = std::string(root_.at("spec", "source", "repoURL").str())},
        loop_);
    return {};
  }

  Result<> add_controllers() {
    manager_.emplace(*api_);
    manager_->on_error([this](std::string_view name, const api::Key& key, const Error& error) {
      log_error(fmt::format("{} {}", name, key.to_string()), error.to_string());
    });
    control::Seams seams;
    seams.nodes = {node_.get()};
    seams.metrics = metrics_.get();
    seams.traffic = traffic_.get();
    seams.source = source_.get();
    seams.outages = lives_.outages();
    // Controllers share this process: by its next tick, whoever has work over the first wave has looked at it.
    seams.between_waves = std::chrono::milliseconds(1);
    seams.schema = &schema_;
    seams.root_ca = pki_.ca;
    seams.issue_token = [this](const control::TokenRequest& request) {
      return control::issue_pod_token(*tokens_, request);
    };
    control::add_controllers(*manager_, *api_, seams);
    return {};
  }

  /// Each sentence once while it stays the same: a reconciler tries again and again.
  void log_error(const std::string& who, const std::string& what) {
    if (last_errors_.size() > kErrorsRemembered) last_errors_.clear();
    std::string& last = last_errors_[who];
    if (last == what) return;
    last = what;
    spdlog::warn("{}: {}", who, what);
  }

  Result<> put_system_objects() {
    // The namespaces that the objects below live in; the controllers that look after them run a moment later.
    if (auto done = api::bootstrap(*api_); !done) return fail("{}", done.error().message);
    std::vector<Value> objects = system_objects(options_.ports);
    auto waf = firewall(options_);
    if (!waf) return std::unexpected(wrap("the edge's firewall", waf.error()));
    edge::EdgeSettings edge;
    edge.waf = *std::move(waf);
    objects.push_back(edge::edge_config_map(edge));
    objects.push_back(api_endpoints());
    return apply_objects(*api_, objects);
  }

  Result<> put_root_application() {
    if (auto done = apply_object(*api_, root_, "root.yaml"); !done)
      return std::unexpected(wrap("the app of apps", done.error()));
    return {};
  }

  Result<> listen() {
    auto host = inside_.outside.listen(options_.ports.api);
    if (!host) return std::unexpected(wrap("the API server (up --api-port)", host.error()));
    // Their pods listen later, where nobody would see that they cannot.
    if (const auto edge = inside_.outside.listen(options_.ports.edge); !edge)
      return std::unexpected(wrap("the edge (up --edge-port)", edge.error()));
    if (const auto prometheus = inside_.outside.listen(options_.ports.prometheus); !prometheus)
      return std::unexpected(wrap("Prometheus (up --prometheus-port)", prometheus.error()));
    api::ServerOptions options;
    options.listeners = {{.fd = host->release()}, {.address = std::string(kNodeApiAddress), .port = kNodeApiPort}};
    options.pki = pki_;
    auto server = api::Server::start({*api_, loop_, {node_.get()}, &*tokens_}, options);
    if (!server) return std::unexpected(server.error());
    server_ = std::move(*server);
    const std::string url = fmt::format("https://127.0.0.1:{}", options_.ports.api);
    if (auto written = api::write_kubeconfig(options_.state + "/kubeconfig", url, pki_); !written) return written;
    return record_ports(options_.state, options_.ports);
  }

  /// What is done every second.
  void keep_house() {
    if (kept_->gone()) {
      // Nothing that is written from here on would last, and no command finds this process any more.
      spdlog::error("{} was removed while the cluster ran: the cluster stops", kept_->path());
      state_gone_ = true;
      return loop_.stop();
    }
    if (auto marked = lives_.mark(clock_.now()); !marked) spdlog::warn("{}", marked.error().to_string());
    loop_.loop().after(kLifeMark, [this] { keep_house(); });
  }

  const LocalOptions& options_;
  node::Inside& inside_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  seam::WallClock clock_;
  ControlLoop loop_{clock_};
  Lives lives_{options_.state + "/lives", clock_.now()};
  api::Schema schema_;
  std::unique_ptr<api::Journal> journal_;
  std::optional<KeptFile> kept_;  ///< The journal's.
  bool state_gone_ = false;
  std::optional<api::Store> store_;
  std::optional<api::Api> api_;
  api::Pki pki_;
  std::optional<api::ServiceAccountTokens> tokens_;
  std::unique_ptr<node::LocalNode> node_;
  std::unique_ptr<PrometheusMetrics> metrics_;
  std::unique_ptr<edge::NginxTraffic> traffic_;
  std::unique_ptr<seam::Source> source_;
  Value root_;
  std::optional<control::Manager> manager_;
  std::map<std::string, std::string> last_errors_;  ///< By reconciler and key.
  std::unique_ptr<api::Server> server_;
};

/// Runs as PID 1 of the enclosure.
int run_inside(const LocalOptions& options, node::Inside& inside) {
  LocalCluster cluster(options, inside);
  if (auto started = cluster.start(); !started) {
    const std::string line = "error: " + started.error().to_string() + "\n";
    spdlog::error("{}", started.error().to_string());
    if (options.ready_fd >= 0 && ::write(options.ready_fd, line.data(), line.size()) < 0) spdlog::warn("nobody waits");
    return 1;
  }
  return cluster.run();
}

}  // namespace

Result<int> run_local(const LocalOptions& options) {
  return node::enter({}, [&](node::Inside& inside) { return run_inside(options, inside); });
}

}  // namespace fairlead::world
