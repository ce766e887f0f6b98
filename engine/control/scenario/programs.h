// What seams were told, as trees, so that scenarios can look into them.
#pragma once

#include "base/value.h"
#include "engine/seam/node.h"
#include "engine/seam/traffic.h"

namespace fairlead::control {

[[nodiscard]] Value to_value(const seam::NetworkProgram& program);
[[nodiscard]] Value to_value(const seam::EdgeProgram& program);
[[nodiscard]] Value to_value(const seam::PodInputs& inputs);

}  // namespace fairlead::control
