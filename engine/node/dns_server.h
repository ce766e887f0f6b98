// Serves DNS on port 53 of one pod's address, from inside the node.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "engine/node/loop.h"
#include "engine/node/pod_network.h"

namespace fairlead::node {

/// UDP and TCP. The sockets live in the pod's network namespace, so what NetworkPolicy says about that pod holds.
class DnsServer {
 public:
  /// Answers one query: (query, largest reply) → reply, empty for none.
  using Answer = std::function<std::string(std::string_view query, std::size_t limit)>;

  DnsServer(Loop& loop, Answer answer) : loop_(loop), answer_(std::move(answer)) {}
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  [[nodiscard]] Result<> start(const Network& network, const PodNetwork& pod);

 private:
  struct Connection {
    Descriptor socket;
    std::string input;
    Loop::Timer timer;
  };
  void answer_datagrams();
  void accept_connections();
  void pause();
  void read_connection(int fd);
  void drop(int fd);

  Loop& loop_;
  Answer answer_;
  Descriptor udp_;
  Descriptor tcp_;
  std::map<int, Connection> connections_;
  Loop::Timer resume_;  ///< When connections are accepted again.
};

}  // namespace fairlead::node
