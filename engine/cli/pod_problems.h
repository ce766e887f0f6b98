// Why pods of a service do not run, in sentences.
#pragma once

#include <string>
#include <vector>

#include "engine/cli/service_status.h"

namespace fairlead::cli {

/// Pods that are refused, containers that cannot start or crash, and containers that run and are not Ready: one
/// sentence for each version and reason, because the pods of a version fail alike.
[[nodiscard]] std::vector<std::string> pod_problems(const ServiceObjects& objects,
                                                    const std::vector<VersionStatus>& versions);

}  // namespace fairlead::cli
