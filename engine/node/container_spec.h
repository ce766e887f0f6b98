// From a v1.Pod's container to the OCI runtime's config.json. Pure, but for looking a name up in the image's
// /etc/passwd.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/value.h"
#include "engine/node/image_store.h"

namespace fairlead::node {

using Environment = std::vector<std::pair<std::string, std::string>>;

/// The value of a variable, the last one of its name; null when there is none.
[[nodiscard]] const std::string* find_variable(const Environment& environment, std::string_view name);

struct Mount {
  std::string destination;
  std::string source;
  std::string type = "bind";
  std::vector<std::string> options = {"rbind", "rprivate", "rw"};
};

struct ContainerUser {
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::vector<std::int64_t> additional;
  bool filtered = false;  ///< By the default seccomp profile.
};

/// Everything config.json is made from.
struct ContainerPlan {
  const Value* pod = nullptr;
  const Value* container = nullptr;
  Image image;          ///< Default-constructed for the host's programs.
  std::string root;     ///< The prepared root file system on this machine.
  std::string network;  ///< Path of the pod's network namespace.
  std::string hostname;
  Environment environment;  ///< What the pod says; the image's comes under it.
  std::vector<Mount> mounts;
  ContainerUser user;
  bool privileged_node = false;  ///< Identity mapped: the container gets its real uid without a nested namespace.
};

/// Who the container runs as: container over pod over image. Refuses what the kubelet refuses (runAsNonRoot), in its
/// words.
[[nodiscard]] Result<ContainerUser> container_user(const Value& pod, const Value& container, const Image& image,
                                                   const std::string& root);

/// config.json. Fails for what cannot be done here (privileged containers, seccomp profiles from files).
[[nodiscard]] Result<Value> container_config(const ContainerPlan& plan);

/// The argv the container starts with: command and args over Entrypoint and Cmd.
[[nodiscard]] std::vector<std::string> container_arguments(const Value& container, const Image& image,
                                                           const Environment& environment);

}  // namespace fairlead::node
