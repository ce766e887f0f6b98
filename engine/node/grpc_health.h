// The gRPC health check as bytes: one HTTP/2 exchange of grpc.health.v1.Health/Check. Pure.
// Source: grpc/grpc doc/health-checking.md and PROTOCOL-HTTP2.md; RFC 9113; RFC 7541; pkg/probe/grpc of
// k8s.io/kubernetes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/node/dial.h"

namespace fairlead::node {

/// Everything a client sends for one check of `service`; `authority` is "10.244.0.7:9090".
[[nodiscard]] std::string grpc_health_request(std::string_view authority, std::string_view service);

/// What the server's bytes so far mean; nothing while more is needed.
[[nodiscard]] std::optional<ProbeResult> judge_grpc_health(std::string_view answer, bool over);

}  // namespace fairlead::node
