#include "engine/node/dns_zone.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace fairlead::node {

namespace {

constexpr std::string_view kCluster = "cluster.local";
constexpr std::uint32_t kTtl = 5;
constexpr std::size_t kHeader = 12;
constexpr std::size_t kMaxEdns = 1232;
constexpr int kMaxCnames = 8;

constexpr std::uint16_t kA = 1;
constexpr std::uint16_t kCname = 5;
constexpr std::uint16_t kSoa = 6;
constexpr std::uint16_t kPtr = 12;
constexpr std::uint16_t kSrv = 33;
constexpr std::uint16_t kOpt = 41;
constexpr std::uint16_t kAny = 255;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::uint16_t get16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>((static_cast<unsigned char>(bytes[at]) << 8) |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

void put16(std::string& out, std::size_t value) {
  out += static_cast<char>((value >> 8) & 255);
  out += static_cast<char>(value & 255);
}

void put32(std::string& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xFFFF);
}

void put_name(std::string& out, std::string_view name) {
  while (!name.empty()) {
    const auto dot = name.find('.');
    const auto label = name.substr(0, std::min<std::size_t>(dot, 63));
    out += static_cast<char>(label.size());
    out += label;
    name = dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
  }
  out += '\0';
}

struct Question {
  std::string name;  ///< Lower case, without the last dot.
  std::uint16_t type = 0;
  std::uint16_t klass = 0;
  std::size_t end = 0;
};

/// Queries do not compress their one name.
bool read_question(std::string_view query, Question& question) {
  std::size_t at = kHeader;
  while (at < query.size() && query[at] != 0) {
    const auto length = static_cast<unsigned char>(query[at]);
    if (length > 63 || at + 1 + length >= query.size()) return false;
    if (!question.name.empty()) question.name += '.';
    question.name += lower(query.substr(at + 1, length));
    at += 1U + length;
  }
  if (at + 5 > query.size() || question.name.size() > 255) return false;
  question.type = get16(query, at + 1);
  question.klass = get16(query, at + 3);
  question.end = at + 5;
  return true;
}

/// The payload size of the OPT record that follows the question, 0 without one.
std::size_t edns_size(std::string_view query, const Question& question) {
  if (get16(query, 10) == 0 || get16(query, 6) != 0 || get16(query, 8) != 0) return 0;
  const std::size_t at = question.end;
  if (at + 11 > query.size() || query[at] != 0 || get16(query, at + 1) != kOpt) return 0;
  return std::clamp<std::size_t>(get16(query, at + 3), 512, kMaxEdns);
}

std::string reverse_name(Address address) {
  return fmt::format("{}.{}.{}.{}.in-addr.arpa", address & 255, (address >> 8) & 255, (address >> 16) & 255,
                     address >> 24);
}

/// "10-244-0-3" → address; 0 for anything else.
Address dashed_address(std::string text) {
  std::ranges::replace(text, '-', '.');
  return parse_address(text);
}

}  // namespace

DnsZone::Name& DnsZone::add(const std::string& name) {
  for (auto dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
    names_.try_emplace(name.substr(dot + 1));
  }
  return names_[name];
}

DnsZone::DnsZone(const seam::NetworkProgram& program, const HostNames& hosts) {
  add("svc." + std::string(kCluster));
  add("pod." + std::string(kCluster));
  for (const auto& service : program.services) add_service(service);
  for (const auto& [name, addresses] : hosts) {
    for (const auto& address : addresses) add(lower(name)).addresses.push_back(parse_address(address));
  }
}

void DnsZone::add_service(const seam::ServiceProgram& service) {
  const std::string name = fmt::format("{}.{}.svc.{}", lower(service.name), lower(service.ns), kCluster);
  add(fmt::format("{}.pod.{}", lower(service.ns), kCluster));
  if (!service.external_name.empty()) {
    add(name).cname = lower(service.external_name);
    return;
  }
  if (service.cluster_ip != "None") {
    const Address address = parse_address(service.cluster_ip);
    if (address == 0) return;
    add(name).addresses.push_back(address);
    add(reverse_name(address)).pointer = name;
  }
  for (const auto& entry : service.headless) {
    const Address address = parse_address(entry.ip);
    if (address == 0) continue;
    add(name).addresses.push_back(address);
    std::string dashed = entry.ip;
    std::ranges::replace(dashed, '.', '-');
    const std::string own = (entry.hostname.empty() ? dashed : lower(entry.hostname)) + "." + name;
    add(own).addresses.push_back(address);
    add(reverse_name(address)).pointer = own;
  }
  if (service.headless.empty()) add(name);
  for (const auto& port : service.ports) {
    if (port.name.empty()) continue;
    auto& entry = add(fmt::format("_{}._{}.{}", lower(port.name), lower(port.protocol), name));
    if (service.cluster_ip != "None") entry.services.push_back({port.port, name});
    for (const auto& endpoint : service.cluster_ip == "None" ? port.endpoints : std::vector<seam::Endpoint>()) {
      std::string dashed = endpoint.ip;
      std::ranges::replace(dashed, '.', '-');
      for (const auto& known : service.headless) {
        if (known.ip == endpoint.ip && !known.hostname.empty()) dashed = lower(known.hostname);
      }
      entry.services.push_back({endpoint.port, dashed + "." + name});
    }
  }
}

