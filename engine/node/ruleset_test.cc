#include "engine/node/ruleset.h"

#include <gtest/gtest.h>

#include <charconv>
#include <set>
#include <sstream>

#include "base/yaml.h"
#include "engine/node/files.h"

namespace fairlead::node {
namespace {

std::uint16_t number(std::string_view text) {
  std::uint16_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

/// "TCP:80-90".
seam::PortRange port_range(std::string_view text) {
  const auto colon = text.find(':');
  const auto dash = text.find('-');
  return {std::string(text.substr(0, colon)), number(text.substr(colon + 1, dash - colon - 1)),
          number(text.substr(dash + 1))};
}

std::vector<seam::Allowance> allowances(const Value& list) {
  std::vector<seam::Allowance> out;
  for (const Value& entry : list.items()) {
    seam::Allowance one;
    one.nobody = entry.at("nobody").bool_or(false);
    for (const Value& peer : entry.at("peers").items()) {
      seam::PeerBlock block{std::string(peer.is_string() ? peer.str() : peer.at("cidr").str()), {}};
      for (const Value& except : peer.at("except").items()) block.except.emplace_back(except.str());
      one.peers.push_back(std::move(block));
    }
    for (const Value& port : entry.at("ports").items()) one.ports.push_back(port_range(port.str()));
    out.push_back(std::move(one));
  }
  return out;
}

seam::NetworkProgram program(const Value& test) {
  seam::NetworkProgram out;
  for (const Value& service : test.at("services").items()) {
    seam::ServicePort port{"http",
                           std::string(service.at("protocol").str()),
                           static_cast<std::uint16_t>(service.at("port").int_or(0)),
                           {}};
    for (const Value& endpoint : service.at("endpoints").items()) {
      const auto colon = endpoint.str().find(':');
      port.endpoints.push_back(
          {std::string(endpoint.str().substr(0, colon)), number(endpoint.str().substr(colon + 1))});
    }
    out.services.push_back({"shop", "web", std::string(service.at("ip").str()), "", {std::move(port)}, {}});
  }
  for (const Value& policy : test.at("policies").items()) {
    out.pods.push_back({"shop", "web", std::string(policy.at("ip").str()), policy.has("ingress"), policy.has("egress"),
                        allowances(policy.at("ingress")), allowances(policy.at("egress"))});
  }
  return out;
}

TEST(Ruleset, ProgramsBecomeRules) {
  const std::string path = std::string(FAIRLEAD_SOURCE_DIR) + "/engine/node/testdata/ruleset.yaml";
  const auto cases = parse_yaml(read_file(path).value(), path);
  ASSERT_TRUE(cases.has_value()) << cases.error().to_string();
  for (const Value& test : *cases) {
    const auto [rules, problems] = ruleset(program(test));
    std::string told;
    for (const std::string& problem : problems) told += problem + "\n";
    EXPECT_EQ(told, test.at("problems").str()) << test.at("name").str();
    std::set<std::string> lines;
    std::istringstream in(rules);
    for (std::string line; std::getline(in, line);) {
      if (const auto text = line.find_first_not_of(' '); text != std::string::npos) lines.insert(line.substr(text));
    }
    for (const Value& line : test.at("has").items()) {
      EXPECT_TRUE(lines.contains(std::string(line.str()))) << test.at("name").str() << ": " << line.str() << "\n"
                                                           << rules;
    }
    for (const Value& part : test.at("hasNot").items()) {
      EXPECT_EQ(rules.find(part.str()), std::string::npos) << test.at("name").str() << ": " << part.str() << "\n"
                                                           << rules;
    }
  }
}

TEST(Ruleset, OneTransactionReplacesTheWholeTable) {
  EXPECT_TRUE(ruleset({}).text.starts_with("table ip fairlead {}\ndelete table ip fairlead\ntable ip fairlead {\n"));
}

}  // namespace
}  // namespace fairlead::node
