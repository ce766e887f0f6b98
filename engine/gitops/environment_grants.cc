#include "engine/gitops/environment_grants.h"

#include <algorithm>
#include <array>

namespace fairlead::gitops {
namespace {

constexpr std::string_view kServiceNamespace = "shop";
constexpr std::string_view kKeda = "keda";

struct AddOn {
  std::string_view name;
  std::string_view k8s_namespace;
  std::string_view service_account;
};

// KEDA is AKS's add-on; the others come from infrastructure/platform. Velero, the collector and Prometheus are granted
// nothing yet: what they would be granted (snapshots, ingestion of logs and metrics) comes with backup and
// observability.
constexpr auto kAddOns = std::to_array<AddOn>({
    {kKeda, "kube-system", "keda-operator"},
    {"external-secrets", "external-secrets", "external-secrets"},
    {"velero", "velero", "velero-server"},
    {"collector", "monitoring", "collector"},
    {"prometheus", "monitoring", "prometheus"},
});

// Other identities of an environment: Application Gateway's, the runners' and the pipelines'.
constexpr auto kOthers = std::to_array<std::string_view>({"application-gateway", "runners", "plan", "deploy"});

const std::map<std::string, Source>& needs_of(const EnvironmentSources& sources) {
  return sources.needs.at(sources.name);
}

Value identity(std::string name, std::string_view k8s_namespace, std::string_view service_account) {
  return Value::object({{"name", std::move(name)}, {"namespace", k8s_namespace}, {"serviceAccount", service_account}});
}

void add_grant(Value& grants, std::string_view service, const Value& grant) {
  const std::string_view kind = grant.has("container") ? "container" : "queue";
  const std::string_view target = grant.at(kind).str();
  const std::string_view access = grant.at("access").str();
  Value out = Value::object({{"identity", service}, {std::string(kind), target}, {"access", access}});
  grants[std::string(kind) + "s"].set(fmt::format("{}:{}:{}", service, target, access), std::move(out));
  if (access != "receive") return;
  // KEDA counts the messages of what somebody receives.
  grants["queues"].set(fmt::format("{}:{}:measure", kKeda, target),
                       Value::object({{"identity", kKeda}, {"queue", target}, {"access", "measure"}}));
}

}  // namespace

std::string azure_name(std::string_view target) {
  std::string out(target);
  out.replace(out.find('/'), 1, "-");
  return out;
}

bool is_platform_identity(std::string_view name) {
  return std::ranges::find(kAddOns, name, &AddOn::name) != kAddOns.end() ||
         std::ranges::find(kOthers, name) != kOthers.end();
}

Value environment_identities(const EnvironmentSources& sources, const EnvironmentNames& names) {
  Value out = Value::object();
  for (const auto& [service, needs] : needs_of(sources)) {
    out.set(service, identity(names.identity(service), kServiceNamespace, service));
  }
  for (const AddOn& addon : kAddOns) {
    out.set(addon.name, identity(names.identity(addon.name), addon.k8s_namespace, addon.service_account));
  }
  return out;
}

Value environment_containers(const EnvironmentSources& sources) {
  Value out = Value::object();
  for (const auto& [service, needs] : needs_of(sources)) {
    for (const Member& container : needs.document.at("containers").members()) {
      const Value& override = sources.at_own("services").at(service, "overrides", "containers", container.key);
      const Value& throughput = override.is_null() ? sources.at_own("data").at("cosmos", "throughput") : override;
      Value entry = Value::object({{"database", service}, {"name", container.key}});
      for (const Member& member : container.value.members()) entry.set(member.key, member.value);
      entry.set("mode", throughput.at("mode")).set("requestUnits", throughput.at("requestUnits"));
      out.set(service + "/" + container.key, std::move(entry));
    }
  }
  return out;
}

Value environment_queues(const EnvironmentSources& sources) {
  Value out = Value::object();
  for (const auto& [service, needs] : needs_of(sources)) {
    for (const Value& queue : needs.document.at("queues").items()) {
      const std::string key = service + "/" + std::string(queue.str());
      out.set(key, Value::object({{"name", azure_name(key)}}));
    }
  }
  return out;
}

Value environment_grants(const EnvironmentSources& sources) {
  Value out = Value::object({{"containers", Value::object()},
                             {"queues", Value::object()},
                             {"secrets", Value::object()},
                             {"redis", Value::object()}});
  for (const auto& [service, needs] : needs_of(sources)) {
    for (const Value& grant : needs.document.at("grants").items()) add_grant(out, service, grant);
    for (const Value& secret : needs.document.at("secrets").items()) {
      const std::string key = service + "/" + std::string(secret.str());
      out["secrets"].set(key, Value::object({{"identity", service}, {"secret", azure_name(key)}}));
    }
    if (needs.document.at("redis").bool_or(false)) {
      out["redis"].set(service, Value::object({{"identity", service}}));
    }
  }
  return out;
}

}  // namespace fairlead::gitops
