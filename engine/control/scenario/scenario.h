// Scenarios: behaviour of controllers as data. testdata/scenarios/README.md describes the format.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/control/scenario/virtual_cluster.h"

namespace fairlead::control {

struct ScenarioOutcome {
  std::string about;                  ///< What the scenario shows.
  std::vector<std::string> failures;  ///< Each one sentence with file, line and moment. Empty: it holds.
  std::vector<std::string> history;   ///< What happened, as VirtualCluster::history gives it.
};

/// Plays one scenario. An error when the text is not a scenario: unknown keys, a kind that is not known, steps that go
/// back in time.
[[nodiscard]] Result<ScenarioOutcome> play_scenario(const api::Schema& schema, std::string_view text,
                                                    std::string_view file, const Assemble& assemble);

}  // namespace fairlead::control
