// A NetworkProgram as nftables rules. Pure.
#pragma once

#include <string>
#include <vector>

#include "engine/seam/network.h"

namespace fairlead::node {

struct Ruleset {
  std::string text;  ///< What `nft -f -` reads.
  /// What of the program cannot be said in rules, each in a sentence for a person. It is left out so that everything
  /// else is carried out; of a policy's allowance that means that less is allowed.
  std::vector<std::string> problems;
};

/// One transaction that replaces the whole of the cluster's table, so no packet ever meets half
/// of it. Services become destination NAT in prerouting and output; what is left of the Service network is rejected.
/// Policies are judged in the forward hook (and in the input hook, for pods that talk to the node) for every packet
/// that goes the way the connection was opened, so a connection that stops being allowed stops working; replies pass.
/// What the node itself sends (probes) meets no policy, and a pod always reaches itself.
[[nodiscard]] Ruleset ruleset(const seam::NetworkProgram& program);

}  // namespace fairlead::node
