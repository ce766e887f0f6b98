// A running edge with one Gateway on it, for tests of what happens to requests.
#pragma once

#include <gtest/gtest.h>

#include "engine/edge/nginx_traffic.h"
#include "engine/edge/testing_edge.h"

namespace fairlead::edge::testing {

/// An nginx that follows what `apply` says, with one listener, `port()`.
class TestGateway {
 public:
  explicit TestGateway(Duration default_timeout = EdgeSettings{}.default_timeout)
      : edge_({.node_address = "127.0.0.1", .default_timeout = default_timeout}),
        traffic_(executor_, {.admin_port = edge_.settings().admin_port}) {}

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const EdgeProcess& edge() const { return edge_; }

  /// One route of host shop.example with these rules, in force when this returns.
  void apply(std::vector<seam::RouteRule> rules) {
    seam::EdgeProgram program{"gateway", "edge", {{"127.0.0.1", "1"}}, {{"http", port_, ""}}, {}};
    program.routes.push_back({"shop", "shop", {"shop.example"}, {"http"}, std::move(rules)});
    bool answered = false;
    traffic_.apply(std::move(program), [&](const Result<>& result) {
      answered = true;
      EXPECT_TRUE(result) << edge_.log();
    });
    ASSERT_TRUE(executor_.run_until([&] { return answered; })) << edge_.log();
  }

 private:
  const std::uint16_t port_ = free_port();
  QueueExecutor executor_;
  EdgeProcess edge_;
  NginxTraffic traffic_;
};

/// A rule for every request under `prefix` with one backend.
[[nodiscard]] inline seam::RouteRule rule_to(const seam::Endpoint& endpoint, const std::string& prefix = "/") {
  seam::RouteRule out;
  out.matches.push_back({{"PathPrefix", "", prefix}, "", {}, {}});
  out.backends.push_back({"shop", "web", 80, 1, {endpoint}});
  return out;
}

}  // namespace fairlead::edge::testing
