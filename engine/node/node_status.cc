#include "engine/node/node_status.h"

#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <sstream>

#include "base/quantity.h"
#include "base/time.h"
#include "engine/node/files.h"
#include "engine/node/pod_network.h"

namespace fairlead::node {

namespace {

constexpr std::int64_t kReservedMemory = std::int64_t{256} << 20;
constexpr std::int64_t kReservedMilliCpu = 100;
constexpr std::int64_t kMaxPods = 110;

std::string line(const std::string& path) {
  auto text = read_file(path, 4096).value_or("");
  return text.substr(0, text.find('\n'));
}

std::int64_t memory_total() {
  const auto text = read_file("/proc/meminfo", 8192).value_or("");
  std::int64_t kilobytes = 0;
  const auto digits = text.find_first_of("0123456789");
  if (digits != std::string::npos) std::from_chars(text.data() + digits, text.data() + text.size(), kilobytes);
  return kilobytes * 1024;
}

std::string os_image() {
  std::istringstream lines(read_file("/etc/os-release", 16384).value_or(""));
  for (std::string text; std::getline(lines, text);) {
    if (!text.starts_with("PRETTY_NAME=")) continue;
    std::erase(text, '"');
    return text.substr(12);
  }
  return "Linux";
}

Value resources(std::int64_t milli_cpu, std::int64_t memory, std::int64_t disk) {
  return Value::object({{"cpu", Quantity::of_milli(milli_cpu).text()},
                        {"ephemeral-storage", fmt::format("{}Ki", disk / 1024)},
                        {"hugepages-1Gi", "0"},
                        {"hugepages-2Mi", "0"},
                        {"memory", fmt::format("{}Ki", memory / 1024)},
                        {"pods", std::to_string(kMaxPods)}});
}

Value conditions() {
  const std::string now = format_time(std::chrono::floor<Duration>(std::chrono::system_clock::now()));
  Value out = Value::array();
  const auto add = [&](const char* type, const char* reason, const char* message) {
    out.push_back(Value::object({{"type", type},
                                 {"status", "False"},
                                 {"lastHeartbeatTime", now},
                                 {"lastTransitionTime", now},
                                 {"reason", reason},
                                 {"message", message}}));
  };
  add("NetworkUnavailable", "RouteCreated", "the node routes pods itself");
  add("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available");
  add("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure");
  add("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available");
  return out;
}

}  // namespace

Value machine_status(const std::string& name, const std::string& directory) {
  const std::int64_t cpu = std::max<std::int64_t>(1, ::sysconf(_SC_NPROCESSORS_ONLN)) * 1000;
  const std::int64_t memory = memory_total();
  struct statvfs disk_info{};
  ::statvfs(directory.c_str(), &disk_info);
  const auto disk = static_cast<std::int64_t>(disk_info.f_blocks * disk_info.f_frsize);
  struct utsname kernel{};
  ::uname(&kernel);
  Value addresses = Value::array({Value::object({{"type", "InternalIP"}, {"address", format_address(kNodeAddress)}}),
                                  Value::object({{"type", "Hostname"}, {"address", name}})});
  Value info = Value::object({{"architecture", "amd64"},
                              {"bootID", line("/proc/sys/kernel/random/boot_id")},
                              {"containerRuntimeVersion", "crun://1"},
                              {"kernelVersion", std::string(kernel.release)},
                              {"kubeProxyVersion", ""},
                              {"kubeletVersion", "v1.36.0-fairlead"},
                              {"machineID", line("/etc/machine-id")},
                              {"operatingSystem", "linux"},
                              {"osImage", os_image()},
                              {"systemUUID", line("/etc/machine-id")}});
  return Value::object(
      {{"capacity", resources(cpu, memory, disk)},
       {"allocatable", resources(cpu - kReservedMilliCpu, std::max<std::int64_t>(0, memory - kReservedMemory), disk)},
       {"conditions", conditions()},
       {"addresses", std::move(addresses)},
       {"nodeInfo", std::move(info)}});
}

}  // namespace fairlead::node
