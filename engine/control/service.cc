#include "engine/control/event_recorder.h"
#include "engine/control/workload_controllers.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kReason = "NotActedOn";

class ServiceController final : public Reconciler {
 public:
  explicit ServiceController(api::Api& api)
      : api_(api), services_(api.schema().resource("", "services")), events_(api, "service-controller") {}

  [[nodiscard]] std::string_view name() const override { return "service"; }

  void observe(const api::Event& event, Queue& queue) override {
    if (&event.object->resource() != &services_ || event.type == api::Event::Type::kDeleted) return;
    if (event.before == nullptr || event.before->at("spec") != event.object->at("spec")) queue.add(event.object->key());
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const api::ObjectPtr service = api_.get(key);
    if (service == nullptr) return Again::when_changed();
    const Value& spec = service->at("spec");
    const auto warn = [&](const std::string& message) { events_.warning(*service, kReason, message); };
    if (spec.at("sessionAffinity").str() == "ClientIP") {
      warn("spec.sessionAffinity ClientIP is not acted on here: connections of a client may reach different pods");
    }
    for (const std::string_view field : {"externalTrafficPolicy", "internalTrafficPolicy"}) {
      if (spec.at(field).str() == "Local") warn(fmt::format("spec.{} Local is not acted on here", field));
    }
    for (const std::string_view field : {"externalIPs", "loadBalancerSourceRanges"}) {
      if (!spec.at(field).empty()) warn(fmt::format("spec.{} is not acted on here", field));
    }
    if (!spec.at("trafficDistribution").is_null()) {
      warn("spec.trafficDistribution is not acted on here: all endpoints are equally near");
    }
    const std::string_view type = spec.at("type").str();
    if (type == "LoadBalancer") {
      warn(
          "a Service of type LoadBalancer gets its cluster IP for an address: it is reachable inside the cluster only");
    } else if (type == "NodePort") {
      warn("a Service of type NodePort is reachable inside the cluster only");
    }
    return give_address(*service);
  }

 private:
  /// As the load balancers of local clusters do, with the one address that there is: who waits for an address, as the
  /// sync of an Application, would wait for ever.
  [[nodiscard]] Result<Again> give_address(const api::Object& service) {
    Value wanted = Value::object();
    const Value& address = service.at("spec", "clusterIP");
    if (service.at("spec", "type").str() == "LoadBalancer" && !address.str().empty())
      wanted.set("ingress", Value::array({Value::object({{"ip", address}})}));
    const Value& now = service.at("status", "loadBalancer");
    if (now == wanted || (now.empty() && wanted.empty())) return Again::when_changed();
    const auto written =
        api_.mutate(service.key(), services_.has_status ? api::Subresource::kStatus : api::Subresource::kNone,
                    [&](Value& tree) { tree.make("status").set("loadBalancer", wanted); });
    if (!written && !written.error().not_found()) return fail("{}", written.error().message);
    return Again::when_changed();
  }

  api::Api& api_;
  const api::Resource& services_;
  EventRecorder events_;
};

}  // namespace

std::unique_ptr<Reconciler> make_service_controller(api::Api& api) { return std::make_unique<ServiceController>(api); }

}  // namespace fairlead::control
