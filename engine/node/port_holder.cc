#include <dirent.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <sstream>
#include <string>

#include "engine/node/enclosure.h"
#include "engine/node/files.h"

namespace fairlead::node {

namespace {

/// The inode of the socket that listens on `port`, as /proc/net/tcp shows it; empty when there is none.
std::string listening_inode(const std::string& table, std::uint16_t port) {
  const auto text = read_file(table);
  if (!text) return {};
  std::istringstream lines(*text);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
    fields >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >> inode;
    const auto colon = local.rfind(':');
    if (state != "0A" || colon == std::string::npos) continue;
    unsigned value = 0;
    std::from_chars(local.data() + colon + 1, local.data() + local.size(), value, 16);
    if (value == port) return inode;
  }
  return {};
}

}  // namespace

std::string port_holder(std::uint16_t port) {
  std::string inode = listening_inode("/proc/net/tcp", port);
  if (inode.empty()) inode = listening_inode("/proc/net/tcp6", port);
  if (inode.empty() || inode == "0") return {};
  const std::string wanted = "socket:[" + inode + "]";
  std::error_code error;
  for (const auto& process : std::filesystem::directory_iterator("/proc", error)) {
    const std::string pid = process.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    std::error_code denied;
    for (const auto& fd : std::filesystem::directory_iterator(process.path() / "fd", denied)) {
      std::error_code gone;
      if (std::filesystem::read_symlink(fd.path(), gone) != wanted) continue;
      auto name = read_file(process.path() / "comm").value_or("a program");
      while (name.ends_with('\n')) name.pop_back();
      return name + " (pid " + pid + ")";
    }
  }
  return {};
}

}  // namespace fairlead::node
