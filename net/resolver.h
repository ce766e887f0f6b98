// Looks names up over UDP, without blocking. Inside net/ only: it includes Asio.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio.hpp>

#include "base/error.h"
#include "net/dns.h"

namespace fairlead::net {

/// Used on the thread of its io_context. Reads resolv.conf and hosts anew for every lookup that the cache cannot
/// answer.
class Resolver {
 public:
  using Done = std::move_only_function<void(Result<std::vector<std::string>>)>;

  Resolver(boost::asio::io_context& io, std::string resolv_conf, std::string hosts);

  /// The IPv4 addresses of `name`; at least one, or an error that says what was asked and answered.
  void resolve(const std::string& name, Done done);
  /// Ends lookups under way with an error.
  void cancel();

 private:
  struct Lookup;
  struct Cached {
    std::vector<std::string> addresses;
    std::chrono::steady_clock::time_point until;
  };

  void ask(const std::shared_ptr<Lookup>& lookup);
  void next(const std::shared_ptr<Lookup>& lookup);
  void receive(const std::shared_ptr<Lookup>& lookup);
  void answered(const std::shared_ptr<Lookup>& lookup, std::size_t bytes);
  void finish(const std::shared_ptr<Lookup>& lookup, Result<std::vector<std::string>> result);

  boost::asio::io_context& io_;
  std::string resolv_conf_;
  std::string hosts_;
  std::map<std::string, Cached> cache_;
  std::map<std::string, std::shared_ptr<Lookup>> running_;
};

}  // namespace fairlead::net
