// The controllers of this program, and what they need from outside.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/api/api.h"
#include "engine/control/reconciler.h"
#include "engine/control/resume_gate.h"
#include "engine/seam/metrics.h"
#include "engine/seam/node.h"
#include "engine/seam/source.h"
#include "engine/seam/traffic.h"

namespace fairlead::control {

struct TokenRequest {
  std::string ns;
  std::string service_account;
  std::string pod;  ///< Name and UID of the pod that the token is bound to.
  std::string pod_uid;
  std::string audience;  ///< Empty: the API server's own.
  Duration lifetime{0};
};

struct IssuedToken {
  std::string text;  ///< A signed JWT.
  Time expires{};    ///< May be sooner than asked for.
};

/// Makes a service account token.
using TokenIssuer = std::function<Result<IssuedToken>(const TokenRequest&)>;

/// The outside as controllers see it. Everything pointed to outlives the Manager; what is null is not there, and the
/// controllers that need it are left out.
struct Seams {
  std::vector<seam::Node*> nodes;
  seam::Metrics* metrics = nullptr;
  seam::Traffic* traffic = nullptr;
  seam::Source* source = nullptr;
  api::Schema* schema = nullptr;  ///< The one that the Api uses: grows with CustomResourceDefinitions.
  TokenIssuer issue_token;
  std::string root_ca;          ///< PEM of the API server's certificate authority, for the ConfigMap kube-root-ca.crt.
  std::vector<Outage> outages;  ///< When no engine ran before this life, oldest first.
  /// How long a sync rests between two waves, so that controllers have seen the first before its health is looked at.
  /// Source: argo-cd controller/sync.go, delayBetweenSyncWaves (ARGOCD_SYNC_WAVE_DELAY).
  Duration between_waves = std::chrono::seconds(2);
};

/// What every cluster has: its first objects, the life of namespaces, their service accounts.
void add_cluster_controllers(Manager& manager, api::Api& api, const Seams& seams);

/// Everything between a Deployment and a running container: workloads, scheduler, pods, Services, network.
void add_workload_controllers(Manager& manager, api::Api& api, const Seams& seams);

/// The admission steps of this room. Once per Api.
void add_admission(api::Api& api);
/// Of them, the one that warns of fields of Applications, AppProjects and HorizontalPodAutoscalers that nothing here
/// acts on.
void add_unacted_fields_admission(api::Api& api);

/// Every controller of this room, in the order in which they run when several have work at the same moment.
void add_controllers(Manager& manager, api::Api& api, const Seams& seams);

}  // namespace fairlead::control
