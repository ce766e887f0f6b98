// What a pod has on disk: its volumes, /etc/hosts, /etc/resolv.conf, and the root file system of each container.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/value.h"
#include "engine/node/container_spec.h"
#include "engine/node/trash.h"
#include "engine/seam/node.h"

namespace fairlead::node {

struct PodPlaces {
  std::string memory;  ///< A directory on a tmpfs: secrets and bundles.
  std::string disk;    ///< A directory on disk: emptyDir volumes.
  std::string layers;  ///< On disk too, where the file system takes them: what containers write outside of volumes.
};

/// How large an emptyDir with medium Memory may become: the least of its sizeLimit and the pod's memory limit, as the
/// kubelet decides it (pkg/volume/emptydir). 0: nobody says.
[[nodiscard]] std::int64_t memory_volume_size(const Value& pod, const Value& volume);

/// One pod's files. Makes them synchronously, since every step is small; what can be large is given to the trash.
class PodFiles {
 public:
  /// `privileged`: files can belong to other uids. `trash` must outlive this.
  PodFiles(PodPlaces places, bool privileged, Trash& trash)
      : places_(std::move(places)), privileged_(privileged), trash_(trash) {}
  ~PodFiles() { remove(); }
  PodFiles(const PodFiles&) = delete;
  PodFiles& operator=(const PodFiles&) = delete;

  /// Once per pod: name files and volumes. `host_paths`: the pod may mount the host's directories.
  [[nodiscard]] Result<> create(const Value& pod, const seam::PodInputs& inputs, const std::string& address,
                                const std::string& dns_address, bool host_paths);
  /// The volumes' files follow `inputs`, each volume in one step, as the kubelet's atomic writer does it.
  [[nodiscard]] Result<> update(const Value& pod, const seam::PodInputs& inputs);

  /// A writable root for one start of a container, over the unpacked image.
  [[nodiscard]] Result<std::string> image_root(const std::string& container, const std::string& unpacked);
  /// A root that holds the host's programs, read-only; everything else in it is fresh and the container's own.
  [[nodiscard]] Result<std::string> host_root(const std::string& container);
  /// With the root goes what its subPaths were mounted from.
  void remove_root(const std::string& container);

  /// The container's mounts: volumes, name files, termination message file (which is emptied).
  [[nodiscard]] Result<std::vector<Mount>> mounts(const Value& container, const Environment& environment);
  [[nodiscard]] std::string bundle(const std::string& container) const {
    return places_.memory + "/containers/" + container;
  }
  [[nodiscard]] std::string termination_file(const std::string& container) const {
    return bundle(container) + "/termination-log";
  }

  void remove();

 private:
  [[nodiscard]] std::string layer(const std::string& container) const { return places_.layers + "/" + container; }
  [[nodiscard]] Result<> create_volume(const Value& pod, const Value& volume, const seam::PodInputs& inputs);
  [[nodiscard]] Result<> create_empty_volume(const Value& pod, const Value& volume);
  [[nodiscard]] Result<> write_volume(const std::string& name, const std::vector<seam::VolumeFile>& files);
  [[nodiscard]] Result<std::string> mount_source(const std::string& container, const Value& mount,
                                                 const Environment& environment);
  [[nodiscard]] Result<std::string> pin(const std::string& container, const Descriptor& found);
  void give_to_group(const std::string& path, unsigned mode) const;

  PodPlaces places_;
  bool privileged_;
  Trash& trash_;
  bool host_paths_ = false;
  std::int64_t group_ = -1;                     ///< fsGroup.
  std::map<std::string, std::string> volumes_;  ///< Name to where it stands.
  std::map<std::string, bool> read_only_;       ///< Volumes that no container may write.
  std::vector<std::string> mounted_;            ///< To unmount, in order.
  unsigned generation_ = 0;
};

/// /etc/resolv.conf by dnsPolicy and dnsConfig.
[[nodiscard]] std::string resolv_conf(const Value& pod, const std::string& dns_address);
/// /etc/hosts with hostAliases.
[[nodiscard]] std::string hosts_file(const Value& pod, const std::string& address);
/// `inputs` with the pod's own address wherever seam::kPodIpMark stands for it.
[[nodiscard]] seam::PodInputs with_pod_address(seam::PodInputs inputs, const std::string& address);
/// spec.hostname, else the pod's name, cut as the kubelet cuts it.
[[nodiscard]] std::string pod_hostname(const Value& pod);

}  // namespace fairlead::node
