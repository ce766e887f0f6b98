// api_test_server: the API server alone, in memory, for tests that drive it with real clients. Writes a kubeconfig to
// the path it is given, says "ready" and runs until its standard input ends.
#include <cstdio>
#include <exception>

#include "engine/api/testing_server.h"

using fairlead::Duration;
using fairlead::Value;

namespace {

Value node_object() {
  const auto capacity = Value::object({{"cpu", "4"}, {"memory", "8Gi"}, {"pods", "110"}});
  const auto ready = Value::object({{"type", "Ready"}, {"status", "True"}, {"reason", "KubeletReady"}});
  return Value::object({{"metadata", Value::object({{"name", "paper"}})},
                        {"status", Value::object({{"capacity", capacity},
                                                  {"allocatable", capacity},
                                                  {"conditions", Value::array({ready})},
                                                  {"nodeInfo", Value::object({{"kubeletVersion", "v1.36.0"}})}})}});
}

/// A pod that looks as if it ran.
Value pod_object() {
  const auto container = Value::object({{"name", "main"}, {"image", "example/main:1"}});
  const auto running = Value::object({{"running", Value::object({{"startedAt", "2026-11-23T10:00:00Z"}})}});
  const auto status = Value::object({{"name", "main"},
                                     {"ready", true},
                                     {"restartCount", 0},
                                     {"state", running},
                                     {"image", "example/main:1"},
                                     {"imageID", ""}});
  const auto ready = Value::object({{"type", "Ready"}, {"status", "True"}});
  return Value::object({{"metadata", Value::object({{"name", "runner"}})},
                        {"spec", Value::object({{"nodeName", "paper"}, {"containers", Value::array({container})}})},
                        {"status", Value::object({{"phase", "Running"},
                                                  {"podIP", "10.244.0.5"},
                                                  {"podIPs", Value::array({Value::object({{"ip", "10.244.0.5"}})})},
                                                  {"conditions", Value::array({ready})},
                                                  {"containerStatuses", Value::array({status})}})}});
}

void furnish(fairlead::api::TestingServer& server) {
  server.with_api([&](fairlead::api::Api& api) {
    const auto put = [&](const char* plural, const char* ns, Value object) {
      const auto& resource = api.schema().resource("", plural);
      const Value status = object.at("status");
      const auto made = api.create(resource, ns, std::move(object));
      FAIRLEAD_ASSERT(made.has_value());
      const auto changed = api.mutate((*made)->key(), fairlead::api::Subresource::kStatus,
                                      [&](Value& tree) { tree.set("status", status); });
      FAIRLEAD_ASSERT(changed.has_value());
      return *changed;
    };
    const auto account = Value::object({{"metadata", Value::object({{"name", "default"}})}});
    FAIRLEAD_ASSERT(api.create(api.schema().resource("", "serviceaccounts"), "default", account).has_value());
    put("nodes", "", node_object());
    const auto pod = put("pods", "default", pod_object());
    server.node().samples = {{.uid = std::string(pod->uid()),
                              .at = api.clock().now(),
                              .window = Duration(15'000),
                              .containers = {{"main", 25'000'000, 64 << 20}}}};
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: api_test_server KUBECONFIG\n", stderr);
    return 2;
  }
  try {
    fairlead::api::TestingServer server;
    furnish(server);
    if (auto written = fairlead::api::write_kubeconfig(argv[1], server.url(), server.pki()); !written) {
      std::fprintf(stderr, "%s\n", written.error().to_string().c_str());
      return 1;
    }
    std::puts("ready");
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
