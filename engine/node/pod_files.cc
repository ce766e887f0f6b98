#include "engine/node/pod_files.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "base/expansion.h"
#include "base/quantity.h"
#include "engine/node/files.h"
#include "engine/node/mounts.h"
#include "engine/node/sub_path.h"

namespace fairlead::node {

namespace {

constexpr std::string_view kFileVolumes[] = {"configMap", "secret", "downwardAPI", "projected"};
/// Directories of the host that its programs need; the rest of a host root is the container's own.
constexpr const char* kHostDirectories[] = {"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt"};
constexpr const char* kHostEtc = "/.host/etc";

bool climbs(const std::string& path) {
  return path.starts_with("/") || path == ".." || path.starts_with("../") || path.find("/../") != std::string::npos ||
         path.ends_with("/..");
}

/// "resources.limits.memory" of a container or pod; 0 for none.
std::int64_t memory_limit(const Value& owner) {
  return Quantity::of(owner.at("resources", "limits", "memory")).value();
}

/// As ResourceConfigForPod of pkg/kubelet/cm: known only where every container says its own, or the pod does.
std::int64_t pod_memory_limit(const Value& spec) {
  if (const std::int64_t own = memory_limit(spec); own > 0) return own;
  std::int64_t together = 0;
  std::int64_t first = 0;
  for (const auto& container : spec.at("initContainers").items()) {
    const std::int64_t limit = memory_limit(container);
    if (limit == 0) return 0;
    const bool stays = container.at("restartPolicy").str() == "Always";
    if (stays) together += limit;
    first = std::max(first, stays ? together : together + limit);
  }
  for (const auto& container : spec.at("containers").items()) {
    const std::int64_t limit = memory_limit(container);
    if (limit == 0) return 0;
    together += limit;
  }
  return std::max(together, first);
}

}  // namespace

std::int64_t memory_volume_size(const Value& pod, const Value& volume) {
  const std::int64_t own = Quantity::of(volume.at("emptyDir", "sizeLimit")).value();
  const std::int64_t most = pod_memory_limit(pod.at("spec"));
  if (own <= 0 || most <= 0) return std::max(own, most);
  return std::min(own, most);
}

Result<> PodFiles::create(const Value& pod, const seam::PodInputs& inputs, const std::string& address,
                          const std::string& dns_address, bool host_paths) {
  host_paths_ = host_paths;
  group_ = pod.at("spec", "securityContext", "fsGroup").int_or(-1);
  for (const auto& place : {places_.memory + "/volumes", places_.memory + "/containers"}) {
    if (auto ok = make_directories(place); !ok) return ok;
  }
  if (auto ok = write_file(places_.memory + "/resolv.conf", resolv_conf(pod, dns_address)); !ok) return ok;
  if (auto ok = write_file(places_.memory + "/hosts", hosts_file(pod, address)); !ok) return ok;
  if (auto ok = write_file(places_.memory + "/hostname", pod_hostname(pod) + "\n"); !ok) return ok;
  for (const auto& volume : pod.at("spec", "volumes").items()) {
    if (auto ok = create_volume(pod, volume, inputs); !ok) return ok;
  }
  return {};
}

Result<> PodFiles::create_volume(const Value& pod, const Value& volume, const seam::PodInputs& inputs) {
  const std::string name(volume.at("name").str());
  if (const Value* host = volume.find("hostPath")) {
    if (!host_paths_) return fail("volume {}: only pods of the platform's own namespaces may use hostPath here", name);
    volumes_[name] = host->at("path").str();
    return {};
  }
  for (const auto kind : kFileVolumes) {
    if (!volume.has(kind)) continue;
    volumes_[name] = places_.memory + "/volumes/" + name;
    read_only_[name] = true;
    const auto files = inputs.files.find(name);
    return write_volume(name, files == inputs.files.end() ? std::vector<seam::VolumeFile>() : files->second);
  }
  if (volume.has("emptyDir")) return create_empty_volume(pod, volume);
  return fail("volume {}: the local node has emptyDir, configMap, secret, downwardAPI and projected volumes only",
              name);
}

Result<> PodFiles::create_empty_volume(const Value& pod, const Value& volume) {
  const std::string name(volume.at("name").str());
  const bool in_memory = volume.at("emptyDir", "medium").str() == "Memory";
  const std::string path = (in_memory ? places_.memory + "/volumes/" : places_.disk + "/") + name;
  if (auto ok = make_directories(path); !ok) return ok;
  if (in_memory) {
    const std::int64_t limit = memory_volume_size(pod, volume);
    const std::string options = limit > 0 ? fmt::format("mode=777,size={}", limit) : std::string("mode=777");
    if (::mount("tmpfs", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
      return fail("volume {}: cannot mount a tmpfs: {}", name, error_text(errno));
    }
    mounted_.push_back(path);
  }
  ::chmod(path.c_str(), 0777);
  if (group_ >= 0) give_to_group(path, 02777);
  volumes_[name] = path;
  return {};
}

void PodFiles::give_to_group(const std::string& path, unsigned mode) const {
  if (!privileged_ || ::chown(path.c_str(), static_cast<uid_t>(-1), static_cast<gid_t>(group_)) != 0) return;
  ::chmod(path.c_str(), mode);
}

Result<> PodFiles::write_volume(const std::string& name, const std::vector<seam::VolumeFile>& files) {
  const std::string root = volumes_[name];
  const std::string version = fmt::format("..{}", ++generation_);
  const std::string fresh = root + "/" + version;
  if (auto ok = make_directories(fresh); !ok) return ok;
  std::vector<std::string> top;
  for (const auto& file : files) {
    if (climbs(file.path) || file.path.empty())
      return fail("volume {}: the path {} leaves the volume", name, file.path);
    const std::string path = fresh + "/" + file.path;
    if (auto ok = make_directories(std::filesystem::path(path).parent_path()); !ok) return ok;
    if (auto ok = write_file(path, file.content); !ok) return ok;
    ::chmod(path.c_str(), file.mode);
    if (group_ >= 0) give_to_group(path, file.mode | 0440);
    top.push_back(file.path.substr(0, file.path.find('/')));
  }
  // One rename moves every reader from the old files to the new.
  std::error_code error;
  const auto before = std::filesystem::read_symlink(root + "/..data", error);
  ::unlink((root + "/..data_tmp").c_str());
  if (::symlink(version.c_str(), (root + "/..data_tmp").c_str()) != 0 ||
      std::rename((root + "/..data_tmp").c_str(), (root + "/..data").c_str()) != 0) {
    return fail("volume {}: {}", name, error_text(errno));
  }
  for (const auto& entry : top) (void)::symlink(("..data/" + entry).c_str(), (root + "/" + entry).c_str());
  for (const auto& entry : std::filesystem::directory_iterator(root, error)) {
    const std::string file = entry.path().filename();
    if (!file.starts_with("..") && std::ranges::find(top, file) == top.end()) remove_tree(entry.path());
  }
  if (!before.empty()) remove_tree(root / before);
  return {};
}

Result<> PodFiles::update(const Value& pod, const seam::PodInputs& inputs) {
  for (const auto& volume : pod.at("spec", "volumes").items()) {
    const std::string name(volume.at("name").str());
    const auto files = inputs.files.find(name);
    if (!read_only_.contains(name) || files == inputs.files.end()) continue;
    if (auto ok = write_volume(name, files->second); !ok) return ok;
  }
  return {};
}

Result<std::string> PodFiles::image_root(const std::string& container, const std::string& unpacked) {
  remove_root(container);
  std::string root = bundle(container) + "/root";
  if (auto ok = make_directories(root); !ok) return std::unexpected(ok.error());
  if (auto ok = mount_overlay(unpacked, layer(container), root); !ok) return std::unexpected(ok.error());
  mounted_.push_back(root);
  return root;
}

Result<std::string> PodFiles::host_root(const std::string& container) {
  remove_root(container);
  std::string root = layer(container) + "/root";
  for (const char* part : {"/.host/etc", "/etc", "/var/lib", "/var/log", "/run", "/proc", "/sys", "/dev"}) {
    if (auto ok = make_directories(root + part); !ok) return std::unexpected(ok.error());
  }
  // A bind of its own, so that unmounting it takes along everything below.
  if (auto ok = bind_mount(root, root, false); !ok) return std::unexpected(ok.error());
  mounted_.push_back(root);
  for (const char* name : {"/tmp", "/var/tmp", "/var/lib/nginx", "/var/log/nginx"}) {
    if (auto ok = make_directories(root + name); !ok) return std::unexpected(ok.error());
    ::chmod((root + name).c_str(), 01777);
  }
  for (const char* name : kHostDirectories) {
    const std::string from = std::string("/") + name;
    std::error_code error;
    const auto link = std::filesystem::read_symlink(from, error);
    if (!error) {
      (void)::symlink(link.c_str(), (root + from).c_str());
    } else if (std::filesystem::is_directory(from, error)) {
      if (auto ok = make_directories(root + from); !ok) return std::unexpected(ok.error());
      if (auto ok = bind_mount(from, root + from, true); !ok) return std::unexpected(ok.error());
    }
  }
  // /etc must take mount points: a directory of links to the host's entries.
  if (auto ok = bind_mount("/etc", root + kHostEtc, true); !ok) return std::unexpected(ok.error());
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/etc", error)) {
    const std::string name = entry.path().filename();
    if (name == "hosts" || name == "hostname" || name == "resolv.conf" || name == "mtab") continue;
    (void)::symlink((std::string(kHostEtc) + "/" + name).c_str(), (root + "/etc/" + name).c_str());
  }
  return root;
}

void PodFiles::remove_root(const std::string& container) {
  const std::string base = bundle(container);
  std::erase_if(mounted_, [&](const std::string& place) {
    const bool pinned = place.starts_with(base + "/sub-paths/");
    if (place != base + "/root" && place != layer(container) + "/root" && !pinned) return false;
    ::umount2(place.c_str(), MNT_DETACH);
    // One by one: what is mounted here is the volume's, and must outlive this.
    if (pinned && ::unlink(place.c_str()) != 0) ::rmdir(place.c_str());
    return true;
  });
  remove_tree(base + "/root");
  trash_.take(layer(container));
}

Result<std::string> PodFiles::mount_source(const std::string& container, const Value& mount,
                                           const Environment& environment) {
  const std::string name(mount.at("name").str());
  const auto volume = volumes_.find(name);
  if (volume == volumes_.end()) return fail("the container mounts the volume {}, which the pod does not have", name);
  std::string part(mount.at("subPath").str());
  if (mount.has("subPathExpr")) {
    part = expand(mount.at("subPathExpr").str(),
                  [&](std::string_view variable) { return find_variable(environment, variable); });
  }
  if (part.empty()) return volume->second;
  if (climbs(part)) return fail("volume {}: the subPath {} leaves the volume", name, part);
  auto found = open_sub_path(volume->second, part, !read_only_.contains(name));
  if (!found) return std::unexpected(wrap("volume " + name, found.error()));
  return pin(container, *found);
}

/// A mount of its own over what was found: whatever a container does to the volume before the runtime mounts it, this
/// stays the same file.
Result<std::string> PodFiles::pin(const std::string& container, const Descriptor& found) {
  const std::string folder = bundle(container) + "/sub-paths";
  if (auto ok = make_directories(folder); !ok) return std::unexpected(ok.error());
  std::string place = fmt::format("{}/{}", folder, mounted_.size());
  struct stat info{};
  const bool known = ::fstat(found.get(), &info) == 0;
  if (auto ok = known && S_ISDIR(info.st_mode) ? make_directories(place) : write_file(place, ""); !ok)
    return std::unexpected(ok.error());
  if (auto ok = bind_mount(fmt::format("/proc/self/fd/{}", found.get()), place, false); !ok)
    return std::unexpected(ok.error());
  mounted_.push_back(place);
  return place;
}

Result<std::vector<Mount>> PodFiles::mounts(const Value& container, const Environment& environment) {
  std::vector<Mount> out;
  const auto add = [&](std::string destination, std::string source, bool read_only) {
    out.push_back({std::move(destination), std::move(source), "bind", {"rbind", "rprivate", read_only ? "ro" : "rw"}});
  };
  for (const char* name : {"hosts", "hostname", "resolv.conf"})
    add(std::string("/etc/") + name, places_.memory + "/" + name, false);
  const std::string name(container.at("name").str());
  for (const auto& mount : container.at("volumeMounts").items()) {
    auto source = mount_source(name, mount, environment);
    if (!source) return std::unexpected(source.error());
    const bool read_only =
        mount.at("readOnly").bool_or(false) || read_only_.contains(std::string(mount.at("name").str()));
    add(std::string(mount.at("mountPath").str()), std::move(*source), read_only);
  }
  // A parent must be mounted before what is mounted into it.
  const auto depth = [](const Mount& mount) { return std::ranges::count(mount.destination, '/'); };
  std::ranges::sort(out, [&](const Mount& a, const Mount& b) {
    return std::pair(depth(a), a.destination) < std::pair(depth(b), b.destination);
  });
  if (auto ok = make_directories(bundle(name)); !ok) return std::unexpected(ok.error());
  if (auto ok = write_file(termination_file(name), ""); !ok) return std::unexpected(ok.error());
  ::chmod(termination_file(name).c_str(), 0666);
  add(std::string(container.at("terminationMessagePath").string_or("/dev/termination-log")), termination_file(name),
      false);
  return out;
}

void PodFiles::remove() {
  for (auto it = mounted_.rbegin(); it != mounted_.rend(); ++it) ::umount2(it->c_str(), MNT_DETACH);
  mounted_.clear();
  remove_tree(places_.memory);
  trash_.take(places_.disk);
  trash_.take(places_.layers);
}

}  // namespace fairlead::node
