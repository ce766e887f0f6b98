// Tokens that pods mount.
#pragma once

#include "engine/api/token.h"
#include "engine/control/controllers.h"

namespace fairlead::control {

/// Makes a token bound to the pod: what Seams::issue_token is where the API server has keys. A lifetime below
/// api::kMinTokenSeconds is lengthened to it; none gives the server's own.
[[nodiscard]] Result<IssuedToken> issue_pod_token(const api::ServiceAccountTokens& tokens, const TokenRequest& request);

}  // namespace fairlead::control
