#include "engine/control/gateway.h"

#include <algorithm>

#include "engine/control/conditions.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kGroup = "gateway.networking.k8s.io";

std::int64_t generation_of(const api::Object& object) { return object.at("metadata", "generation").int_or(0); }

Result<> outcome(const api::ApiResult<api::ObjectPtr>& written) {
  if (written || written.error().not_found()) return {};
  return fail("{}", written.error().message);
}

class GatewayClassReconciler final : public Reconciler {
 public:
  explicit GatewayClassReconciler(api::Api& api)
      : api_(api), classes_(api.schema().resource(kGroup, "gatewayclasses")) {}

  [[nodiscard]] std::string_view name() const override { return "gatewayclass"; }

  void observe(const api::Event& event, Queue& queue) override {
    if (&event.object->resource() == &classes_) queue.add(event.object->key());
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const api::ObjectPtr found = api_.get(key);
    if (!is_our_class(found.get())) return Again::when_changed();
    const auto written = api_.mutate(key, api::Subresource::kStatus, [&](Value& object) {
      const Value before = object.at("status", "conditions");
      object.make("status", "conditions") = Value::array(
          {gateway_condition("Accepted", {true, "Accepted", ""}, generation_of(*found), before, api_.clock().now())});
    });
    if (auto result = outcome(written); !result) return std::unexpected(result.error());
    return Again::when_changed();
  }

 private:
  api::Api& api_;
  const api::Resource& classes_;
};

/// Programmed: as the edge said; while it has not answered, what held before, so that a new weight is no outage.
ConditionVerdict programmed(const std::optional<Result<>>& answer, const Value& before) {
  if (answer && !*answer) return {false, "Pending", answer->error().message};
  if (answer || condition_in(before, "Programmed").at("status").str() == "True") return {true, "Programmed", ""};
  return {false, "Pending", "the edge has not answered yet"};
}

Value listener_status(const GatewayReading::ListenerReading& listener, const ConditionVerdict& edge,
                      const Value& before, std::int64_t generation, Time now) {
  const std::string_view name = listener.spec->at("name").str();
  Value conditions;
  for (const Value& old : before.items()) {
    if (old.at("name").str() == name) conditions = old.at("conditions");
  }
  const ConditionVerdict on_edge =
      listener.accepted.holds ? edge : ConditionVerdict{false, "Invalid", listener.accepted.message};
  const auto condition = [&](std::string_view type, const ConditionVerdict& verdict) {
    return gateway_condition(type, verdict, generation, conditions, now);
  };
  return Value::object(
      {{"name", name},
       {"supportedKinds", Value::array({Value::object({{"group", kGroup}, {"kind", "HTTPRoute"}})})},
       {"attachedRoutes", listener.attached},
       {"conditions", Value::array({condition("Accepted", listener.accepted), condition("Programmed", on_edge),
                                    condition("ResolvedRefs", listener.resolved_refs)})}});
}

ConditionVerdict gateway_accepted(const GatewayReading& reading) {
  for (const auto& listener : reading.listeners) {
    if (listener.accepted.holds) continue;
    // Accepted all the same while another listener works.
    return {!reading.program.listeners.empty(), "ListenersNotValid",
            fmt::format("listener {}: {}", listener.spec->at("name").str(), listener.accepted.message)};
  }
  return {true, "Accepted", ""};
}

Value addresses_of(const seam::EdgeProgram& program) {
  Value out = Value::array();
  for (const seam::EdgePod& pod : program.pods) {
    out.push_back(Value::object({{"type", "IPAddress"}, {"value", pod.ip}}));
  }
  return out;
}

}  // namespace

bool is_our_class(const api::Object* gateway_class) {
  return gateway_class != nullptr && (gateway_class->name() == kEdgeClass ||
                                      gateway_class->at("spec", "controllerName").str() == kGatewayController);
}

std::unique_ptr<Reconciler> make_gateway_class_controller(api::Api& api) {
  return std::make_unique<GatewayClassReconciler>(api);
}

GatewayReconciler::GatewayReconciler(api::Api& api, Manager& manager, seam::Traffic& traffic)
    : api_(api),
      manager_(manager),
      traffic_(traffic),
      gateways_(api.schema().resource(kGroup, "gateways")),
      classes_(api.schema().resource(kGroup, "gatewayclasses")),
      routes_(api.schema().resource(kGroup, "httproutes")) {}

