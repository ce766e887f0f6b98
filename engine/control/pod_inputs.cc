#include "engine/control/pod_inputs.h"

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "base/expansion.h"

namespace fairlead::control {
namespace {

bool is_env_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c < 127 && c != '='; });
}

std::string upper_name(std::string_view name) {
  std::string out(name);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return out;
}

}  // namespace

PodResolver::PodResolver(const api::Api& api, const api::Object& pod, std::string host_ip, Value allocatable,
                         PodTokens tokens)
    : api_(api),
      pod_(pod),
      host_ip_(std::move(host_ip)),
      allocatable_(std::move(allocatable)),
      tokens_(std::move(tokens)) {}

std::expected<seam::PodInputs, MissingReference> PodResolver::resolve() {
  for (const Value& one : pod_.at("spec", "volumes").items()) {
    const std::string name(one.at("name").str());
    if (auto failure = volume(one)) {
      return std::unexpected(
          MissingReference{"", name, fmt::format("MountVolume.SetUp failed for volume \"{}\" : {}", name, *failure)});
    }
  }
  for (const std::string_view list : {"initContainers", "containers"}) {
    for (const Value& container : pod_.at("spec", list).items()) {
      if (auto failure = environment(container)) {
        return std::unexpected(MissingReference{std::string(container.at("name").str()), "", *failure});
      }
    }
  }
  return std::move(out_);
}

PodResolver::Failure PodResolver::environment(const Value& container) {
  std::map<std::string, std::string> values;
  std::vector<std::string> order;
  for (const Value& source : container.at("envFrom").items()) {
    if (auto failure = env_from(source, values, order)) return failure;
  }
  std::map<std::string, std::string> services = service_variables();
  const auto set = [&](const std::string& name, std::string value) {
    if (!values.contains(name)) order.push_back(name);
    values.insert_or_assign(name, std::move(value));
  };
  for (const Value& variable : container.at("env").items()) {
    const std::string name(variable.at("name").str());
    if (variable.has("valueFrom")) {
      auto value = value_from(variable.at("valueFrom"), container);
      if (!value) return value.error();
      if (*value) set(name, **value);
      continue;
    }
    const auto find = [&](std::string_view wanted) -> const std::string* {
      for (const auto* known : {&values, &services}) {
        if (const auto found = known->find(std::string(wanted)); found != known->end()) return &found->second;
      }
      return nullptr;
    };
    set(name, expand(variable.at("value").str(), find));
  }
  for (auto& [name, value] : services) {
    if (!values.contains(name)) set(name, std::move(value));
  }
  auto& env = out_.env[std::string(container.at("name").str())];
  for (const std::string& name : order) env.emplace_back(name, values.at(name));
  return std::nullopt;
}

PodResolver::Failure PodResolver::env_from(const Value& source, std::map<std::string, std::string>& values,
                                           std::vector<std::string>& order) {
  const bool is_secret = source.has("secretRef");
  const Value& reference = source.at(is_secret ? "secretRef" : "configMapRef");
  const std::string name(reference.at("name").str());
  const api::ObjectPtr object =
      api_.get(api_.schema().resource("", is_secret ? "secrets" : "configmaps"), pod_.ns(), name);
  if (object == nullptr) {
    if (reference.at("optional").bool_or(false)) return std::nullopt;
    return fmt::format("{} \"{}\" not found", is_secret ? "secret" : "configmap", name);
  }
  for (const Member& m : object->at("data").members()) {
    const std::string key = std::string(source.at("prefix").str()) + m.key;
    if (!is_env_name(key)) continue;
    std::string value(m.value.str());
    if (is_secret) value = base64_decode(value).value_or("");
    if (!values.contains(key)) order.push_back(key);
    values.insert_or_assign(key, std::move(value));
  }
  return std::nullopt;
}

