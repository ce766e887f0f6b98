// What the API server itself decides about metadata, generation and status, whatever the client sent.
// Source: k8s.io/apiserver/pkg/registry/rest/{meta,create,update}.go and the strategies in kubernetes/pkg/registry.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/api/api.h"

namespace fairlead::api {

/// A UUID made of a hash of the parts: the same parts, the same UUID.
[[nodiscard]] std::string make_uid(std::uint64_t seed, std::uint64_t ordinal, std::string_view what);
/// Five letters and digits as upstream appends to generateName.
[[nodiscard]] std::string make_suffix(std::uint64_t seed, std::uint64_t ordinal, std::string_view what);

/// Whether objects of this kind count their generation; some built-in ones do not.
[[nodiscard]] bool counts_generation(const Resource& resource);

/// An object that names a namespace names that of the request; 400 otherwise.
/// Source: apiserver/pkg/registry/rest/meta.go, EnsureObjectNamespaceMatchesRequestNamespace.
[[nodiscard]] ApiResult<> check_request_namespace(std::string_view ns, const Value& object);

/// Puts the namespace in place (or away), and drops what only the server may set.
[[nodiscard]] ApiResult<> prepare_new_metadata(const Resource& resource, std::string_view ns, Value& object);
/// Drops .status where the kind has the subresource, then sets what upstream sets at creation.
void prepare_new_status(const Resource& resource, Value& object);

/// Makes `object` a legal successor of `before`: identity kept, the parts that `subresource` does not own restored,
/// generation counted.
[[nodiscard]] ApiResult<> prepare_update(const Resource& resource, Subresource subresource, const Value& before,
                                         Value& object);

}  // namespace fairlead::api
