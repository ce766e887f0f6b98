// One connection for a probe: connect, perhaps TLS, perhaps one request and what comes back.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "engine/node/loop.h"
#include "engine/node/netlink.h"

namespace fairlead::node {

struct ProbeResult {
  bool ok = false;
  bool refused = false;  ///< Nobody listens there (yet).
  std::string message;   ///< Why not, in the kubelet's words.
};

struct DialRequest {
  Address address = 0;
  std::uint16_t port = 0;
  bool tls = false;     ///< As the kubelet probes: whatever the certificate says.
  std::string request;  ///< Empty: a connection is all that is wanted.
  /// What the answer so far means, nothing while more is needed; `over` once there will be no more. Pure.
  std::function<std::optional<ProbeResult>(std::string_view answer, bool over)> judge;
};

/// `done` is called once, from the loop, never from inside this call, and when `timeout` has passed at the latest.
void dial(Loop& loop, DialRequest request, Duration timeout, std::function<void(ProbeResult)> done);

}  // namespace fairlead::node
