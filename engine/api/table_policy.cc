#include <array>
#include <vector>

#include "engine/api/table_cells.h"

namespace fairlead::api::table {
namespace {

using Cells = Value::Array;

constexpr std::size_t kMetricsShown = 2;

/// The source of one metric spec or status: {"type": "Resource", "resource": {…}} gives the inner object.
const Value& metric_source(const Value& metric) {
  const auto type = metric.at("type").str();
  if (type == "Resource") return metric.at("resource");
  if (type == "ContainerResource") return metric.at("containerResource");
  if (type == "Pods") return metric.at("pods");
  if (type == "Object") return metric.at("object");
  if (type == "External") return metric.at("external");
  static const Value none;
  return none;
}

std::string quantity_or_unknown(const Value& quantity) { return quantity.is_null() ? "<unknown>" : text_of(quantity); }

std::string percent(const Value& utilization, std::string_view otherwise) {
  if (!utilization.is_int()) return std::string(otherwise);
  return fmt::format("{}%", utilization.int_or(0));
}

std::string format_metric(const Value& spec, const Value& status) {
  const auto type = spec.at("type").str();
  const auto& source = metric_source(spec);
  const auto& target = source.at("target");
  const auto& current = metric_source(status).at("current");
  if (type == "Resource" || type == "ContainerResource") {
    const auto name_of_resource = source.at("name").str();
    if (!target.at("averageValue").is_null()) {
      return fmt::format("{}: {}/{}", name_of_resource, quantity_or_unknown(current.at("averageValue")),
                         text_of(target.at("averageValue")));
    }
    return fmt::format("{}: {}/{}", name_of_resource, percent(current.at("averageUtilization"), "<unknown>"),
                       percent(target.at("averageUtilization"), "<auto>"));
  }
  if (type == "Pods") {
    return fmt::format("{}/{}", quantity_or_unknown(current.at("averageValue")), text_of(target.at("averageValue")));
  }
  if (type != "Object" && type != "External") return "<unknown type>";
  if (!target.at("averageValue").is_null()) {
    return fmt::format("{}/{} (avg)", quantity_or_unknown(current.at("averageValue")),
                       text_of(target.at("averageValue")));
  }
  return fmt::format("{}/{}", quantity_or_unknown(current.at("value")), text_of(target.at("value")));
}

std::string format_metrics(const Value& o) {
  const auto& specs = o.at("spec", "metrics").items();
  if (specs.empty()) return "<none>";
  std::vector<std::string> list;
  for (std::size_t i = 0; i < specs.size() && i < kMetricsShown; ++i) {
    list.push_back(format_metric(specs[i], o.at("status", "currentMetrics", i)));
  }
  auto text = fmt::format("{}", fmt::join(list, ", "));
  if (specs.size() <= kMetricsShown) return text;
  return fmt::format("{} + {} more...", text, specs.size() - kMetricsShown);
}

Cells autoscaler(const Value& o, Time now) {
  const auto& target = o.at("spec", "scaleTargetRef");
  const auto& minimum = o.at("spec", "minReplicas");
  return {name(o),
          fmt::format("{}/{}", target.at("kind").str(), target.at("name").str()),
          format_metrics(o),
          minimum.is_null() ? "<unset>" : text_of(minimum),
          count(o.at("spec", "maxReplicas")),
          count(o.at("status", "currentReplicas")),
          age(o, now)};
}

Cells disruption_budget(const Value& o, Time now) {
  const auto& minimum = o.at("spec", "minAvailable");
  const auto& maximum = o.at("spec", "maxUnavailable");
  return {name(o), minimum.is_null() ? "N/A" : text_of(minimum), maximum.is_null() ? "N/A" : text_of(maximum),
          count(o.at("status", "disruptionsAllowed")), age(o, now)};
}

Cells network_policy(const Value& o, Time now) {
  return {name(o), format_selector(o.at("spec", "podSelector")), age(o, now)};
}

std::string subjects(const Value& o, std::string_view kind) {
  std::vector<std::string> names;
  for (const auto& subject : o.at("subjects").items()) {
    if (subject.at("kind").str() != kind) continue;
    const bool account = kind == "ServiceAccount";
    names.push_back(account ? fmt::format("{}/{}", subject.at("namespace").str(), subject.at("name").str())
                            : std::string(subject.at("name").str()));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

Cells role_binding(const Value& o, Time now) {
  return {name(o),
          fmt::format("{}/{}", o.at("roleRef", "kind").str(), o.at("roleRef", "name").str()),
          age(o, now),
          subjects(o, "User"),
          subjects(o, "Group"),
          subjects(o, "ServiceAccount")};
}

Cells lease(const Value& o, Time now) { return {name(o), o.at("spec", "holderIdentity").str(), age(o, now)}; }

Cells priority_class(const Value& o, Time now) {
  return {name(o), count(o.at("value")), o.at("globalDefault").bool_or(false), age(o, now),
          o.at("preemptionPolicy").str()};
}

Cells runtime_class(const Value& o, Time now) { return {name(o), o.at("handler").str(), age(o, now)}; }

std::string with_default_mark(const Value& o, std::string_view annotation) {
  std::string out(name(o));
  if (o.at("metadata", "annotations", annotation).str() == "true") out += " (default)";
  return out;
}

Cells ingress_class(const Value& o, Time now) {
  std::string parameters = "<none>";
  if (const auto& p = o.at("spec", "parameters"); p.is_object()) {
    parameters = std::string(p.at("kind").str());
    if (p.has("apiGroup")) parameters += fmt::format(".{}", p.at("apiGroup").str());
    parameters += fmt::format("/{}", p.at("name").str());
  }
  return {with_default_mark(o, "ingressclass.kubernetes.io/is-default-class"), o.at("spec", "controller").str(),
          parameters, age(o, now)};
}

Cells storage_class(const Value& o, Time now) {
  return {with_default_mark(o, "storageclass.kubernetes.io/is-default-class"),
          o.at("provisioner").str(),
          o.at("reclaimPolicy").string_or("Delete"),
          o.at("volumeBindingMode").string_or("Immediate"),
          o.at("allowVolumeExpansion").bool_or(false),
          age(o, now)};
}

constexpr std::array kPrinters = {
    Printer{"autoscaling", "HorizontalPodAutoscaler", autoscaler},
    Printer{"policy", "PodDisruptionBudget", disruption_budget},
    Printer{"networking.k8s.io", "NetworkPolicy", network_policy},
    Printer{"rbac.authorization.k8s.io", "RoleBinding", role_binding},
    Printer{"rbac.authorization.k8s.io", "ClusterRoleBinding", role_binding},
    Printer{"coordination.k8s.io", "Lease", lease},
    Printer{"scheduling.k8s.io", "PriorityClass", priority_class},
    Printer{"node.k8s.io", "RuntimeClass", runtime_class},
    Printer{"networking.k8s.io", "IngressClass", ingress_class},
    Printer{"storage.k8s.io", "StorageClass", storage_class},
};

}  // namespace

std::span<const Printer> policy_printers() { return kPrinters; }

}  // namespace fairlead::api::table
