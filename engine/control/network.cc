#include <algorithm>
#include <map>
#include <optional>

#include "engine/control/network_policy.h"
#include "engine/control/pod_state.h"
#include "engine/control/service_endpoints.h"
#include "engine/control/workload_controllers.h"

namespace fairlead::control {
namespace {

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
                          static_cast<std::uint16_t>(port.at("port").int_or(0)),
                          service_endpoints(slices, port.at("name").str())};
    out.ports.push_back(std::move(one));
  }
  if (out.cluster_ip == "None") out.headless = headless_addresses(slices);
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
      const std::string_view service = slice->label(kServiceNameLabel);
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