/// The value, nothing for an optional reference that is not there, or what is missing.
std::expected<std::optional<std::string>, std::string> PodResolver::value_from(const Value& source,
                                                                               const Value& container) {
  if (source.has("fieldRef")) return field(source.at("fieldRef", "fieldPath").str());
  if (source.has("resourceFieldRef")) return resource_field(source.at("resourceFieldRef"), container);
  const bool is_secret = source.has("secretKeyRef");
  const Value& reference = source.at(is_secret ? "secretKeyRef" : "configMapKeyRef");
  const std::string name(reference.at("name").str());
  const std::string key(reference.at("key").str());
  const bool optional = reference.at("optional").bool_or(false);
  const api::ObjectPtr object =
      api_.get(api_.schema().resource("", is_secret ? "secrets" : "configmaps"), pod_.ns(), name);
  if (object == nullptr) {
    if (optional) return std::nullopt;
    return std::unexpected(fmt::format("{} \"{}\" not found", is_secret ? "secret" : "configmap", name));
  }
  const Value* value = object->at("data").find(key);
  if (value == nullptr) {
    if (optional) return std::nullopt;
    return std::unexpected(
        fmt::format("couldn't find key {} in {} {}/{}", key, is_secret ? "Secret" : "ConfigMap", pod_.ns(), name));
  }
  return is_secret ? base64_decode(value->str()).value_or("") : std::string(value->str());
}

/// Variables that name Services, as Docker's links did. Source: pkg/kubelet/envvars/envvars.go, FromServices.
std::map<std::string, std::string> PodResolver::service_variables() const {
  std::map<std::string, std::string> out;
  const bool links = pod_.at("spec", "enableServiceLinks").bool_or(true);
  const api::Resource& services = api_.schema().resource("", "services");
  std::vector<api::ObjectPtr> visible;
  if (const auto kubernetes = api_.get(services, "default", "kubernetes")) visible.push_back(kubernetes);
  if (links) std::ranges::move(api_.list(services, pod_.ns()), std::back_inserter(visible));
  for (const api::ObjectPtr& service : visible) {
    const std::string ip(service->at("spec", "clusterIP").str());
    if (ip.empty() || ip == "None" || service->at("spec", "ports").empty()) continue;
    const std::string name = upper_name(service->name());
    out[name + "_SERVICE_HOST"] = ip;
    out[name + "_SERVICE_PORT"] = fmt::format("{}", service->at("spec", "ports", 0, "port").int_or(0));
    for (const Value& port : service->at("spec", "ports").items()) {
      const std::int64_t number = port.at("port").int_or(0);
      const std::string protocol(port.at("protocol").string_or("TCP"));
      std::string lower = protocol;
      std::ranges::transform(lower, lower.begin(), [](char c) { return static_cast<char>(c | 0x20); });
      const std::string url = fmt::format("{}://{}:{}", lower, ip, number);
      if (!port.at("name").str().empty()) {
        out[fmt::format("{}_SERVICE_PORT_{}", name, upper_name(port.at("name").str()))] = fmt::format("{}", number);
      }
      out.emplace(name + "_PORT", url);
      const std::string prefix = fmt::format("{}_PORT_{}_{}", name, number, protocol);
      out[prefix] = url;
      out[prefix + "_PROTO"] = lower;
      out[prefix + "_PORT"] = fmt::format("{}", number);
      out[prefix + "_ADDR"] = ip;
    }
  }
  return out;
}

bool refers_to(const Value& pod, std::string_view kind, std::string_view name) {
  const bool secret = kind == "Secret";
  const auto named = [&](const Value& reference) { return reference.at("name").str() == name; };
  for (const std::string_view list : {"initContainers", "containers"}) {
    for (const Value& container : pod.at("spec", list).items()) {
      for (const Value& e : container.at("env").items()) {
        if (named(e.at("valueFrom", secret ? "secretKeyRef" : "configMapKeyRef"))) return true;
      }
      for (const Value& e : container.at("envFrom").items()) {
        if (named(e.at(secret ? "secretRef" : "configMapRef"))) return true;
      }
    }
  }
  for (const Value& volume : pod.at("spec", "volumes").items()) {
    if (secret ? volume.at("secret", "secretName").str() == name : named(volume.at("configMap"))) return true;
    for (const Value& source : volume.at("projected", "sources").items()) {
      if (named(source.at(secret ? "secret" : "configMap"))) return true;
    }
  }
  return false;
}

}  // namespace fairlead::control
