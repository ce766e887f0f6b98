// The formats of strings that a CustomResourceDefinition may name.
#pragma once

#include <string_view>

namespace fairlead::api {

/// Whether upstream checks a format of strings; any other means nothing. Source:
/// apiextensions-apiserver/pkg/apiserver/validation/formats.go.
[[nodiscard]] bool known_format(std::string_view format);

/// Whether `text` is of the format; true for those that are not known. Source: kube-openapi/pkg/validation/strfmt.
[[nodiscard]] bool matches_format(std::string_view format, std::string_view text);

}  // namespace fairlead::api
