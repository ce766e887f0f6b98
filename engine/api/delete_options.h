// What a client asks of a deletion, in whichever body it stands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/api/api.h"

namespace fairlead::api {

/// "Unsupported value: …": `value` and `supported` as they are shown, with quotes where they are text.
[[nodiscard]] FieldError unsupported_value(std::string field, std::string_view value, std::string_view supported);

/// Whether `values` of dryRun, of options of `kind`, ask for it; 422 for one that is not known.
[[nodiscard]] ApiResult<bool> parse_dry_run(std::string_view kind, const std::vector<std::string_view>& values);

/// What a DeleteOptions tree says, over what `options` says already; a dry run stays one. 422 for values that are not
/// known; types were checked before (Api::decode).
[[nodiscard]] ApiResult<> read_delete_options(const Value& tree, DeleteOptions& options);

}  // namespace fairlead::api
