// Source: pkg/controller/endpointslice/endpointslice_controller.go; k8s.io/endpointslice/{reconciler,utils}.go.
#include <algorithm>
#include <map>

#include "engine/control/ownership.h"
#include "engine/control/pod_state.h"
#include "engine/control/service_endpoints.h"
#include "engine/control/workload_controllers.h"

namespace fairlead::control {
namespace {

constexpr std::size_t kMaxEndpoints = 100;  ///< Per slice: --max-endpoints-per-slice.
constexpr std::string_view kManagedBy = "endpointslice.kubernetes.io/managed-by";
constexpr std::string_view kController = "endpointslice-controller.k8s.io";
constexpr std::string_view kHeadless = "service.kubernetes.io/headless";

/// What a slice holds beyond its name.
struct Content {
  Value ports;
  Value::Array endpoints;
};

bool belongs_in_slices(const Value& pod) { return !pod_is_terminal(pod) && !pod.at("status", "podIP").str().empty(); }

/// The pod's port for a Service port; 0 when the pod has none of that name.
std::int64_t target_port(const Value& pod, const Value& port) {
  const Value& target = port.at("targetPort");
  if (target.is_null()) return port.at("port").int_or(0);
  if (!target.is_string()) return target.int_or(0);
  return find_port(pod, target.str(), port.at("protocol").string_or("TCP"));
}

Value ports_of(const api::Object& service, const Value& pod) {
  Value out = Value::array();
  for (const Value& port : service.at("spec", "ports").items()) {
    const std::int64_t number = target_port(pod, port);
    if (number == 0) continue;
    Value one = Value::object(
        {{"name", port.at("name").str()}, {"port", number}, {"protocol", port.at("protocol").string_or("TCP")}});
    if (port.has("appProtocol")) one.set("appProtocol", port.at("appProtocol"));
    out.push_back(std::move(one));
  }
  return out;
}

Value endpoint_of(const api::Object& service, const api::Object& pod) {
  const bool serving = pod_is_ready(pod.tree());
  const bool ready = service.at("spec", "publishNotReadyAddresses").bool_or(false) || (serving && !pod.deleting());
  Value out = Value::object(
      {{"addresses", Value::array({pod.at("status", "podIP").str()})},
       {"conditions", Value::object({{"ready", ready}, {"serving", serving}, {"terminating", pod.deleting()}})},
       {"targetRef",
        Value::object({{"kind", "Pod"}, {"namespace", pod.ns()}, {"name", pod.name()}, {"uid", pod.uid()}})}});
  const std::string_view node = pod.at("spec", "nodeName").str();
  if (!node.empty()) out.set("nodeName", node);
  const std::string_view hostname = pod.at("spec", "hostname").str();
  if (!hostname.empty() && pod.at("spec", "subdomain").str() == service.name()) out.set("hostname", hostname);
  return out;
}

class EndpointSliceController final : public Reconciler {
 public:
  explicit EndpointSliceController(api::Api& api)
      : api_(api),
        services_(api.schema().resource("", "services")),
        pods_(api.schema().resource("", "pods")),
        slices_(api.schema().resource("discovery.k8s.io", "endpointslices")) {}

  [[nodiscard]] std::string_view name() const override { return "endpointslice"; }

  void observe(const api::Event& event, Queue& queue) override {
    const api::Object& object = *event.object;
    if (&object.resource() == &services_) return queue.add(object.key());
    if (&object.resource() == &slices_) {
      const std::string_view service = object.label(kServiceNameLabel);
      if (!service.empty()) queue.add({&services_, std::string(object.ns()), std::string(service)});
      return;
    }
    if (&object.resource() != &pods_) return;
    const bool gone = event.type == api::Event::Type::kDeleted;
    if (!gone && event.before != nullptr && !matters(*event.before, object)) return;
    for (const api::ObjectPtr& service : api_.list(services_, object.ns())) {
      const Value& wanted = service->at("spec", "selector");
      if (wanted.empty()) continue;
      const api::Selector selector = api::Selector::from_map(wanted);
      const bool before = event.before != nullptr && selector.matches(event.before->at("metadata", "labels"));
      if (before || selector.matches(object.at("metadata", "labels"))) queue.add(service->key());
    }
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const api::ObjectPtr service = api_.get(key);
    std::vector<api::ObjectPtr> existing = managed_slices(key);
    if (service == nullptr || service->deleting()) return Again::when_changed();  // Owner references clean up.
    const bool selects = !service->at("spec", "selector").empty();
    if (!selects || service->at("spec", "type").str() == "ExternalName") return write(*service, {}, existing);
    return write(*service, contents(*service), existing);
  }

