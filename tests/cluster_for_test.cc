// cluster_test_server: a whole cluster in real time whose nodes are simulated, for tests that drive it with real clients:
// the API server and every controller, in memory. Takes the same command line as api_test_server.
#include <cstdio>
#include <exception>
#include <thread>

#include "engine/api/bootstrap.h"
#include "engine/api/journal.h"
#include "engine/api/kubeconfig.h"
#include "engine/api/server.h"
#include "engine/api/token.h"
#include "engine/control/controllers.h"
#include "engine/seam/simulated_metrics.h"
#include "engine/seam/simulated_node.h"
#include "engine/seam/simulated_traffic.h"
#include "engine/world/control_loop.h"

namespace fairlead {
namespace {

constexpr Duration kTick{20};  ///< How far the simulated seams may lag behind the clock.

Value node_status() {
  const Value capacity = Value::object({{"cpu", "4"}, {"memory", "8Gi"}, {"pods", "110"}});
  const Value ready = Value::object({{"type", "Ready"}, {"status", "True"}, {"reason", "KubeletReady"}});
  const Value address = Value::object({{"type", "InternalIP"}, {"address", "10.0.0.1"}});
  return Value::object({{"capacity", capacity},
                        {"allocatable", capacity},
                        {"conditions", Value::array({ready})},
                        {"addresses", Value::array({address})},
                        {"nodeInfo", Value::object({{"kubeletVersion", "v1.36.0"}})}});
}

template <class T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().to_string());
  return std::move(*result);
}

class Cluster {
 public:
  explicit Cluster(const std::string& kubeconfig) {
    value_of(store_.load());
    control::add_admission(api_);
    if (const auto ready = api::bootstrap(api_); !ready) throw std::runtime_error(ready.error().message);
    pki_ = value_of(api::make_pki());
    describe_outside();
    control::add_controllers(manager_, api_, seams());
    api::ServerOptions options;
    options.listeners = {{.address = "127.0.0.1", .port = 0, .fd = -1}};
    options.pki = pki_;
    server_ = value_of(api::Server::start({api_, loop_, {&node_}, &tokens_}, std::move(options)));
    const std::string url = fmt::format("https://127.0.0.1:{}", server_->port());
    if (auto written = api::write_kubeconfig(kubeconfig, url, pki_); !written) {
      throw std::runtime_error(written.error().to_string());
    }
  }

  void run() {
    manager_.start();
    loop_.drive(manager_);
    tick();
    loop_.run();
    server_.reset();
  }
  void stop() { loop_.stop(); }

 private:
  control::Seams seams() {
    control::Seams out;
    out.nodes = {&node_};
    out.metrics = &metrics_;
    out.traffic = &traffic_;
    out.root_ca = pki_.ca;
    out.issue_token = [this](const control::TokenRequest& request) -> Result<std::string> {
      const Value pod = Value::object({{"kind", "Pod"}, {"name", request.pod}, {"uid", request.pod_uid}});
      const Value spec = Value::object({{"boundObjectRef", pod}});
      auto issued = tokens_.issue(request.ns, request.service_account, Value::object({{"spec", spec}}));
      if (!issued) return fail("{}", issued.error().message);
      return std::string(issued->at("status", "token").str());
    };
    return out;
  }

  /// Images named "slow" are never ready, and analyses may ask for "good" and "bad".
  void describe_outside() {
    node_.set_image("example/slow:1", {.ready = std::nullopt});
    for (const auto& [query, value] : {std::pair("good", "1"), std::pair("bad", "0")}) {
      metrics_.script(query, Time{}, seam::SimulatedMetrics::vector({{Value::object(), value}}, Time{}));
    }
  }

  void tick() {
    time_.move_to(std::max(clock_.now(), time_.now()));
    time_.run_due();
    loop_.loop().after(kTick, [this] { tick(); });
  }

  world::WallClock clock_;
  world::ControlLoop loop_{clock_};
  api::Schema schema_;
  std::unique_ptr<api::Journal> journal_ = api::memory_journal();
  api::Store store_{schema_, *journal_};
  api::Api api_{schema_, store_, clock_, 1};
  api::Pki pki_;
  api::ServiceAccountTokens tokens_{api_, value_of(api::TokenKey::create())};
  seam::VirtualTime time_{clock_.now()};
  seam::SimulatedNode node_{time_, "paper", node_status(), "10.244.0"};
  seam::SimulatedMetrics metrics_{time_};
  seam::SimulatedTraffic traffic_{time_};
  control::Manager manager_{api_};
  std::unique_ptr<api::Server> server_;
};

}  // namespace
}  // namespace fairlead

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: cluster_test_server KUBECONFIG\n", stderr);
    return 2;
  }
  try {
    fairlead::Cluster cluster(argv[1]);
    const std::jthread input([&cluster] {
      while (std::getchar() != EOF) {
      }
      cluster.stop();
    });
    std::puts("ready");
    std::fflush(stdout);
    cluster.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
