// The network between real pods: Services, DNS and NetworkPolicy, judged by connections that really happen.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <sstream>
#include <thread>

#include "base/yaml.h"
#include "engine/node/files.h"
#include "engine/node/live_test/cluster.h"

namespace fairlead::node {
namespace {

seam::ServiceProgram service(const std::string& name, const std::string& address, std::vector<seam::Endpoint> endpoints,
                             std::uint16_t port = 80, const std::string& protocol = "TCP") {
  return {"shop", name, address, "", {{"http", protocol, port, std::move(endpoints)}}, {}};
}

/// Three pods that serve, started once for the whole suite.
class Services : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    uids_ = new std::map<std::string, std::string>();
    for (const char* name : {"a", "b", "c"}) (*uids_)[name] = cluster().run(name);
    (*uids_)["dns"] = cluster().run("dns", [](Value& pod) {
      pod.make("metadata")["namespace"] = "kube-system";
      auto& container = pod.make("spec", "containers").mutable_items()[0];
      container["image"] = "fairlead.local/dns";
      container.erase("readinessProbe");
    });
    for (const auto& [name, uid] : *uids_) ASSERT_TRUE(cluster().wait_ready(uid)) << name;
  }
  static void TearDownTestSuite() {
    for (const auto& [name, uid] : *uids_) cluster().stop(uid, Duration{0});
    for (const auto& [name, uid] : *uids_) EXPECT_TRUE(cluster().wait_stopped(uid));
    delete uids_;
  }
  static std::string ip(const std::string& name) { return cluster().ip(uids_->at(name)); }
  static std::string ask(const std::string& name, const std::string& path) {
    return cluster().ask(uids_->at(name), path);
  }
  static std::map<std::string, std::string>* uids_;
};
std::map<std::string, std::string>* Services::uids_ = nullptr;

TEST_F(Services, PodsReachEachOtherDirectly) {
  EXPECT_EQ(ask("a", "get/" + ip("b") + ":8080"), "b");
  EXPECT_EQ(ask("a", "connect/" + ip("b") + ":9999"), "refused");
}

TEST_F(Services, AVirtualAddressLeadsToEveryEndpoint) {
  cluster().program({{service("web", "10.96.0.100", {{ip("a"), 8080}, {ip("b"), 8080}})}, {}, {}});
  std::map<std::string, int> seen;
  for (int i = 0; i < 60; ++i) ++seen[ask("c", "get/10.96.0.100:80")];
  EXPECT_EQ(seen.size(), 2U);
  EXPECT_GT(seen["a"], 10);
  EXPECT_GT(seen["b"], 10);
}

TEST_F(Services, APodReachesItselfThroughItsService) {
  cluster().program({{service("web", "10.96.0.100", {{ip("a"), 8080}})}, {}, {}});
  EXPECT_EQ(ask("a", "get/10.96.0.100:80"), "a");
}

TEST_F(Services, WithoutEndpointsAndWithoutServiceConnectionsAreRefused) {
  cluster().program({{service("web", "10.96.0.100", {})}, {}, {}});
  EXPECT_EQ(ask("a", "connect/10.96.0.100:80,10.96.7.7:80"), "refused,refused");
}

TEST_F(Services, EndpointsMoveAndConnectionsFollow) {
  for (int round = 0; round < 6; ++round) {
    const std::string name = round % 2 == 0 ? "a" : "b";
    cluster().program({{service("web", "10.96.0.100", {{ip(name), 8080}})}, {}, {}});
    EXPECT_EQ(ask("c", "get/10.96.0.100:80"), name);
  }
}

TEST_F(Services, NamesResolveAsTheSpecificationSays) {
  seam::NetworkProgram program;
  program.services.push_back(service("web", "10.96.0.100", {{ip("a"), 8080}}));
  program.services.push_back({"shop", "peers", "None", "", {}, {{"one", ip("a")}, {"", ip("b")}}});
  program.services.push_back({"shop", "outside", "", "web.shop.svc.cluster.local", {}, {}});
  auto dns = service("kube-dns", "10.96.0.10", {{ip("dns"), 53}}, 53, "UDP");
  dns.ns = "kube-system";
  program.services.push_back(dns);
  // In this order: the program is waited for, and what was asked of the node before it has happened by then.
  cluster().node().set_host_names({{"vault.example.net", {"10.96.0.77"}}});
  cluster().program(program);
  EXPECT_EQ(ask("a", "resolve/web.shop.svc.cluster.local"), "0 10.96.0.100");
  EXPECT_EQ(ask("a", "resolve/WEB.shop.svc.cluster.local"), "0 10.96.0.100");
  EXPECT_EQ(ask("a", "resolve/one.peers.shop.svc.cluster.local"), "0 " + ip("a"));
  const auto peers = ask("a", "resolve/peers.shop.svc.cluster.local");
  EXPECT_NE(peers.find(ip("a")), std::string::npos);
  EXPECT_NE(peers.find(ip("b")), std::string::npos);
  EXPECT_EQ(ask("a", "resolve/outside.shop.svc.cluster.local"), "0 cname 10.96.0.100");
  EXPECT_EQ(ask("a", "resolve/nobody.shop.svc.cluster.local"), "3");
  EXPECT_EQ(ask("a", "resolve/shop.svc.cluster.local"), "0");
  EXPECT_EQ(ask("a", "resolve/vault.example.net"), "0 10.96.0.77");
  EXPECT_EQ(ask("a", "resolve/10-244-1-2.shop.pod.cluster.local"), "0 10.244.1.2");
  EXPECT_EQ(ask("a", "connect/" + ip("dns") + ":53"), "open");
}

