// What the files that make an environment may hold: infrastructure/environments/<env>.yaml and
// infrastructure/apps/<service>/needs.yaml.
#pragma once

#include "engine/gitops/document_rule.h"

namespace fairlead::gitops {

[[nodiscard]] const DocumentRule& environment_rule();
[[nodiscard]] const DocumentRule& needs_rule();

}  // namespace fairlead::gitops
