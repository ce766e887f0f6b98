// Which groups, versions and resources there are, in every form that clients ask for.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/api/schema.h"

namespace fairlead::api {

/// All discovery documents of one moment, encoded. Immutable: any thread may read it.
/// Sources: k8s.io/apiserver/pkg/endpoints/discovery/, k8s.io/api/apidiscovery/v2/types.go.
class Discovery {
 public:
  struct Document {
    std::string json;
    std::string etag;  ///< With its quotes; empty for the older forms, which have none.
  };

  explicit Discovery(std::span<const Resource* const> resources);

  /// The older forms: "/api", "/apis", "/apis/apps", "/api/v1", "/apis/apps/v1". Null for anything else.
  [[nodiscard]] const Document* document(std::string_view path) const;
  /// The aggregated form of "/api" or "/apis"; `version` is "v2" or "v2beta1".
  [[nodiscard]] const Document* aggregated(std::string_view path, std::string_view version) const;
  /// "apps/v1" or "v1".
  [[nodiscard]] bool serves(std::string_view group_version) const;
  /// "api/v1", "apis/apps/v1", …: in order, for the OpenAPI index and the list of paths.
  [[nodiscard]] std::vector<std::string> group_version_paths() const;

 private:
  std::map<std::string, Document, std::less<>> documents_;
  std::map<std::string, Document, std::less<>> aggregated_;  ///< By version and path: "v2/apis".
};

/// Kubernetes' order of versions, best first: v2, v1, v2beta1, v1beta2, v1alpha1, then others by name.
/// Source: k8s.io/apimachinery/pkg/version/helpers.go, CompareKubeAwareVersionStrings.
[[nodiscard]] bool better_version(std::string_view a, std::string_view b);

}  // namespace fairlead::api