void GatewayReconciler::mark_parents(const api::Object& route, Queue& queue) const {
  for (const Value& parent : route.at("spec", "parentRefs").items()) {
    queue.add(
        {&gateways_, std::string(parent.at("namespace").string_or(route.ns())), std::string(parent.at("name").str())});
  }
}

void GatewayReconciler::observe(const api::Event& event, Queue& queue) {
  const api::Object& object = *event.object;
  const api::Resource& resource = object.resource();
  if (&resource == &gateways_) {
    queue.add(object.key());
  } else if (&resource == &routes_) {
    mark_parents(object, queue);
    if (event.before != nullptr) mark_parents(*event.before, queue);
  } else if (resource.kind == "Pod" && resource.group.empty()) {
    const std::string_view gateway = object.label(kGatewayNameLabel);
    if (!gateway.empty()) queue.add({&gateways_, std::string(object.ns()), std::string(gateway)});
  } else if (resource.kind == "Service" || resource.kind == "EndpointSlice" || resource.kind == "Namespace" ||
             resource.kind == "ReferenceGrant" || &resource == &classes_) {
    for (const api::ObjectPtr& gateway : api_.list(gateways_)) queue.add(gateway->key());
  }
}

void GatewayReconciler::tell(const api::Key& key, const seam::EdgeProgram& program) {
  Told& told = told_[key];
  told.program = program;
  told.serial = ++serial_;
  told.waiting = true;
  traffic_.apply(program, [this, key, serial = serial_, alive = std::weak_ptr(alive_)](Result<> answer) {
    if (alive.expired()) return;
    const auto found = told_.find(key);
    if (found == told_.end() || found->second.serial != serial) return;
    found->second.waiting = false;
    if (answer) found->second.in_force = found->second.program;
    found->second.answer = std::move(answer);
    found->second.answered = api_.clock().now();
    manager_.wake(name(), key);
  });
}

Again GatewayReconciler::keep_told(const api::Key& key, const seam::EdgeProgram& program) {
  const auto known = told_.find(key);
  if (known == told_.end() || known->second.program != program) {
    tell(key, program);
    return Again::when_changed();
  }
  const Told& told = known->second;
  if (told.waiting || *told.answer) return Again::when_changed();
  const Duration left = told.answered + kEdgeRetry - api_.clock().now();
  if (left > Duration(0)) return Again::in(left);
  tell(key, program);
  return Again::when_changed();
}

Result<> GatewayReconciler::let_go(const api::Key& key) {
  const auto known = told_.find(key);
  if (known == told_.end()) return {};
  // The edge keeps its pods and listens to nothing.
  seam::EdgeProgram nothing{key.ns, key.name, known->second.program.pods, {}, {}};
  told_.erase(known);
  traffic_.apply(std::move(nothing), [](const Result<>&) {});
  return write_routes(key, {}, std::nullopt);
}

Result<Again> GatewayReconciler::reconcile(const api::Key& key) {
  const api::ObjectPtr gateway = api_.get(key);
  const api::ObjectPtr gateway_class =
      gateway == nullptr ? nullptr : api_.get(classes_, {}, gateway->at("spec", "gatewayClassName").str());
  if (gateway == nullptr || gateway->deleting() || !is_our_class(gateway_class.get())) {
    if (auto result = let_go(key); !result) return std::unexpected(result.error());
    return Again::when_changed();
  }
  const GatewayReading reading = read_gateway(api_, *gateway);
  const auto known = told_.find(key);
  const auto answer = known == told_.end() ? std::nullopt : known->second.answer;
  if (auto result = write_gateway(*gateway, reading, answer); !result) return std::unexpected(result.error());
  const auto in_force = known == told_.end() ? std::nullopt : known->second.in_force;
  if (auto result = write_routes(key, reading, in_force); !result) return std::unexpected(result.error());
  return keep_told(key, reading.program);
}

Result<> GatewayReconciler::write_gateway(const api::Object& gateway, const GatewayReading& reading,
                                          const std::optional<Result<>>& answer) {
  const std::int64_t generation = generation_of(gateway);
  const Time now = api_.clock().now();
  return outcome(api_.mutate(gateway.key(), api::Subresource::kStatus, [&](Value& object) {
    Value& status = object["status"];
    const Value before = status.at("conditions");
    const ConditionVerdict accepted = gateway_accepted(reading);
    const ConditionVerdict edge =
        accepted.holds ? programmed(answer, before) : ConditionVerdict{false, "Invalid", accepted.message};
    const Value listeners_before = status.at("listeners");
    Value listeners = Value::array();
    for (const auto& listener : reading.listeners) {
      listeners.push_back(listener_status(listener, edge, listeners_before, generation, now));
    }
    status.set("listeners", std::move(listeners));
    status.set("addresses", addresses_of(reading.program));
    // Conditions of other types may be somebody else's.
    Value conditions = Value::array();
    for (const Value& other : before.items()) {
      const std::string_view type = other.at("type").str();
      if (type != "Accepted" && type != "Programmed") conditions.push_back(other);
    }
    conditions.push_back(gateway_condition("Accepted", accepted, generation, before, now));
    conditions.push_back(gateway_condition("Programmed", edge, generation, before, now));
    status.set("conditions", std::move(conditions));
  }));
}

