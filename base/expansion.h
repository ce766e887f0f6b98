// References to variables in the text of a pod's container.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace fairlead {

/// The text with "$(NAME)" replaced by what `find` gives for NAME, which is null for names that it does not know: those
/// stay as they are written. "$$" is "$", so that "$$(NAME)" stays a reference.
/// Source: k8s.io/kubernetes third_party/forked/golang/expansion/expand.go.
[[nodiscard]] std::string expand(std::string_view text,
                                 const std::function<const std::string*(std::string_view name)>& find);

}  // namespace fairlead
