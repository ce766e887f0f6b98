// Names, keys and addresses: an empty string when `text` is well-formed, else upstream's sentence about it.
// Sources: apimachinery/pkg/util/validation, k8s.io/apimachinery/pkg/util/validation/ip.go.
#pragma once

#include <string>
#include <string_view>

namespace fairlead::api {

[[nodiscard]] std::string bad_subdomain(std::string_view text);   ///< "a.b-c": most objects.
[[nodiscard]] std::string bad_label(std::string_view text);       ///< "a-b": namespaces, containers, volumes.
[[nodiscard]] std::string bad_1035_label(std::string_view text);  ///< "a-b1", and no digit first: versions, plurals.
[[nodiscard]] std::string bad_kind(std::string_view text);        ///< "ReplicaSet".
[[nodiscard]] std::string bad_path_segment(
    std::string_view text);  ///< RBAC objects: anything but '/', '%', "." and "..".
[[nodiscard]] std::string bad_qualified_name(std::string_view text);  ///< "example.com/name": keys of labels.
[[nodiscard]] std::string bad_label_value(std::string_view text);
[[nodiscard]] std::string bad_config_key(std::string_view text);  ///< Keys of ConfigMaps and Secrets.
[[nodiscard]] std::string bad_port_name(std::string_view text);   ///< "http", at most 15 characters.
[[nodiscard]] std::string bad_env_name(std::string_view text);
[[nodiscard]] std::string bad_header_name(std::string_view text);    ///< Of HTTP.
[[nodiscard]] std::string bad_search_domain(std::string_view text);  ///< A subdomain whose labels may have underscores.
[[nodiscard]] std::string bad_wildcard_domain(std::string_view text);  ///< "*.example.com"
[[nodiscard]] std::string bad_percent(std::string_view text);
[[nodiscard]] std::string bad_address(std::string_view text);  ///< An IP address.
[[nodiscard]] std::string bad_range(std::string_view text);    ///< A CIDR.
/// True for an address inside the CIDR `range`.
[[nodiscard]] bool is_in_range(std::string_view address, std::string_view range);
/// True when `inner` is a CIDR strictly inside `outer`.
[[nodiscard]] bool is_strict_subset(std::string_view inner, std::string_view outer);

}  // namespace fairlead::api
