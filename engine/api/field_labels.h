// Which fields a field selector may name.
#pragma once

#include <string_view>

#include "engine/api/selector.h"
#include "engine/api/status.h"

namespace fairlead::api {

struct Resource;

/// Reads `text` for `served`: labels that upstream knows for the kind become paths into what is stored, any other is a
/// 400, because a selector that silently matches nothing misleads.
/// Source: the AddFieldLabelConversionFunc calls of k8s.io/kubernetes/pkg/apis; recorded from a kube-apiserver.
[[nodiscard]] ApiResult<FieldSelector> read_field_selector(const Resource& served, std::string_view text);

}  // namespace fairlead::api
