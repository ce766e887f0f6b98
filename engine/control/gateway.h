// GatewayClass, Gateway and HTTPRoute: what the edge must do, and what they are told about it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "engine/control/gateway_status.h"
#include "engine/control/http_route.h"
#include "engine/control/reconciler.h"
#include "engine/seam/traffic.h"

namespace fairlead::control {

/// The engine stands in for Envoy Gateway: classes of its controller are ours, and so is one called `edge`.
inline constexpr std::string_view kGatewayController = "gateway.envoyproxy.io/gatewayclass-controller";
inline constexpr std::string_view kEdgeClass = "edge";
/// Pods that carry a Gateway's edge have its name here.
inline constexpr std::string_view kGatewayNameLabel = "gateway.networking.k8s.io/gateway-name";
/// An edge that could not follow is told again after this long, or when one of its pods changes.
inline constexpr Duration kEdgeRetry = std::chrono::seconds(1);

/// Whether this program acts on Gateways of the class; null: of no class.
[[nodiscard]] bool is_our_class(const api::Object* gateway_class);

/// Accepts the classes that are ours.
[[nodiscard]] std::unique_ptr<Reconciler> make_gateway_class_controller(api::Api& api);

/// What one Gateway wants from the edge, and what is to be said about it.
struct GatewayReading {
  struct ListenerReading {
    const Value* spec = nullptr;
    ConditionVerdict accepted;
    ConditionVerdict resolved_refs;
    std::int64_t attached = 0;
  };
  struct ParentReading {
    Value parent_ref;
    ConditionVerdict accepted;
  };
  struct RouteAttachment {
    api::ObjectPtr route;
    RouteReading reading;
    std::vector<ParentReading> parents;  ///< One for each parentRef to this Gateway.
  };

  seam::EdgeProgram program;
  std::vector<ListenerReading> listeners;
  std::vector<RouteAttachment> routes;  ///< Every HTTPRoute that names this Gateway, in order of precedence.
};

/// Pure: reads the store, writes nothing. `gateway` lives at least as long as the answer.
[[nodiscard]] GatewayReading read_gateway(const api::Api& api, const api::Object& gateway);

/// One key per Gateway. Writes the status of the Gateway and of the HTTPRoutes that name it: entries of other
/// controllers in status.parents stay. A route's entry speaks of a generation once the edge follows it, not before:
/// that is how a Rollout knows that its weights hold.
class GatewayReconciler final : public Reconciler {
 public:
  /// `manager` is woken when the edge has answered; all outlive this object.
  GatewayReconciler(api::Api& api, Manager& manager, seam::Traffic& traffic);

  [[nodiscard]] std::string_view name() const override { return "gateway"; }
  void observe(const api::Event& event, Queue& queue) override;
  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override;

 private:
  /// What the edge was told last, and what it said.
  struct Told {
    seam::EdgeProgram program;
    std::uint64_t serial = 0;
    bool waiting = true;                          ///< It has not answered that yet.
    std::optional<Result<>> answer{};             ///< The last one, perhaps to an earlier program.
    std::optional<seam::EdgeProgram> in_force{};  ///< The last one that it said to follow.
    Time answered{};
  };

  void mark_parents(const api::Object& route, Queue& queue) const;
  void tell(const api::Key& key, const seam::EdgeProgram& program);
  /// Tells the edge what it does not know or could not follow, and says when to look again.
  [[nodiscard]] Again keep_told(const api::Key& key, const seam::EdgeProgram& program);
  [[nodiscard]] Result<> let_go(const api::Key& key);
  [[nodiscard]] Result<> write_gateway(const api::Object& gateway, const GatewayReading& reading,
                                       const std::optional<Result<>>& answer);
  [[nodiscard]] Result<> write_routes(const api::Key& gateway, const GatewayReading& reading,
                                      const std::optional<seam::EdgeProgram>& in_force);

  api::Api& api_;
  Manager& manager_;
  seam::Traffic& traffic_;
  const api::Resource& gateways_;
  const api::Resource& classes_;
  const api::Resource& routes_;
  std::map<api::Key, Told> told_;
  std::uint64_t serial_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< Answers that come after the end find it gone.
};

/// The controllers of Gateway API.
void add_gateway_controllers(Manager& manager, api::Api& api, seam::Traffic& traffic);

}  // namespace fairlead::control
