// Signals as images and pods name them.
#pragma once

#include <optional>
#include <string_view>

namespace fairlead::node {

/// The number behind "SIGTERM", "TERM", "15" or "SIGRTMIN+3" (github.com/moby/sys, signal.ParseSignal, which the
/// container runtimes use); none for what is no signal.
[[nodiscard]] std::optional<int> signal_number(std::string_view name);

}  // namespace fairlead::node
