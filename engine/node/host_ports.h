// hostPort: listeners on the host's 127.0.0.1 whose connections go on to a pod.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <thread>

#include "engine/node/enclosure.h"
#include "engine/node/loop.h"
#include "engine/node/netlink.h"

namespace fairlead::node {

/// Copies bytes on a thread of its own, so that traffic delays nothing else. `open` and `close` may be called from any
/// one thread.
class HostPorts {
 public:
  explicit HostPorts(Outside& outside);
  ~HostPorts();
  HostPorts(const HostPorts&) = delete;
  HostPorts& operator=(const HostPorts&) = delete;

  /// Takes 127.0.0.1:`host_port` and leads it to `address`:`port`; a port that is ours already is led there from now
  /// on. The error says who holds the port, unless it is asked `again`.
  [[nodiscard]] Result<> open(std::uint16_t host_port, Address address, std::uint16_t port, bool again = false);
  /// Gives the port back if it still leads to `address`; connections that are under way end with their pod.
  void close(std::uint16_t host_port, Address address);

 private:
  struct Target {
    Descriptor listener;
    Address address = 0;
    std::uint16_t port = 0;
  };
  struct Side {
    Descriptor socket;
    std::string pending;  ///< Read from the other side, not yet written here.
    bool open = true;     ///< More may come from here.
    bool shut = false;    ///< Nothing more will be written here.
  };
  struct Pair;
  void accept_all(std::uint16_t host_port);
  void pause(std::uint16_t host_port);
  void move(const std::shared_ptr<Pair>& pair, std::size_t from);
  void turn(const std::shared_ptr<Pair>& pair);
  void drop(const std::shared_ptr<Pair>& pair);

  Outside& outside_;
  Loop loop_;
  std::map<std::uint16_t, Target> targets_;  ///< Touched on the loop's thread alone.
  std::map<std::uint16_t, Address> known_;   ///< Touched by callers alone.
  std::map<int, std::shared_ptr<Pair>> pairs_;
  std::jthread thread_;
};

}  // namespace fairlead::node
