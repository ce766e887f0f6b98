// Where and why a JSON text is wrong: the slow second look, taken only after the fast reader has refused it.
#pragma once

#include <optional>
#include <string_view>

#include "base/error.h"

namespace fairlead {

/// The first mistake in `text` with its line and column (in characters, from 1); nothing when this reader finds none.
[[nodiscard]] std::optional<Error> find_json_error(std::string_view text, std::string_view file);

}  // namespace fairlead
