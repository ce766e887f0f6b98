#include "net/resolver.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <utility>

#include <sys/random.h>

namespace fairlead::net {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;
using Code = boost::system::error_code;

constexpr std::uint16_t kDnsPort = 53;
constexpr std::size_t kMaxCached = 1024;
// A Service's address hardly changes, but one that was looked up before the Service existed must be seen soon.
constexpr std::chrono::seconds kLongestCached{5};

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uint16_t random_id() {
  std::uint16_t id = 0;
  const ssize_t got = getrandom(&id, sizeof(id), 0);
  FAIRLEAD_ASSERT(std::cmp_equal(got, sizeof(id)));  // So few bytes are always given.
  return id;
}

/// "10.96.0.10" or, for tests, "127.0.0.1:5353".
Result<udp::endpoint> server_endpoint(const std::string& text) {
  Code code;
  std::string address = text;
  std::uint16_t port = kDnsPort;
  if (std::ranges::count(text, ':') == 1) {
    address = text.substr(0, text.find(':'));
    port = static_cast<std::uint16_t>(std::strtoul(text.c_str() + address.size() + 1, nullptr, 10));
  }
  const auto parsed = asio::ip::make_address(address, code);
  if (code) return fail("nameserver \"{}\" is not an IP address", text);
  return udp::endpoint(parsed, port);
}

}  // namespace

struct Resolver::Lookup {
  explicit Lookup(asio::io_context& io) : socket(io), timer(io) {}
  std::string name;
  ResolvConf conf;
  std::vector<std::string> names;
  std::size_t name_index = 0;
  int tried = 0;  // Of this name: nameservers times attempts.
  std::uint16_t id = 0;
  udp::socket socket;
  asio::steady_timer timer;
  std::array<char, 4096> buffer{};
  std::vector<Done> waiting;
  std::string problem;
  bool over = false;
};

Resolver::Resolver(asio::io_context& io, std::string resolv_conf, std::string hosts)
    : io_(io), resolv_conf_(std::move(resolv_conf)), hosts_(std::move(hosts)) {}

void Resolver::resolve(const std::string& name, Done done) {
  Code code;
  const auto literal = asio::ip::make_address(name, code);
  if (!code) return done(std::vector{literal.to_string()});
  if (const auto cached = cache_.find(name); cached != cache_.end()) {
    if (cached->second.until > std::chrono::steady_clock::now()) return done(cached->second.addresses);
    cache_.erase(cached);
  }
  if (const auto same = running_.find(name); same != running_.end()) {
    same->second->waiting.push_back(std::move(done));
    return;
  }
  if (auto listed = lookup_hosts(read_file(hosts_), name); !listed.empty()) return done(std::move(listed));
  const auto lookup = std::make_shared<Lookup>(io_);
  lookup->name = name;
  lookup->conf = parse_resolv_conf(read_file(resolv_conf_));
  lookup->names = candidate_names(lookup->conf, name);
  lookup->waiting.push_back(std::move(done));
  running_[name] = lookup;
  ask(lookup);
}

void Resolver::ask(const std::shared_ptr<Lookup>& lookup) {
  const auto& servers = lookup->conf.nameservers;
  const auto server = server_endpoint(servers[static_cast<std::size_t>(lookup->tried) % servers.size()]);
  lookup->id = random_id();
  const auto query = encode_dns_query(lookup->id, lookup->names[lookup->name_index]);
  if (!server || !query) {
    lookup->problem = !server ? server.error().message : query.error().message;
    return next(lookup);
  }
  Code code;
  lookup->socket = udp::socket(io_);
  lookup->socket.open(server->protocol(), code);
  if (!code) lookup->socket.connect(*server, code);
  if (!code) lookup->socket.send(asio::buffer(*query), 0, code);
  if (code) {
    lookup->problem = code.message();
    return next(lookup);
  }
  lookup->timer.expires_after(lookup->conf.timeout);
  lookup->timer.async_wait([this, lookup, id = lookup->id](Code cancelled) {
    if (cancelled || lookup->over || lookup->id != id) return;
    lookup->problem = "no nameserver answered";
    next(lookup);
  });
  receive(lookup);
}

void Resolver::receive(const std::shared_ptr<Lookup>& lookup) {
  lookup->socket.async_receive(asio::buffer(lookup->buffer),
                               [this, lookup, id = lookup->id](Code code, std::size_t bytes) {
                                 if (lookup->over || lookup->id != id || code == asio::error::operation_aborted) return;
                                 if (!code) return answered(lookup, bytes);
                                 lookup->problem = code.message();
                                 next(lookup);
                               });
}

void Resolver::answered(const std::shared_ptr<Lookup>& lookup, std::size_t bytes) {
  const std::string& asked = lookup->names[lookup->name_index];
  auto answer = parse_dns_answer({lookup->buffer.data(), bytes}, lookup->id, asked);
  if (!answer) return receive(lookup);  // Perhaps forged; the real one may still come.
  if (!answer->addresses.empty()) {
    if (cache_.size() >= kMaxCached) cache_.clear();
    const auto keep = std::min(answer->ttl, kLongestCached);
    cache_[lookup->name] = {answer->addresses, std::chrono::steady_clock::now() + keep};
    return finish(lookup, std::move(answer->addresses));
  }
  const bool definite = answer->code == 0 || answer->code == 3;
  lookup->problem = fmt::format("{} has no address", asked);
  if (!definite) {
    lookup->problem = fmt::format("the nameserver answered with code {} for {}", answer->code, asked);
    return next(lookup);
  }
  ++lookup->name_index;
  lookup->tried = -1;
  if (lookup->name_index < lookup->names.size()) return next(lookup);
  finish(lookup, fail("{} cannot be looked up: {}", lookup->name, lookup->problem));
}

void Resolver::next(const std::shared_ptr<Lookup>& lookup) {
  ++lookup->tried;
  const auto tries = static_cast<std::size_t>(lookup->conf.attempts) * lookup->conf.nameservers.size();
  if (static_cast<std::size_t>(lookup->tried) >= tries) {
    return finish(lookup, fail("{} cannot be looked up: {}", lookup->name, lookup->problem));
  }
  ask(lookup);
}

void Resolver::finish(const std::shared_ptr<Lookup>& lookup, Result<std::vector<std::string>> result) {
  if (std::exchange(lookup->over, true)) return;
  lookup->timer.cancel();
  Code ignored;
  lookup->socket.close(ignored);
  running_.erase(lookup->name);
  for (Done& done : std::exchange(lookup->waiting, {})) done(result);
}

void Resolver::cancel() {
  const auto running = std::exchange(running_, {});
  for (const auto& [name, lookup] : running) finish(lookup, fail("the lookup of {} was given up", name));
}

}  // namespace fairlead::net