namespace {

/// Whether an entry of status.parents is one that this Gateway wrote.
bool is_own_entry(const Value& entry, const api::Object& route, const api::Key& gateway) {
  const Value& parent = entry.at("parentRef");
  return entry.at("controllerName").str() == kGatewayController && parent.at("name").str() == gateway.name &&
         parent.at("namespace").string_or(route.ns()) == gateway.ns;
}

/// What the route's status says of this parentRef; null when nothing yet.
const Value& entry_before(const Value& before, const Value& parent_ref) {
  static const Value kNone;
  for (const Value& old : before.items()) {
    const bool own = old.at("controllerName").str() == kGatewayController;
    if (own && old.at("parentRef") == parent_ref) return old;
  }
  return kNone;
}

const seam::Route* find_route(const seam::EdgeProgram& program, const api::Object& route) {
  for (const seam::Route& one : program.routes) {
    if (one.ns == route.ns() && one.name == route.name()) return &one;
  }
  return nullptr;
}

/// Whether the edge does with the route's requests what the route says now. A route that is refused asks for nothing.
bool is_followed(const GatewayReading& reading, const api::Object& route,
                 const std::optional<seam::EdgeProgram>& in_force) {
  const seam::Route* wanted = find_route(reading.program, route);
  if (wanted == nullptr) return true;
  const seam::Route* followed = in_force ? find_route(*in_force, route) : nullptr;
  return followed != nullptr && *followed == *wanted;
}

Value parent_status(const GatewayReading::RouteAttachment& attachment, const GatewayReading::ParentReading& parent,
                    const Value& before, Time now) {
  const Value& conditions = entry_before(before, parent.parent_ref).at("conditions");
  const std::int64_t generation = generation_of(*attachment.route);
  const ConditionVerdict& accepted = parent.accepted.holds ? attachment.reading.accepted : parent.accepted;
  return Value::object(
      {{"parentRef", parent.parent_ref},
       {"controllerName", kGatewayController},
       {"conditions", Value::array({gateway_condition("Accepted", accepted, generation, conditions, now),
                                    gateway_condition("ResolvedRefs", attachment.reading.resolved_refs, generation,
                                                      conditions, now)})}});
}

}  // namespace

Result<> GatewayReconciler::write_routes(const api::Key& gateway, const GatewayReading& reading,
                                         const std::optional<seam::EdgeProgram>& in_force) {
  const Time now = api_.clock().now();
  for (const api::ObjectPtr& route : api_.list(routes_)) {
    const auto attachment = std::ranges::find(reading.routes, route, &GatewayReading::RouteAttachment::route);
    const Value& before = route->at("status", "parents");
    Value parents = Value::array();
    for (const Value& entry : before.items()) {
      if (!is_own_entry(entry, *route, gateway)) parents.push_back(entry);
    }
    if (attachment != reading.routes.end()) {
      const bool followed = is_followed(reading, *route, in_force);
      for (const auto& parent : attachment->parents) {
        // Until the edge follows the route as it is now, what was said of it before stands.
        Value entry = followed || !parent.accepted.holds ? parent_status(*attachment, parent, before, now)
                                                         : entry_before(before, parent.parent_ref);
        if (!entry.is_null()) parents.push_back(std::move(entry));
      }
    }
    if (parents == before || (parents.empty() && before.empty())) continue;
    const auto written = api_.mutate(route->key(), api::Subresource::kStatus,
                                     [&](Value& object) { object["status"].set("parents", parents); });
    if (auto result = outcome(written); !result) return result;
  }
  return {};
}

void add_gateway_controllers(Manager& manager, api::Api& api, seam::Traffic& traffic) {
  manager.add(make_gateway_class_controller(api));
  manager.add(std::make_unique<GatewayReconciler>(api, manager, traffic));
}

}  // namespace fairlead::control
