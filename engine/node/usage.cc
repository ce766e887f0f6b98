#include "engine/node/usage.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <memory>
#include <sstream>
#include <string>

#include "engine/node/files.h"

namespace fairlead::node {

namespace {

/// Identifies a PID namespace; 0 when the process is gone.
ino_t pid_namespace(pid_t pid) {
  struct stat info{};
  return ::stat(("/proc/" + std::to_string(pid) + "/ns/pid").c_str(), &info) == 0 ? info.st_ino : 0;
}

std::vector<pid_t> processes() {
  std::vector<pid_t> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc"), ::closedir);
  while (const dirent* entry = directory ? ::readdir(directory.get()) : nullptr) {
    pid_t pid = 0;
    const std::string_view name(entry->d_name);
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr == name.data() + name.size() && pid > 1)
      out.push_back(pid);
  }
  return out;
}

/// User and system time in clock ticks. The name in parentheses may hold anything, so fields count from the last ')'.
std::int64_t cpu_ticks(pid_t pid) {
  const auto text = read_file("/proc/" + std::to_string(pid) + "/stat", 4096).value_or("");
  const auto close = text.rfind(')');
  if (close == std::string::npos) return 0;
  std::istringstream fields(text.substr(close + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  std::int64_t user = 0;
  std::int64_t system = 0;
  fields >> user >> system;
  return user + system;
}

/// A "Name:   123 kB" line of a /proc file, in bytes.
std::int64_t kilobytes(const std::string& text, const std::string& name) {
  const auto at = text.find("\n" + name + ":");
  if (at == std::string::npos) return 0;
  std::int64_t value = 0;
  const auto digits = text.find_first_of("0123456789", at + name.size() + 2);
  std::from_chars(text.data() + digits, text.data() + text.size(), value);
  return value * 1024;
}

/// The program's own pages count, as they do in the working set of a cgroup that reads them first.
std::int64_t resident(pid_t pid) {
  return kilobytes(read_file("/proc/" + std::to_string(pid) + "/status", 8192).value_or(""), "VmRSS");
}

}  // namespace

std::map<pid_t, ContainerSample> UsageReader::read(const std::vector<pid_t>& leaders) {
  std::map<ino_t, pid_t> owner;
  for (const pid_t leader : leaders) {
    if (const ino_t ns = pid_namespace(leader); ns != 0) owner[ns] = leader;
  }
  std::map<pid_t, ContainerSample> out;
  std::map<pid_t, std::map<pid_t, std::int64_t>> living;
  for (const pid_t pid : processes()) {
    const auto found = owner.find(pid_namespace(pid));
    if (found == owner.end()) continue;
    out[found->second].memory_bytes += resident(pid);
    living[found->second][pid] = cpu_ticks(pid);
  }
  const std::int64_t tick = 1'000'000'000 / ::sysconf(_SC_CLK_TCK);
  std::map<pid_t, Seen> seen;
  for (auto& [leader, sample] : out) {
    Seen& kept = seen[leader] = std::move(seen_[leader]);
    for (const auto& [pid, ticks] : kept.ticks) {
      if (!living[leader].contains(pid)) kept.ended += ticks;
    }
    kept.ticks = std::move(living[leader]);
    std::int64_t total = kept.ended;
    for (const auto& [pid, ticks] : kept.ticks) total += ticks;
    sample.cpu_nanoseconds = total * tick;
  }
  seen_ = std::move(seen);
  return out;
}

std::int64_t exact_memory(pid_t leader) {
  const ino_t ns = pid_namespace(leader);
  std::int64_t total = 0;
  for (const pid_t pid : processes()) {
    if (pid_namespace(pid) != ns) continue;
    const auto text = read_file("/proc/" + std::to_string(pid) + "/smaps_rollup", 8192).value_or("");
    total += kilobytes(text, "Pss_Anon") + kilobytes(text, "Pss_Shmem");
  }
  return total;
}

}  // namespace fairlead::node