// --- NetworkPolicy: testdata/network_policy.yaml holds the policies and, for every pair and port, what must happen.

constexpr std::uint16_t kPorts[] = {8080, 8081, 9000};

std::vector<seam::Allowance> allowances(const Value& list, const std::map<std::string, std::string>& ips) {
  std::vector<seam::Allowance> out;
  for (const auto& entry : list.items()) {
    seam::Allowance allowance;
    allowance.nobody = entry.at("nobody").bool_or(false);
    for (const auto& peer : entry.at("peers").items()) {
      seam::PeerBlock block;
      if (peer.is_string()) block.cidr = ips.at(std::string(peer.str())) + "/32";
      if (peer.is_object()) block.cidr = peer.at("cidr").str();
      for (const auto& except : peer.at("except").items())
        block.except.push_back(ips.at(std::string(except.str())) + "/32");
      allowance.peers.push_back(std::move(block));
    }
    for (const auto& port : entry.at("ports").items()) {
      const auto first = static_cast<std::uint16_t>(port.at("first").int_or(0));
      allowance.ports.push_back({std::string(port.at("protocol").string_or("TCP")), first,
                                 static_cast<std::uint16_t>(port.at("last").int_or(first))});
    }
    out.push_back(std::move(allowance));
  }
  return out;
}

class Policy : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    uids_ = new std::map<std::string, std::string>();
    for (const char* name : {"web", "api", "db", "edge"}) {
      (*uids_)[name] = cluster().run(name, [](Value& pod) {
        pod.make("spec", "containers").mutable_items()[0]["args"] = Value::array({"serve", "8080", "8081", "9000"});
      });
    }
    for (const auto& [name, uid] : *uids_) ASSERT_TRUE(cluster().wait_ready(uid)) << name;
  }
  static void TearDownTestSuite() {
    for (const auto& [name, uid] : *uids_) cluster().stop(uid, Duration{0});
    for (const auto& [name, uid] : *uids_) EXPECT_TRUE(cluster().wait_stopped(uid));
    delete uids_;
  }

  /// "web 8080", "api 8081" … that `from` reaches, asked from inside it all at once. Kept apart from policies: the
  /// question travels from the node, which no policy stops.
  static std::string reached(const std::string& from) {
    std::string list;
    std::vector<std::string> names;
    for (const auto& [name, uid] : *uids_) {
      for (const auto port : kPorts) {
        list += (list.empty() ? "" : ",") + cluster().ip(uid) + ":" + std::to_string(port);
        names.push_back(name + ":" + std::to_string(port));
      }
    }
    std::istringstream results(cluster().ask(uids_->at(from), "connect/" + list));
    std::string out;
    std::size_t i = 0;
    for (std::string result; std::getline(results, result, ',') && i < names.size(); ++i) {
      if (result == "open") out += (out.empty() ? "" : " ") + names[i];
    }
    return out;
  }
  static std::map<std::string, std::string>* uids_;
};
std::map<std::string, std::string>* Policy::uids_ = nullptr;

TEST_F(Policy, EveryPairAndPort) {
  const std::string path = std::string(FAIRLEAD_SOURCE_DIR) + "/engine/node/testdata/network_policy.yaml";
  const auto cases = parse_yaml(read_file(path).value(), path);
  ASSERT_TRUE(cases.has_value()) << cases.error().to_string();
  std::map<std::string, std::string> ips;
  for (const auto& [name, uid] : *uids_) ips[name] = cluster().ip(uid);
  for (const auto& test : *cases) {
    seam::NetworkProgram program;
    for (const auto& pod : test.at("pods").members()) {
      seam::PodPolicy policy{"shop", pod.key, ips.at(pod.key), pod.value.has("ingress"), pod.value.has("egress"),
                             {},     {}};
      policy.ingress = allowances(pod.value.at("ingress"), ips);
      policy.egress = allowances(pod.value.at("egress"), ips);
      program.pods.push_back(std::move(policy));
    }
    cluster().program(program);
    std::map<std::string, std::string> seen;
    std::vector<std::thread> askers;
    for (auto& [name, ip] : ips) {
      auto& slot = seen[name];
      askers.emplace_back([&slot, from = name] { slot = reached(from); });
    }
    for (auto& asker : askers) asker.join();
    for (const auto& expected : test.at("reaches").members()) {
      EXPECT_EQ(seen[expected.key], expected.value.str()) << test.at("name").str() << ", from " << expected.key;
    }
  }
  cluster().program({});
}

