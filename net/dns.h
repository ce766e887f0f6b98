// DNS as a stub resolver needs it, without sockets. glibc's getaddrinfo loads modules at run time, which a static
// binary in an empty image cannot; so names are looked up by this code, by /etc/resolv.conf and /etc/hosts alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace fairlead::net {

struct ResolvConf {
  std::vector<std::string> nameservers;  ///< IP addresses, at most kMaxNameservers; 127.0.0.1 when the file names none.
  std::vector<std::string> search;
  int ndots = 1;
  int attempts = 2;
  std::chrono::milliseconds timeout{2'000};  ///< Per try.
};
inline constexpr std::size_t kMaxNameservers = 3;
inline constexpr std::size_t kMaxSearchDomains = 32;

/// resolv.conf(5): nameserver, search, domain, options ndots/attempts/timeout. Other lines mean nothing here.
[[nodiscard]] ResolvConf parse_resolv_conf(std::string_view text);
/// The full names to ask for, in order: as glibc, search domains first when `name` has fewer than ndots dots.
[[nodiscard]] std::vector<std::string> candidate_names(const ResolvConf& conf, std::string_view name);
/// hosts(5): the IPv4 addresses of `name`.
[[nodiscard]] std::vector<std::string> lookup_hosts(std::string_view hosts, std::string_view name);

/// A query for the A records of `name`. An error for what is no DNS name.
[[nodiscard]] Result<std::string> encode_dns_query(std::uint16_t id, std::string_view name);

struct DnsAnswer {
  int code = 0;  ///< 0 NOERROR, 3 NXDOMAIN.
  bool truncated = false;
  std::vector<std::string> addresses;  ///< IPv4, CNAMEs followed within the answer.
  std::chrono::seconds ttl{0};         ///< The smallest of the records used.
};
/// Reads an answer to the query `encode_dns_query(id, name)`; an error when it is none or malformed.
[[nodiscard]] Result<DnsAnswer> parse_dns_answer(std::string_view bytes, std::uint16_t id, std::string_view name);

}  // namespace fairlead::net
