// Source: pkg/proxy/endpointslicecache.go and topology.go, CategorizeEndpoints, for which endpoints a Service uses.
#include <algorithm>
#include <map>
#include <optional>

#include "engine/control/network_policy.h"
#include "engine/control/pod_state.h"
#include "engine/control/workload_controllers.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kServiceName = "kubernetes.io/service-name";

/// The pod network is IPv4; slices of other addresses lead nowhere in it.
bool is_ipv4(const api::Object& slice) { return slice.at("addressType").string_or("IPv4") == "IPv4"; }

/// The addresses of a slice that traffic goes to: the ready ones. `fallback`: those that end but still serve.
bool usable(const Value& endpoint, bool fallback) {
  const Value& conditions = endpoint.at("conditions");
  if (!fallback) return conditions.at("ready").bool_or(true);
  return conditions.at("serving").bool_or(true) && conditions.at("terminating").bool_or(false);
}

std::vector<seam::Endpoint> endpoints(const std::vector<api::ObjectPtr>& slices, const Value& port, bool fallback) {
  std::vector<seam::Endpoint> out;
  for (const api::ObjectPtr& slice : slices) {
    if (!is_ipv4(*slice)) continue;
    for (const Value& candidate : slice->at("ports").items()) {
      if (candidate.at("name").str() != port.at("name").str()) continue;
      const auto number = static_cast<std::uint16_t>(candidate.at("port").int_or(0));
      for (const Value& endpoint : slice->at("endpoints").items()) {
        if (!usable(endpoint, fallback)) continue;
        for (const Value& ip : endpoint.at("addresses").items()) out.push_back({std::string(ip.str()), number});
      }
    }
  }
  std::ranges::sort(out);
  return out;
}

seam::ServiceProgram service_program(const api::Object& service, const std::vector<api::ObjectPtr>& slices) {
  seam::ServiceProgram out;
  out.ns = service.ns();
  out.name = service.name();
  if (service.at("spec", "type").str() == "ExternalName") {
    out.external_name = service.at("spec", "externalName").str();
    return out;
  }
  out.cluster_ip = service.at("spec", "clusterIP").str();
  for (const Value& port : service.at("spec", "ports").items()) {
    seam::ServicePort one{std::string(port.at("name").str()), std::string(port.at("protocol").string_or("TCP")),
                          static_cast<std::uint16_t>(port.at("port").int_or(0)), endpoints(slices, port, false)};
    if (one.endpoints.empty()) one.endpoints = endpoints(slices, port, true);
    out.ports.push_back(std::move(one));
  }
  if (out.cluster_ip != "None") return out;
  for (const api::ObjectPtr& slice : slices) {
    if (!is_ipv4(*slice)) continue;
    for (const Value& endpoint : slice->at("endpoints").items()) {
      if (!usable(endpoint, false)) continue;
      for (const Value& ip : endpoint.at("addresses").items()) {
        out.headless.push_back({std::string(endpoint.at("hostname").str()), std::string(ip.str())});
      }
    }
  }
  std::ranges::sort(out.headless);
  return out;
}

class NetworkController final : public Reconciler {
 public:
  NetworkController(api::Api& api, std::vector<seam::Node*> nodes)
      : api_(api),
        nodes_(std::move(nodes)),
        nodes_resource_(api.schema().resource("", "nodes")),
        services_(api.schema().resource("", "services")),
        pods_(api.schema().resource("", "pods")),
        namespaces_(api.schema().resource("", "namespaces")),
        slices_(api.schema().resource("discovery.k8s.io", "endpointslices")),
        policies_(api.schema().resource("networking.k8s.io", "networkpolicies")) {}

  [[nodiscard]] std::string_view name() const override { return "network"; }

  void observe(const api::Event& event, Queue& queue) override {
    const api::Resource* resource = &event.object->resource();
    const bool concerns = resource == &services_ || resource == &slices_ || resource == &policies_ ||
                          (resource == &namespaces_ && labels_changed(event)) ||
                          (resource == &pods_ && (labels_changed(event) || address_changed(event)));
    if (!concerns) return;
    for (const seam::Node* node : nodes_) queue.add({&nodes_resource_, "", node->name()});
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const auto node = std::ranges::find_if(nodes_, [&](const seam::Node* n) { return n->name() == key.name; });
    if (node == nodes_.end()) return Again::when_changed();
    seam::NetworkProgram program = compute();
    std::optional<seam::NetworkProgram>& last = told_[key.name];
    if (last && *last == program) return Again::when_changed();
    last = program;
    (*node)->program(std::move(program));
    return Again::when_changed();
  }

 private:
  static bool labels_changed(const api::Event& event) {
    return event.type != api::Event::Type::kModified ||
           event.before->at("metadata", "labels") != event.object->at("metadata", "labels");
  }
  static bool address_changed(const api::Event& event) {
    return event.before->at("status", "podIP") != event.object->at("status", "podIP") ||
           event.before->at("status", "phase") != event.object->at("status", "phase");
  }

  [[nodiscard]] seam::NetworkProgram compute() const {
    std::map<std::pair<std::string, std::string>, std::vector<api::ObjectPtr>> slices;
    for (const api::ObjectPtr& slice : api_.list(slices_)) {
      const std::string_view service = slice->label(kServiceName);
      if (!service.empty()) slices[{std::string(slice->ns()), std::string(service)}].push_back(slice);
    }
    seam::NetworkProgram out;
    for (const api::ObjectPtr& service : api_.list(services_)) {
      out.services.push_back(
          service_program(*service, slices[{std::string(service->ns()), std::string(service->name())}]));
    }
    const std::vector<api::ObjectPtr> pods = api_.list(pods_);
    out.pods = compile_policies(api_.list(policies_), pods, api_.list(namespaces_));
    for (const api::ObjectPtr& pod : pods) {
      const std::string_view ip = pod->at("status", "podIP").str();
      if (!ip.empty() && !pod_is_terminal(pod->tree())) out.known.push_back({std::string(pod->uid()), std::string(ip)});
    }
    std::ranges::sort(out.known);
    return out;
  }

  api::Api& api_;
  std::vector<seam::Node*> nodes_;
  const api::Resource& nodes_resource_;
  const api::Resource& services_;
  const api::Resource& pods_;
  const api::Resource& namespaces_;
  const api::Resource& slices_;
  const api::Resource& policies_;
  std::map<std::string, std::optional<seam::NetworkProgram>> told_;
};

}  // namespace

std::unique_ptr<Reconciler> make_network_controller(api::Api& api, std::vector<seam::Node*> nodes) {
  return std::make_unique<NetworkController>(api, std::move(nodes));
}

}  // namespace fairlead::control