TEST_F(Policy, WhatCannotBeSaidInRulesKeepsNothingElseFromBeingCarriedOut) {
  const auto web = cluster().ip(uids_->at("web"));
  const auto db = cluster().ip(uids_->at("db"));
  const auto begin = std::chrono::steady_clock::now();
  cluster().program(
      {{service("broken", "fd00::1", {{db, 8080}}), service("half", "10.96.1.77", {{"2001:db8::1", 80}, {db, 8080}})},
       {{"shop",
         "db",
         db,
         true,
         false,
         {{{{"nowhere/32", {}}, {web + "/32", {}}}, {{"TCP", 8080, 80}, {"TCP", 8080, 8080}}}},
         {}}},
       {}});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10)) << "the kernel took it";
  EXPECT_EQ(cluster().ask(uids_->at("web"), "get/10.96.1.77:80"), "db");
  EXPECT_EQ(cluster().ask(uids_->at("web"), "connect/" + db + ":8080"), "open");
  cluster().program({});
}

TEST_F(Policy, AConnectionThatStopsBeingAllowedStops) {
  const auto web = cluster().ip(uids_->at("web"));
  const auto db = cluster().ip(uids_->at("db"));
  cluster().program({{}, {{"shop", "db", db, true, false, {{{{web + "/32", {}}}, {}}}, {}}}, {}});
  EXPECT_EQ(cluster().ask(uids_->at("web"), "get/" + db + ":8080"), "db");
  cluster().program({{}, {{"shop", "db", db, true, false, {}, {}}}, {}});
  EXPECT_EQ(cluster().ask(uids_->at("web"), "connect/" + db + ":8080"), "timeout");
  EXPECT_EQ(cluster().ask(uids_->at("db"), "name"), "db") << "the node itself always reaches its pods";
  cluster().program({});
}

TEST(Program, ThatIsRefusedIsTriedAgainByOneTimerHoweverManyFollow) {
  const std::string folder = cluster().directory() + "/refusing";
  const std::string calls = folder + "/calls";
  ASSERT_TRUE(make_directories(folder));
  ASSERT_TRUE(write_file(folder + "/nft", "#!/bin/sh\necho call >> " + calls + "\nsleep 0.2\nexit 1\n", 0755));
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", (folder + ":" + path).c_str(), 1);
  for (const char* address : {"10.96.7.1", "10.96.7.2", "10.96.7.3", "10.96.7.4"}) {
    cluster().node().program({{service("refused", address, {{"10.244.0.2", 8080}})}, {}, {}});
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  std::this_thread::sleep_for(std::chrono::seconds(5));
  const std::string text = read_file(calls).value_or("");
  EXPECT_GE(std::ranges::count(text, '\n'), 2);
  EXPECT_LE(std::ranges::count(text, '\n'), 9) << "one a second, and those that followed";
  ::setenv("PATH", path.c_str(), 1);
  const auto begin = std::chrono::steady_clock::now();
  cluster().program({});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST(HostPort, LeadsFromTheHostAndSaysWhoHoldsIt) {
  // A port that is free now: the process outside shares its network with whatever else runs on this machine.
  std::uint16_t port = 0;
  for (std::uint16_t candidate = 20'000; candidate < 20'100 && port == 0; ++candidate) {
    if (const auto taken = inside().outside.listen(candidate)) port = candidate;
  }
  ASSERT_NE(port, 0);
  const auto change = [port](Value& pod) {
    pod.make("spec", "containers").mutable_items()[0]["ports"] =
        Value::array({Value::object({{"containerPort", 8080}, {"hostPort", port}})});
  };
  const auto uid = cluster().run("published", change);
  ASSERT_TRUE(cluster().wait_ready(uid));
  const auto taken = inside().outside.listen(port);
  ASSERT_FALSE(taken.has_value());
  EXPECT_NE(taken.error().message.find("127.0.0.1:" + std::to_string(port) + " is already in use by "),
            std::string::npos)
      << taken.error().message;
  const auto again = inside().outside.listen(port, true);
  ASSERT_FALSE(again.has_value());
  EXPECT_NE(again.error().message.find(" is already in use by another program"), std::string::npos)
      << "who asks again and again does not have all of /proc read for it: " << again.error().message;
  const auto answer = inside().outside.ask("get " + std::to_string(port));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().message, "published");
  cluster().stop(uid, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

}  // namespace
}  // namespace fairlead::node