const DnsZone::Name* DnsZone::find(const std::string& name, Name& scratch) const {
  if (const auto found = names_.find(name); found != names_.end()) return &found->second;
  // 10-244-0-3.shop.pod.cluster.local, without asking whether there is such a pod.
  const std::string suffix = ".pod." + std::string(kCluster);
  const auto dot = name.find('.');
  if (name.ends_with(suffix) && dot + 1 < name.size() - suffix.size() + 1 && names_.contains(name.substr(dot + 1))) {
    const Address address = dashed_address(name.substr(0, dot));
    if (address == 0) return nullptr;
    scratch.addresses = {address};
    return &scratch;
  }
  return nullptr;
}

/// A reply under construction.
class DnsReply {
 public:
  DnsReply(const DnsZone& zone, const Question& question) : zone_(zone), question_(question) {}

  void fill() {
    std::string name = question_.name;
    for (int step = 0; step < kMaxCnames; ++step) {
      DnsZone::Name scratch;
      const auto* found = zone_.find(name, scratch);
      if (found == nullptr) {
        // A CNAME that leads out of the cluster is an answer; only the name asked for itself can be missing.
        missing_ = step == 0;
        return;
      }
      if (found->cname.empty() || question_.type == kCname) return add_records(name, *found);
      std::string data;
      put_name(data, found->cname);
      record(name, kCname, data);
      name = found->cname;
    }
  }

  [[nodiscard]] std::string bytes(std::string_view query, std::size_t edns, std::size_t limit) const {
    const bool in_cluster = question_.name == kCluster || question_.name.ends_with("." + std::string(kCluster));
    std::string authority;
    if (answers_ == 0) soa(authority, in_cluster ? std::string(kCluster) : std::string());
    for (const bool cut : {false, true}) {
      std::string out(query.substr(0, 2));
      const unsigned flags =
          0x8400U | (cut ? 0x0200U : 0U) | (get16(query, 2) & 0x0100U) | 0x0080U | (missing_ ? 3U : 0U);
      put16(out, flags);
      put16(out, 1);
      put16(out, cut ? 0 : answers_);
      put16(out, !cut && answers_ == 0 ? 1 : 0);
      put16(out, edns > 0 ? 1 : 0);
      out += query.substr(kHeader, question_.end - kHeader);
      if (!cut) out += body_ + (answers_ == 0 ? authority : std::string());
      if (edns > 0) {
        out += '\0';
        put16(out, kOpt);
        put16(out, kMaxEdns);
        put32(out, 0);
        put16(out, 0);
      }
      if (out.size() <= limit || cut) return out;
    }
    return {};
  }

 private:
  void record(const std::string& name, std::uint16_t type, const std::string& data) {
    put_name(body_, name);
    put16(body_, type);
    put16(body_, 1);
    put32(body_, kTtl);
    put16(body_, data.size());
    body_ += data;
    ++answers_;
  }

  void add_records(const std::string& name, const DnsZone::Name& found) {
    const bool any = question_.type == kAny;
    if (question_.type == kA || any) {
      // Every reply starts elsewhere, so that clients which take the first address spread.
      static thread_local std::size_t turn = 0;
      const std::size_t start = turn++;
      for (std::size_t i = 0; i < found.addresses.size(); ++i) {
        std::string data;
        put32(data, found.addresses[(start + i) % found.addresses.size()]);
        record(name, kA, data);
      }
    }
    if ((question_.type == kCname || any) && !found.cname.empty()) {
      std::string data;
      put_name(data, found.cname);
      record(name, kCname, data);
    }
    for (const auto& service : question_.type == kSrv || any ? found.services : std::vector<DnsZone::Service>()) {
      std::string data;
      put16(data, 0);
      put16(data, 100);
      put16(data, service.port);
      put_name(data, service.target);
      record(name, kSrv, data);
    }
    if ((question_.type == kPtr || any) && !found.pointer.empty()) {
      std::string data;
      put_name(data, found.pointer);
      record(name, kPtr, data);
    }
  }

  static void soa(std::string& out, const std::string& zone) {
    put_name(out, zone);
    put16(out, kSoa);
    put16(out, 1);
    put32(out, kTtl);
    std::string data;
    put_name(data, "ns.dns." + std::string(kCluster));
    put_name(data, "hostmaster." + std::string(kCluster));
    for (const std::uint32_t value : {1U, 7200U, 1800U, 86400U, kTtl}) put32(data, value);
    put16(out, data.size());
    out += data;
  }

  const DnsZone& zone_;
  const Question& question_;
  std::string body_;
  std::size_t answers_ = 0;
  bool missing_ = false;
};

std::string DnsZone::answer(std::string_view query, std::size_t limit) const {
  if (query.size() < kHeader || (get16(query, 2) & 0x8000) != 0) return {};
  Question question;
  const bool understood = get16(query, 4) == 1 && (get16(query, 2) & 0x7800) == 0 && read_question(query, question);
  if (!understood || question.klass != 1) {
    // FORMERR or, for other opcodes and classes, NOTIMP.
    std::string out(query.substr(0, 2));
    put16(out, understood || (get16(query, 2) & 0x7800) != 0 ? 0x8004 : 0x8001);
    return out.append(8, '\0');
  }
  const std::size_t edns = edns_size(query, question);
  DnsReply reply(*this, question);
  reply.fill();
  return reply.bytes(query, edns, std::max(limit, limit == 512 ? edns : 0));
}

}  // namespace fairlead::node
