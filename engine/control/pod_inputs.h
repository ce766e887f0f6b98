// What the references inside a pod resolve to.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "engine/api/api.h"
#include "engine/control/controllers.h"
#include "engine/seam/node.h"

namespace fairlead::control {

/// A reference that leads nowhere.
struct MissingReference {
  std::string container;  ///< Whose environment needs it; empty when it is a volume.
  std::string volume;     ///< The volume that needs it; empty when it is an environment.
  std::string message;    ///< In the kubelet's words: `configmap "settings" not found`.
};

/// Answers with the token for a serviceAccountToken source; the caller caches.
using PodTokens = std::function<Result<std::string>(const Value& source)>;

/// Resolves env (value, configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef, envFrom), service variables, and the
/// files of configMap, secret, downwardAPI and projected volumes. `host_ip` and `allocatable` are the node's.
/// Source: pkg/kubelet/kubelet_pods.go, makeEnvironmentVariables; pkg/volume/{configmap,secret,projected,downwardapi}.
class PodResolver {
 public:
  PodResolver(const api::Api& api, const api::Object& pod, std::string host_ip, Value allocatable, PodTokens tokens);

  [[nodiscard]] std::expected<seam::PodInputs, MissingReference> resolve();

 private:
  using Failure = std::optional<std::string>;
  using Files = std::vector<seam::VolumeFile>;

  Failure environment(const Value& container);
  Failure env_from(const Value& source, std::map<std::string, std::string>& values, std::vector<std::string>& order);
  std::expected<std::optional<std::string>, std::string> value_from(const Value& source, const Value& container);
  [[nodiscard]] std::map<std::string, std::string> service_variables() const;

  Failure volume(const Value& volume);
  Failure config_map_files(const Value& source, std::int64_t mode, Files& out);
  Failure secret_files(const Value& source, std::int64_t mode, Files& out);
  Failure keyed_files(const api::ObjectPtr& object, const Value& source, const std::string& what, std::int64_t mode,
                      Files& out);
  Failure downward_files(const Value& items, std::int64_t mode, Files& out);
  Failure projected_files(const Value& source, std::int64_t mode, Files& out);

  [[nodiscard]] std::optional<std::string> field(std::string_view path) const;
  [[nodiscard]] std::string resource_field(const Value& reference, const Value& container) const;
  [[nodiscard]] const Value& container_called(std::string_view name) const;

  const api::Api& api_;
  const api::Object& pod_;
  std::string host_ip_;
  Value allocatable_;
  PodTokens tokens_;
  seam::PodInputs out_;
};

/// Whether `pod` refers to this ConfigMap, Secret or, through service variables, Service.
[[nodiscard]] bool refers_to(const Value& pod, std::string_view kind, std::string_view name);

}  // namespace fairlead::control