 private:
  /// Whether a change of a pod can change a slice.
  static bool matters(const api::Object& before, const api::Object& after) {
    return before.at("status", "podIP") != after.at("status", "podIP") || before.deleting() != after.deleting() ||
           pod_is_ready(before.tree()) != pod_is_ready(after.tree()) ||
           pod_is_terminal(before.tree()) != pod_is_terminal(after.tree()) ||
           before.at("spec", "nodeName") != after.at("spec", "nodeName") ||
           before.at("metadata", "labels") != after.at("metadata", "labels");
  }

  [[nodiscard]] std::vector<api::ObjectPtr> managed_slices(const api::Key& service) const {
    const Value labels =
        Value::object({{std::string(kServiceNameLabel), service.name}, {std::string(kManagedBy), kController}});
    std::vector<api::ObjectPtr> out = api_.list(slices_, service.ns, api::Selector::from_map(labels));
    std::erase_if(out, [](const api::ObjectPtr& slice) { return slice->deleting(); });
    return out;
  }

  /// Slices of pods with the same port numbers, at most kMaxEndpoints each; one empty slice when there are no pods.
  [[nodiscard]] std::vector<Content> contents(const api::Object& service) const {
    const api::Selector selector = api::Selector::from_map(service.at("spec", "selector"));
    std::vector<Content> out;
    for (const api::ObjectPtr& pod : api_.list(pods_, service.ns(), selector)) {
      if (!belongs_in_slices(pod->tree())) continue;
      Value ports = ports_of(service, pod->tree());
      auto slice = std::ranges::find_if(
          out, [&](const Content& c) { return c.ports == ports && c.endpoints.size() < kMaxEndpoints; });
      if (slice == out.end()) slice = out.insert(out.end(), Content{std::move(ports), {}});
      slice->endpoints.push_back(endpoint_of(service, *pod));
    }
    if (out.empty()) out.push_back({Value::array(), {}});
    return out;
  }

  Result<Again> write(const api::Object& service, std::vector<Content> wanted,
                      const std::vector<api::ObjectPtr>& existing) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const Value tree = slice_tree(service, std::move(wanted[i]));
      const auto written = i < existing.size() ? api_.mutate(
                                                     existing[i]->key(), api::Subresource::kNone,
                                                     [&](Value& old) { take_over(old, tree); })
                                               : api_.create(slices_, service.ns(), tree);
      if (!written) return fail("{}", written.error().message);
    }
    for (std::size_t i = wanted.size(); i < existing.size(); ++i) {
      const auto removed = api_.remove(existing[i]->key());
      if (!removed && !removed.error().not_found()) return fail("{}", removed.error().message);
    }
    return Again::when_changed();
  }

  static void take_over(Value& old, const Value& tree) {
    old.set("endpoints", tree.at("endpoints"));
    old.set("ports", tree.at("ports"));
    old.make("metadata").set("labels", tree.at("metadata", "labels"));
  }

  static Value slice_tree(const api::Object& service, Content content) {
    Value labels = service.at("metadata", "labels").is_object() ? service.at("metadata", "labels") : Value::object();
    labels.set(kServiceNameLabel, service.name());
    labels.set(kManagedBy, kController);
    if (service.at("spec", "clusterIP").str() == "None") labels.set(kHeadless, "");
    return Value::object(
        {{"apiVersion", "discovery.k8s.io/v1"},
         {"kind", "EndpointSlice"},
         {"metadata", Value::object({{"generateName", fmt::format("{}-", service.name())},
                                     {"namespace", service.ns()},
                                     {"labels", std::move(labels)},
                                     {"ownerReferences", Value::array({controller_reference(service)})}})},
         {"addressType", "IPv4"},
         {"endpoints", Value(std::move(content.endpoints))},
         {"ports", std::move(content.ports)}});
  }

  api::Api& api_;
  const api::Resource& services_;
  const api::Resource& pods_;
  const api::Resource& slices_;
};

}  // namespace

std::unique_ptr<Reconciler> make_endpoint_slice_controller(api::Api& api) {
  return std::make_unique<EndpointSliceController>(api);
}

}  // namespace fairlead::control
