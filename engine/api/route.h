// What a request's method and path ask for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/api/query.h"

namespace fairlead::api {

/// Source: k8s.io/apiserver/pkg/endpoints/request/requestinfo.go, NewRequestInfo.
struct Route {
  bool is_resource = false;  ///< Below /api/v1/ or /apis/<group>/<version>/ and naming a resource.
  std::string path;          ///< Decoded, as it came.
  /// "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"; for paths that name no resource
  /// the method in lower case.
  std::string verb;
  std::string group;
  std::string version;
  std::string ns;
  std::string plural;
  std::string name;         ///< For list and watch: the one that a metadata.name field selector asks for.
  std::string subresource;  ///< "log"
  std::string rest;         ///< What follows the subresource, without leading slash: proxy paths.
  bool collection = false;  ///< The path names no single object.

  /// "pods/log" or "pods".
  [[nodiscard]] std::string full_resource() const { return subresource.empty() ? plural : plural + "/" + subresource; }
};

/// `path` still percent-encoded, without the query. A path with a malformed escape gives a Route that nothing serves.
[[nodiscard]] Route parse_route(std::string_view method, std::string_view path, const Query& query);

/// The non-empty segments of a path.
[[nodiscard]] std::vector<std::string> path_segments(std::string_view path);

}  // namespace fairlead::api
