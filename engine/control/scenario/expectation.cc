#include "engine/control/scenario/expectation.h"

#include <algorithm>

#include "engine/control/scenario/match.h"
#include "engine/control/scenario/programs.h"
#include "engine/control/scenario/targets.h"

namespace fairlead::control {
namespace {

using Verdict = Result<std::optional<std::string>>;

std::string describe(const Value& target) {
  std::string out(target.at("kind").str());
  if (target.has("name")) out += fmt::format(" {}", target.at("name").str());
  if (target.at("labels").is_string()) out += fmt::format(" [{}]", target.at("labels").str());
  if (target.has("owner")) out += fmt::format(" of {}", target.at("owner").str());
  return out;
}

std::optional<std::string> count_difference(const Value& wanted, std::size_t got, const std::string& what) {
  const auto n = static_cast<std::int64_t>(got);
  const std::int64_t least = wanted.is_object() ? wanted.at("min").int_or(0) : wanted.int_or(0);
  const std::int64_t most = wanted.is_object() ? wanted.at("max").int_or(n) : wanted.int_or(0);
  if (n >= least && n <= most) return std::nullopt;
  if (least == most) return fmt::format("expected {} of {}, got {}", least, what, n);
  return fmt::format("expected {} to {} of {}, got {}", least, most, what, n);
}

/// What is left of an expectation when the words that choose objects are gone.
Value described(const Value& expectation) {
  Value out = Value::object();
  for (const Member& m : expectation.members()) {
    if (!is_target_word(m.key)) out.set(m.key, m.value);
  }
  return out;
}

Verdict object_unmet(VirtualCluster& cluster, const Value& expectation) {
  const auto found = select_objects(cluster.api(), expectation);
  if (!found) return std::unexpected(found.error());
  const std::string what = describe(expectation);
  if (expectation.at("absent").bool_or(false)) {
    if (found->empty()) return std::nullopt;
    return fmt::format("expected no {}, got {}", what, found->front()->key().to_string());
  }
  if (expectation.has("count")) {
    if (auto d = count_difference(expectation.at("count"), found->size(), what)) return d;
  } else if (found->empty()) {
    return fmt::format("there is no {}", what);
  }
  const Value wanted = described(expectation);
  for (const api::ObjectPtr& object : *found) {
    if (auto d = difference(wanted, object->tree(), "")) return fmt::format("{}: {}", object->key().to_string(), *d);
  }
  return std::nullopt;
}

Verdict event_unmet(VirtualCluster& cluster, const Value& wanted) {
  Value pattern = Value::object();
  for (const Member& m : wanted.members()) {
    if (m.key == "about") {
      const std::string_view about = m.value.str();
      const std::size_t slash = about.find('/');
      pattern.make("involvedObject").set("kind", about.substr(0, slash));
      if (slash != std::string_view::npos) {
        pattern.make("involvedObject").set("name", fmt::format("~{}", about.substr(slash + 1)));
      }
    } else if (m.key != "absent") {
      pattern.set(m.key, m.value);
    }
  }
  std::string seen;
  bool found = false;
  for (const api::ObjectPtr& event : cluster.api().list(cluster.api().schema().resource("", "events"))) {
    if (!difference(pattern, event->tree(), "")) found = true;
    seen += fmt::format("\n    {} {}/{}: {} (x{})", event->at("reason").str(),
                        event->at("involvedObject", "kind").str(), event->at("involvedObject", "name").str(),
                        event->at("message").str(), event->at("count").int_or(1));
  }
  if (found != wanted.at("absent").bool_or(false)) return std::nullopt;
  return fmt::format("{} event; there are:{}", found ? "unwanted" : "no such", seen);
}

Verdict network_unmet(VirtualCluster& cluster, const Value& wanted) {
  for (const auto& node : cluster.nodes()) {
    if (wanted.has("node") && wanted.at("node").str() != node->name()) continue;
    Value pattern = wanted;
    pattern.erase("node");
    if (auto d = difference(pattern, to_value(node->network()), "network")) return d;
  }
  return std::nullopt;
}

Verdict traffic_unmet(VirtualCluster& cluster, const Value& wanted) {
  const std::string gateway(wanted.at("gateway").str());
  const auto it = cluster.traffic().programs().find(gateway);
  if (it == cluster.traffic().programs().end()) return fmt::format("Gateway {} was never programmed", gateway);
  Value pattern = wanted;
  pattern.erase("gateway");
  return difference(pattern, to_value(it->second), "traffic");
}

Verdict inputs_unmet(VirtualCluster& cluster, const Value& wanted) {
  Value target = wanted;
  target.set("kind", "Pod");
  const auto pods = select_objects(cluster.api(), target);
  if (!pods) return std::unexpected(pods.error());
  if (pods->empty()) return "there is no such pod";
  for (const auto& node : cluster.nodes()) {
    const seam::PodInputs* inputs = node->inputs(std::string(pods->front()->uid()));
    if (inputs != nullptr) return difference(described(wanted), to_value(*inputs), "inputs");
  }
  return fmt::format("pod {} was not given to a node", pods->front()->name());
}

}  // namespace

Verdict unmet(VirtualCluster& cluster, const Value& expectation) {
  if (expectation.has("event")) return event_unmet(cluster, expectation.at("event"));
  if (expectation.has("network")) return network_unmet(cluster, expectation.at("network"));
  if (expectation.has("traffic")) return traffic_unmet(cluster, expectation.at("traffic"));
  if (expectation.has("inputs")) return inputs_unmet(cluster, expectation.at("inputs"));
  if (expectation.has("kind")) return object_unmet(cluster, expectation);
  return std::unexpected(expectation.error("an expectation needs kind, event, network, traffic or inputs"));
}

}  // namespace fairlead::control
