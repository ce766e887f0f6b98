#include "net/dns.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "net/http_message.h"

namespace fairlead::net {
namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxName = 253;
constexpr int kMaxPointers = 32;
constexpr std::uint16_t kTypeA = 1;
constexpr std::uint16_t kTypeCname = 5;
constexpr std::uint16_t kClassIn = 1;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  line = line.substr(0, line.find_first_of("#;"));
  while (true) {
    const auto start = line.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) return words;
    line.remove_prefix(start);
    const auto end = std::min(line.find_first_of(" \t\r"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

template <class Use>
void each_line(std::string_view text, Use use) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    use(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void read_option(std::string_view option, ResolvConf& conf) {
  const auto colon = option.find(':');
  if (colon == std::string_view::npos) return;
  int value = 0;
  const std::string_view digits = option.substr(colon + 1);
  if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc{} || value < 0) return;
  if (option.starts_with("ndots:")) conf.ndots = std::min(value, 15);
  if (option.starts_with("attempts:")) conf.attempts = std::clamp(value, 1, 5);
  if (option.starts_with("timeout:")) conf.timeout = std::chrono::seconds(std::clamp(value, 1, 30));
}

bool is_ipv4(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos &&
         std::ranges::count(text, '.') == 3;
}

std::string_view without_dot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

/// Reads big-endian numbers and names from an answer; nothing once it has run over the end.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] bool ok() const { return ok_; }
  std::uint16_t u16() {
    const auto high = byte();
    return static_cast<std::uint16_t>(high << 8U | byte());
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16U | u16();
  }
  std::string_view take(std::size_t count) {
    if (count > bytes_.size() - at_) return fail(), std::string_view{};
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }
  std::string name() {
    std::string out;
    std::size_t back = 0;
    for (int pointers = 0; ok_;) {
      const unsigned length = byte();
      if (length == 0) break;
      if ((length & 0xC0U) == 0xC0U) {
        const std::size_t target = (length & 0x3FU) << 8U | byte();
        if (back == 0) back = at_;
        if (++pointers > kMaxPointers || target >= bytes_.size()) fail();
        at_ = ok_ ? target : at_;
        continue;
      }
      if (length > kMaxLabel || out.size() + length > kMaxName + 1) fail();
      if (!out.empty()) out += '.';
      out += take(length);
    }
    if (back != 0) at_ = back;
    return out;
  }

 private:
  unsigned byte() {
    if (at_ >= bytes_.size()) return fail(), 0U;
    return static_cast<unsigned char>(bytes_[at_++]);
  }
  void fail() { ok_ = false; }

  std::string_view bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

void append_u16(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8U & 0xFFU);
  out += static_cast<char>(value & 0xFFU);
}

std::string dotted(std::string_view four) {
  std::string out;
  for (const char c : four) {
    if (!out.empty()) out += '.';
    out += std::to_string(static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace

ResolvConf parse_resolv_conf(std::string_view text) {
  ResolvConf conf;
  each_line(text, [&](std::string_view line) {
    const auto words = words_of(line);
    if (words.size() < 2) return;
    if (words[0] == "nameserver" && conf.nameservers.size() < kMaxNameservers) conf.nameservers.emplace_back(words[1]);
    if (words[0] == "search" || words[0] == "domain") {
      conf.search.assign(words.begin() + 1, words.end());
      if (conf.search.size() > kMaxSearchDomains) conf.search.resize(kMaxSearchDomains);
    }
    if (words[0] == "options")
      std::for_each(words.begin() + 1, words.end(), [&](auto word) { read_option(word, conf); });
  });
  if (conf.nameservers.empty()) conf.nameservers.emplace_back("127.0.0.1");
  return conf;
}

std::vector<std::string> candidate_names(const ResolvConf& conf, std::string_view name) {
  if (name.ends_with('.')) return {std::string(without_dot(name))};
  std::vector<std::string> names;
  for (const std::string& domain : conf.search) {
    names.push_back(std::string(name) + "." + std::string(without_dot(domain)));
  }
  const bool as_is_first = std::ranges::count(name, '.') >= conf.ndots;
  names.insert(as_is_first ? names.begin() : names.end(), std::string(name));
  return names;
}

std::vector<std::string> lookup_hosts(std::string_view hosts, std::string_view name) {
  std::vector<std::string> addresses;
  each_line(hosts, [&](std::string_view line) {
    const auto words = words_of(line);
    if (words.empty() || !is_ipv4(words[0])) return;
    const bool named = std::any_of(words.begin() + 1, words.end(),
                                   [&](std::string_view word) { return equal_ignoring_case(word, without_dot(name)); });
    if (named) addresses.emplace_back(words[0]);
  });
  return addresses;
}

Result<std::string> encode_dns_query(std::uint16_t id, std::string_view name) {
  const std::string_view full = without_dot(name);
  if (full.empty() || full.size() > kMaxName) return fail("\"{}\" is not a host name", name);
  std::string out;
  append_u16(out, id);
  append_u16(out, 0x0100);  // A standard query, recursion desired.
  for (const unsigned count : {1U, 0U, 0U, 0U}) append_u16(out, count);
  for (std::size_t start = 0; start <= full.size();) {
    const auto end = std::min(full.find('.', start), full.size());
    const std::string_view label = full.substr(start, end - start);
    if (label.empty() || label.size() > kMaxLabel) return fail("\"{}\" is not a host name", name);
    out += static_cast<char>(label.size());
    out += label;
    start = end + 1;
  }
  out += '\0';
  append_u16(out, kTypeA);
  append_u16(out, kClassIn);
  return out;
}

Result<DnsAnswer> parse_dns_answer(std::string_view bytes, std::uint16_t id, std::string_view name) {
  if (bytes.size() < kHeaderBytes) return fail("the DNS answer is too short");
  Reader reader(bytes);
  if (reader.u16() != id) return fail("the DNS answer belongs to another query");
  const unsigned flags = reader.u16();
  const unsigned questions = reader.u16();
  const unsigned answers = reader.u16();
  reader.u32();
  if ((flags & 0x8000U) == 0 || questions != 1) return fail("the DNS answer is not one");
  std::string wanted = reader.name();
  if (!equal_ignoring_case(wanted, without_dot(name)) || reader.u16() != kTypeA || reader.u16() != kClassIn) {
    return fail("the DNS answer belongs to another query");
  }
  DnsAnswer answer{.code = static_cast<int>(flags & 0xFU), .truncated = (flags & 0x0200U) != 0, .addresses = {}};
  std::optional<std::uint32_t> ttl;
  for (unsigned i = 0; i < answers && reader.ok(); ++i) {
    const std::string owner = reader.name();
    const unsigned type = reader.u16();
    const unsigned rrclass = reader.u16();
    const std::uint32_t lives = reader.u32();
    const std::size_t length = reader.u16();
    const bool ours = rrclass == kClassIn && equal_ignoring_case(owner, wanted);
    if (ours && type == kTypeCname) {
      wanted = reader.name();
    } else {
      const std::string_view data = reader.take(length);
      if (!ours || type != kTypeA || data.size() != 4) continue;
      answer.addresses.push_back(dotted(data));
    }
    ttl = std::min(ttl.value_or(lives), lives);
  }
  if (!reader.ok()) return fail("the DNS answer is malformed");
  answer.ttl = std::chrono::seconds(ttl.value_or(0));
  return answer;
}

}  // namespace fairlead::net
