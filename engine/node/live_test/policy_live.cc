// NetworkPolicies from objects to packets: every pair of pods and every port is really tried.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <thread>

#include "base/yaml.h"
#include "engine/control/network_policy.h"
#include "engine/node/files.h"
#include "engine/node/live_test/cluster.h"

namespace fairlead::node {
namespace {

constexpr std::uint16_t kPorts[] = {8080, 8081, 9000};

struct Peer {
  std::string ns;
  std::string name;
  std::string team;
  [[nodiscard]] std::string full() const { return ns + "/" + name; }
};
const Peer kPeers[] = {{"shop", "web", "shop"},
                       {"shop", "api", "shop"},
                       {"shop", "db", "shop"},
                       {"gateway", "edge", "platform"},
                       {"monitoring", "probe", "platform"}};

/// "shop/*>*:8080": every star takes any number of characters.
bool matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() != '*') {
    return !text.empty() && pattern.front() == text.front() && matches(pattern.substr(1), text.substr(1));
  }
  return matches(pattern.substr(1), text) || (!text.empty() && matches(pattern, text.substr(1)));
}

bool matches_any(const Value& patterns, const std::string& text) {
  return std::ranges::any_of(patterns.items(), [&](const Value& pattern) { return matches(pattern.str(), text); });
}

class Policies : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    uids_ = new std::map<std::string, std::string>();
    for (const Peer& peer : kPeers)
      (*uids_)[peer.full()] = cluster().run(peer.name, [&](Value& pod) { dress(pod, peer); });
    for (const auto& [name, uid] : *uids_) ASSERT_TRUE(cluster().wait_ready(uid)) << name;
  }
  static void TearDownTestSuite() {
    cluster().program({});
    for (const auto& [name, uid] : *uids_) cluster().stop(uid, Duration{0});
    for (const auto& [name, uid] : *uids_) EXPECT_TRUE(cluster().wait_stopped(uid));
    delete uids_;
  }

  static void dress(Value& pod, const Peer& peer) {
    pod.make("metadata")["namespace"] = peer.ns;
    pod.make("metadata")["labels"] = Value::object({{"app", peer.name}});
    Value& container = pod.make("spec", "containers").mutable_items()[0];
    container["args"] = Value::array({"serve", "8080", "8081", "9000"});
    const bool db = peer.name == "db";
    container["ports"] = Value::array({Value::object({{"name", db ? "admin" : "http"}, {"containerPort", 8080}})});
    if (db) container["ports"].push_back(Value::object({{"name", "http"}, {"containerPort", 9000}}));
  }

  static api::ObjectPtr object(const char* kind, Value tree) {
    static std::map<std::string, api::Resource> resources;
    api::Resource& resource = resources[kind];
    resource.kind = kind;
    return std::make_shared<api::Object>(resource, std::move(tree), 1);
  }

  /// What control makes of the policies and of these pods.
  static std::vector<seam::PodPolicy> compile(const Value& policies) {
    std::vector<api::ObjectPtr> all;
    for (const Value& policy : policies.items()) {
      Value tree = Value::object({{"spec", policy.at("spec")}});
      tree.make("metadata").set("namespace", policy.at("namespace"));
      all.push_back(object("NetworkPolicy", std::move(tree)));
    }
    std::vector<api::ObjectPtr> pods;
    std::vector<api::ObjectPtr> namespaces;
    for (const Peer& peer : kPeers) {
      Value pod = Value::object({{"metadata", Value::object({{"name", peer.name}})}});
      pod.make("spec").set("containers", Value::array({Value::object()}));
      dress(pod, peer);
      pod.set("status", Value::object({{"phase", "Running"}, {"podIP", ip(peer.full())}}));
      pods.push_back(object("Pod", std::move(pod)));
      Value ns = Value::object();
      ns.make("metadata").set("name", peer.ns).set("labels", Value::object({{"team", peer.team}}));
      if (peer.name != "api" && peer.name != "db") namespaces.push_back(object("Namespace", std::move(ns)));
    }
    return control::compile_policies(all, pods, namespaces);
  }

  static std::string ip(const std::string& name) { return cluster().ip(uids_->at(name)); }

  /// "shop/web>shop/db:8080" and whether it connected, for everything that `from` can try, at once.
  static std::map<std::string, bool> connections(const std::string& from) {
    std::string list;
    std::vector<std::string> names;
    for (const auto& [name, uid] : *uids_) {
      for (const auto port : kPorts) {
        list += fmt::format("{}{}:{}", list.empty() ? "" : ",", cluster().ip(uid), port);
        names.push_back(fmt::format("{}>{}:{}", from, name, port));
      }
    }
    std::istringstream results(cluster().ask(uids_->at(from), "connect/" + list));
    std::map<std::string, bool> out;
    std::size_t i = 0;
    for (std::string result; std::getline(results, result, ',') && i < names.size(); ++i) {
      out[names[i]] = result == "open";
    }
    return out;
  }

  static std::map<std::string, std::string>* uids_;
};
std::map<std::string, std::string>* Policies::uids_ = nullptr;

TEST_F(Policies, EveryPairAndPort) {
  const std::string path = std::string(FAIRLEAD_SOURCE_DIR) + "/engine/node/testdata/network_policies.yaml";
  std::string text = read_file(path).value();
  for (const Peer& peer : kPeers) {
    const std::string mark = "{" + peer.full() + "}";
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos;) {
      text.replace(at, mark.size(), ip(peer.full()));
    }
  }
  const auto cases = parse_yaml(text, path);
  ASSERT_TRUE(cases.has_value()) << cases.error().to_string();
  std::size_t tried = 0;
  for (const Value& test : *cases) {
    cluster().program({{}, compile(test.at("policies")), {}});
    std::map<std::string, std::map<std::string, bool>> seen;
    std::vector<std::jthread> askers;
    for (const Peer& peer : kPeers) {
      auto& slot = seen[peer.full()];
      askers.emplace_back([&slot, from = peer.full()] { slot = connections(from); });
    }
    askers.clear();
    for (const auto& [from, results] : seen) {
      EXPECT_EQ(results.size(), std::size(kPeers) * std::size(kPorts)) << test.at("name").str() << ", from " << from;
      for (const auto& [attempt, connected] : results) {
        const bool self = attempt.starts_with(from + ">" + from + ":");
        const bool open = self || !matches_any(test.at("blocked"), attempt) || matches_any(test.at("open"), attempt);
        EXPECT_EQ(connected, open) << test.at("name").str() << ": " << attempt;
        ++tried;
      }
    }
  }
  std::printf("%zu connections tried under %zu sets of policies\n", tried, cases->size());
}

}  // namespace
}  // namespace fairlead::node
