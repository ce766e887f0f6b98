#include "engine/control/scheduler_filter.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/int128.h"
#include "base/quantity.h"

namespace fairlead::control {
namespace {

constexpr std::int64_t kUnspecifiedCpu = 100;                            ///< Thousandths of a core.
constexpr std::int64_t kUnspecifiedMemory = 200LL * 1024 * 1024 * 1000;  ///< Thousandths of a byte.
constexpr std::int64_t kMaxNodeScore = 100;
constexpr std::int64_t kTaintWeight = 3;
constexpr std::int64_t kAffinityWeight = 2;

Amounts amounts_of(const Value& map) {
  Amounts out;
  for (const Member& m : map.members()) out[m.key] = Quantity::of(m.value).milli_value();
  return out;
}

void add(Amounts& to, const Amounts& more) {
  for (const auto& [name, amount] : more) to[name] += amount;
}

void raise(Amounts& to, const Amounts& least) {
  for (const auto& [name, amount] : least) to[name] = std::max(to[name], amount);
}

Amounts container_requests(const Value& container, bool for_score) {
  Amounts out = amounts_of(container.at("resources", "requests"));
  if (!for_score) return out;
  out.emplace("cpu", kUnspecifiedCpu);
  out.emplace("memory", kUnspecifiedMemory);
  return out;
}

bool tolerates_all(const Value& pod, const Value& taint) {
  return std::ranges::any_of(pod.at("spec", "tolerations").items(),
                             [&](const Value& toleration) { return tolerates(toleration, taint); });
}

/// One requirement of a node selector term. Source: k8s.io/component-helpers/scheduling/corev1/nodeaffinity.
bool requirement_holds(const Value& requirement, const Value* actual) {
  const std::string_view op = requirement.at("operator").str();
  const Value::Array& values = requirement.at("values").items();
  const bool among = actual != nullptr && std::ranges::find(values, *actual) != values.end();
  if (op == "In") return among;
  if (op == "NotIn") return !among;
  if (op == "Exists") return actual != nullptr;
  if (op == "DoesNotExist") return actual == nullptr;
  if (actual == nullptr || values.empty()) return false;
  const auto number = [](std::string_view text) {
    std::int64_t n = 0;
    std::from_chars(text.data(), text.data() + text.size(), n);
    return n;
  };
  const std::int64_t have = number(actual->str());
  const std::int64_t bound = number(values.front().str());
  return op == "Gt" ? have > bound : op == "Lt" && have < bound;
}

/// A term without requirements selects nothing.
bool term_holds(const Value& term, const api::Object& node) {
  if (term.at("matchExpressions").empty() && term.at("matchFields").empty()) return false;
  const Value name(node.name());
  return std::ranges::all_of(term.at("matchExpressions").items(),
                             [&](const Value& r) {
                               return requirement_holds(r, node.at("metadata", "labels").find(r.at("key").str()));
                             }) &&
         std::ranges::all_of(term.at("matchFields").items(),
                             [&](const Value& r) { return requirement_holds(r, &name); });
}

bool affinity_holds(const Value& pod, const api::Object& node) {
  for (const Member& m : pod.at("spec", "nodeSelector").members()) {
    if (node.at("metadata", "labels", m.key) != m.value) return false;
  }
  const Value& required = pod.at("spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution");
  if (required.is_null()) return true;
  return std::ranges::any_of(required.at("nodeSelectorTerms").items(),
                             [&](const Value& term) { return term_holds(term, node); });
}

std::vector<std::string> host_ports(const Value& pod) {
  std::vector<std::string> out;
  for (const Value& container : pod.at("spec", "containers").items()) {
    for (const Value& port : container.at("ports").items()) {
      const std::int64_t number = port.at("hostPort").int_or(0);
      if (number == 0) continue;
      std::string_view ip = port.at("hostIP").str();
      if (ip.empty() || ip == "0.0.0.0") ip = "*";
      out.push_back(fmt::format("{}/{}/{}", port.at("protocol").string_or("TCP"), number, ip));
    }
  }
  return out;
}

bool same_port(const std::string& a, const std::string& b) {
  const auto split = [](const std::string& s) {
    return std::pair(s.substr(0, s.rfind('/')), s.substr(s.rfind('/') + 1));
  };
  const auto [port_a, ip_a] = split(a);
  const auto [port_b, ip_b] = split(b);
  return port_a == port_b && (ip_a == ip_b || ip_a == "*" || ip_b == "*");
}

bool ports_taken(const Value& pod, const NodeState& state) {
  const std::vector<std::string> wanted = host_ports(pod);
  return std::ranges::any_of(wanted, [&](const std::string& port) {
    return std::ranges::any_of(state.host_ports, [&](const std::string& taken) { return same_port(port, taken); });
  });
}

std::vector<std::string> insufficient(const Value& pod, const NodeState& state) {
  const auto amount = [](const Amounts& amounts, const std::string& name) {
    const auto it = amounts.find(name);
    return it == amounts.end() ? 0 : it->second;
  };
  std::vector<std::string> out;
  if (state.pods + 1 > amount(state.allocatable, "pods") / 1000) out.emplace_back("Too many pods");
  for (const auto& [name, wanted] : pod_requests(pod)) {
    if (wanted == 0) continue;
    if (wanted > amount(state.allocatable, name) - amount(state.requested, name)) {
      out.push_back(fmt::format("Insufficient {}", name));
    }
  }
  return out;
}

std::int64_t least_allocated(const NodeState& state, const Amounts& wanted) {
  std::int64_t sum = 0;
  std::int64_t weights = 0;
  for (const std::string name : {"cpu", "memory"}) {
    const auto allocatable = state.allocatable.find(name);
    if (allocatable == state.allocatable.end() || allocatable->second == 0) continue;
    weights += 1;
    const auto used = state.requested_for_score.find(name);
    const std::int64_t after = (used == state.requested_for_score.end() ? 0 : used->second) + wanted.at(name);
    if (after <= allocatable->second)
      sum += static_cast<std::int64_t>(Int128{allocatable->second - after} * kMaxNodeScore / allocatable->second);
  }
  return weights == 0 ? 0 : sum / weights;
}

std::int64_t balanced(const NodeState& state, const Amounts& wanted) {
  std::vector<double> fractions;
  for (const std::string name : {"cpu", "memory"}) {
    const auto allocatable = state.allocatable.find(name);
    if (allocatable == state.allocatable.end() || allocatable->second == 0) continue;
    const auto used = state.requested.find(name);
    const auto asked = wanted.find(name);
    const auto after = static_cast<double>((used == state.requested.end() ? 0 : used->second) +
                                           (asked == wanted.end() ? 0 : asked->second));
    fractions.push_back(std::min(1.0, after / static_cast<double>(allocatable->second)));
  }
  if (fractions.size() < 2) return kMaxNodeScore;
  const double deviation = std::abs(fractions[0] - fractions[1]) / 2;
  return static_cast<std::int64_t>((1 - deviation) * static_cast<double>(kMaxNodeScore));
}

std::int64_t soft_taints(const Value& pod, const api::Object& node) {
  std::int64_t count = 0;
  for (const Value& taint : node.at("spec", "taints").items()) {
    if (taint.at("effect").str() == "PreferNoSchedule" && !tolerates_all(pod, taint)) ++count;
  }
  return count;
}

std::int64_t preference(const Value& pod, const api::Object& node) {
  std::int64_t sum = 0;
  const Value& preferred =
      pod.at("spec", "affinity", "nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution");
  for (const Value& one : preferred.items()) {
    if (term_holds(one.at("preference"), node)) sum += one.at("weight").int_or(0);
  }
  return sum;
}

/// Scales to 0…100 by the largest. Source: plugins/helper/normalize_score.go.
void normalise(std::vector<std::int64_t>& values, bool reverse) {
  const std::int64_t most = values.empty() ? 0 : *std::ranges::max_element(values);
  for (std::int64_t& v : values) {
    if (most > 0) v = v * kMaxNodeScore / most;
    if (reverse) v = kMaxNodeScore - v;
  }
}

}  // namespace

bool tolerates(const Value& toleration, const Value& taint) {
  const std::string_view effect = toleration.at("effect").str();
  if (!effect.empty() && effect != taint.at("effect").str()) return false;
  const std::string_view key = toleration.at("key").str();
  if (!key.empty() && key != taint.at("key").str()) return false;
  const std::string_view op = toleration.at("operator").string_or("Equal");
  if (op == "Exists") return true;
  return op == "Equal" && toleration.at("value").str() == taint.at("value").str();
}

Amounts pod_requests(const Value& pod, bool for_score) {
  Amounts total;
  for (const Value& container : pod.at("spec", "containers").items())
    add(total, container_requests(container, for_score));
  Amounts sidecars;
  Amounts largest;
  for (const Value& container : pod.at("spec", "initContainers").items()) {
    Amounts requests = container_requests(container, for_score);
    if (container.at("restartPolicy").str() == "Always") {
      add(total, requests);
      add(sidecars, requests);
      requests = sidecars;
    } else {
      add(requests, sidecars);
    }
    raise(largest, requests);
  }
  raise(total, largest);
  add(total, amounts_of(pod.at("spec", "overhead")));
  return total;
}

NodeState node_state(api::ObjectPtr node, const std::vector<api::ObjectPtr>& pods_on_it) {
  NodeState out;
  out.allocatable = amounts_of(node->at("status", "allocatable"));
  out.node = std::move(node);
  for (const api::ObjectPtr& pod : pods_on_it) {
    add(out.requested, pod_requests(pod->tree()));
    add(out.requested_for_score, pod_requests(pod->tree(), true));
    out.pods += 1;
    std::ranges::move(host_ports(pod->tree()), std::back_inserter(out.host_ports));
  }
  return out;
}

std::vector<std::string> reasons_against(const Value& pod, const NodeState& state) {
  const api::Object& node = *state.node;
  const Value unschedulable = Value::object({{"key", "node.kubernetes.io/unschedulable"}, {"effect", "NoSchedule"}});
  if (node.at("spec", "unschedulable").bool_or(false) && !tolerates_all(pod, unschedulable)) {
    return {"node(s) were unschedulable"};
  }
  for (const Value& taint : node.at("spec", "taints").items()) {
    const std::string_view effect = taint.at("effect").str();
    if (effect != "NoSchedule" && effect != "NoExecute") continue;
    if (!tolerates_all(pod, taint)) return {"node(s) had untolerated taint(s)"};
  }
  if (!affinity_holds(pod, node)) return {"node(s) didn't match Pod's node affinity/selector"};
  if (ports_taken(pod, state)) return {"node(s) didn't have free ports for the requested pod ports"};
  return insufficient(pod, state);
}

std::vector<std::int64_t> scores(const Value& pod, const std::vector<NodeState>& candidates) {
  const Amounts wanted = pod_requests(pod);
  const Amounts for_score = pod_requests(pod, true);
  std::vector<std::int64_t> taints;
  std::vector<std::int64_t> affinity;
  std::vector<std::int64_t> out;
  for (const NodeState& state : candidates) {
    taints.push_back(soft_taints(pod, *state.node));
    affinity.push_back(preference(pod, *state.node));
    out.push_back(least_allocated(state, for_score) + balanced(state, wanted));
  }
  normalise(taints, true);
  normalise(affinity, false);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] += kTaintWeight * taints[i] + kAffinityWeight * affinity[i];
  return out;
}

std::string unschedulable_message(std::size_t nodes, const std::map<std::string, int>& reasons) {
  if (nodes == 0) return "no nodes available to schedule pods";
  std::vector<std::string> parts;
  for (const auto& [reason, count] : reasons) parts.push_back(fmt::format("{} {}", count, reason));
  std::ranges::sort(parts);
  return fmt::format("0/{} nodes are available: {}.", nodes, fmt::join(parts, ", "));
}

}  // namespace fairlead::control
