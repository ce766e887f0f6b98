#include "engine/api/schema_names.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace fairlead::api {
namespace {

constexpr std::size_t kMaxSubdomain = 253;
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxPortName = 15;

constexpr std::string_view kSubdomain =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end "
    "with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr std::string_view kLabel =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an "
    "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view k1035Label =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view kNamePart =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. "
    "'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr std::string_view kLabelValue =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end "
    "with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
constexpr std::string_view kConfigKey =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
constexpr std::string_view kSearchDomain =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must "
    "start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')";
constexpr std::string_view kPercent =
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
    "validation is '[0-9]+%')";

bool digit(char c) { return c >= '0' && c <= '9'; }
bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool alnum(char c) { return digit(c) || lower(c) || (c >= 'A' && c <= 'Z'); }

std::string too_long(std::size_t limit) { return fmt::format("must be no more than {} bytes", limit); }

/// Lower-case letters, digits and '-' inside.
bool is_label(std::string_view text) {
  const auto edge = [](char c) { return lower(c) || digit(c); };
  return !text.empty() && edge(text.front()) && edge(text.back()) &&
         std::ranges::all_of(text, [&](char c) { return edge(c) || c == '-'; });
}

bool is_subdomain(std::string_view text) {
  while (true) {
    const std::size_t dot = text.find('.');
    if (!is_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_name_part(std::string_view text) {
  return !text.empty() && alnum(text.front()) && alnum(text.back()) &&
         std::ranges::all_of(text, [](char c) { return alnum(c) || c == '-' || c == '_' || c == '.'; });
}

struct Address {
  std::array<unsigned char, 16> bytes{};
  int bits = 0;  ///< 32 or 128; 0 when malformed.
};

Address parse_address(std::string_view text) {
  Address out;
  const std::string copy(text);
  if (inet_pton(AF_INET, copy.c_str(), out.bytes.data()) == 1) out.bits = 32;
  if (out.bits == 0 && inet_pton(AF_INET6, copy.c_str(), out.bytes.data()) == 1) out.bits = 128;
  return out;
}

struct Range {
  Address address;
  int length = -1;
};

Range parse_range(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || text.size() - slash > 4) return {};
  int length = 0;
  for (const char c : text.substr(slash + 1)) {
    if (!digit(c)) return {};
    length = length * 10 + (c - '0');
  }
  const Address address = parse_address(text.substr(0, slash));
  if (address.bits == 0 || length > address.bits || slash + 1 == text.size()) return {};
  return {address, length};
}

bool contains(const Range& range, const Address& address) {
  if (range.length < 0 || range.address.bits != address.bits) return false;
  const auto whole = static_cast<std::size_t>(range.length / 8);
  if (std::memcmp(address.bytes.data(), range.address.bytes.data(), whole) != 0) return false;
  const unsigned mask = 0xff00U >> (range.length % 8) & 0xffU;
  return range.length % 8 == 0 || (address.bytes[whole] & mask) == (range.address.bytes[whole] & mask);
}

}  // namespace

std::string bad_subdomain(std::string_view text) {
  if (text.size() > kMaxSubdomain) return too_long(kMaxSubdomain);
  return is_subdomain(text) ? "" : std::string(kSubdomain);
}

std::string bad_1035_label(std::string_view text) {
  const std::string long_one = text.size() > kMaxLabel ? too_long(kMaxLabel) : std::string();
  if (is_label(text) && lower(text.front())) return long_one;
  return long_one.empty() ? std::string(k1035Label) : fmt::format("{},{}", long_one, k1035Label);
}

std::string bad_label(std::string_view text) {
  if (text.size() > kMaxLabel) return too_long(kMaxLabel);
  return is_label(text) ? "" : std::string(kLabel);
}

std::string bad_kind(std::string_view text) {
  std::string lower_case(text);
  for (char& c : lower_case) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  const std::string why = bad_1035_label(lower_case);
  return why.empty() ? why : "may have mixed case, but should otherwise match: " + why;
}

std::string bad_path_segment(std::string_view text) {
  if (text == "." || text == "..") return fmt::format("may not be '{}'", text);
  for (const char c : {'/', '%'}) {
    if (text.contains(c)) return fmt::format("may not contain '{}'", c);
  }
  return {};
}

std::string bad_qualified_name(std::string_view text) {
  const std::size_t slash = text.find('/');
  std::string_view name = text;
  if (slash != std::string_view::npos) {
    name = text.substr(slash + 1);
    if (name.contains('/')) {
      return fmt::format(
          "a valid label key {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')", kNamePart);
    }
    if (slash == 0) return "prefix part must be non-empty";
    if (std::string why = bad_subdomain(text.substr(0, slash)); !why.empty()) return "prefix part " + why;
  }
  if (name.empty()) return "name part must be non-empty";
  if (name.size() > kMaxLabel) return "name part " + too_long(kMaxLabel);
  return is_name_part(name) ? "" : fmt::format("name part {}", kNamePart);
}

std::string bad_label_value(std::string_view text) {
  if (text.size() > kMaxLabel) return too_long(kMaxLabel);
  return text.empty() || is_name_part(text) ? "" : std::string(kLabelValue);
}

std::string bad_config_key(std::string_view text) {
  if (text.size() > kMaxSubdomain) return too_long(kMaxSubdomain);
  const auto allowed = [](char c) { return alnum(c) || c == '-' || c == '_' || c == '.'; };
  if (text.empty() || !std::ranges::all_of(text, allowed)) return std::string(kConfigKey);
  if (text == ".") return "must not be '.'";
  if (text == "..") return "must not be '..'";
  return text.starts_with("..") ? "must not start with '..'" : "";
}

std::string bad_port_name(std::string_view text) {
  if (text.size() > kMaxPortName) return fmt::format("must be no more than {} characters", kMaxPortName);
  if (!std::ranges::all_of(text, [](char c) { return lower(c) || digit(c) || c == '-'; })) {
    return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";
  }
  if (std::ranges::none_of(text, lower)) return "must contain at least one letter (a-z)";
  if (text.contains("--")) return "must not contain consecutive hyphens";
  return text.front() == '-' || text.back() == '-' ? "must not begin or end with a hyphen" : "";
}

std::string bad_env_name(std::string_view text) {
  const bool printable = std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~' && c != '='; });
  return printable && !text.empty()
             ? ""
             : "a valid environment variable name must consist only of printable ASCII characters other than '='";
}

std::string bad_header_name(std::string_view text) {
  const bool fine = !text.empty() && std::ranges::all_of(text, [](char c) { return alnum(c) || c == '-'; });
  return fine ? ""
              : "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used "
                "for validation is '[-A-Za-z0-9]+')";
}

std::string bad_search_domain(std::string_view text) {
  if (text.size() > kMaxSubdomain) return too_long(kMaxSubdomain);
  while (true) {
    const std::size_t dot = text.find('.');
    std::string label(text.substr(0, dot));
    if (label.starts_with('_')) label.erase(0, 1);
    const bool edges = !label.empty() && label.front() != '_' && label.back() != '_';
    std::ranges::replace(label, '_', '-');
    if (!edges || !is_label(label)) return std::string(kSearchDomain);
    if (dot == std::string_view::npos) return {};
    text.remove_prefix(dot + 1);
  }
}

std::string bad_wildcard_domain(std::string_view text) {
  if (text.size() > kMaxSubdomain) return too_long(kMaxSubdomain);
  if (text.starts_with("*.") && is_subdomain(text.substr(2))) return {};
  return "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
         "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', "
         "regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
}

std::string bad_percent(std::string_view text) {
  const bool fine =
      text.size() > 1 && text.back() == '%' && std::ranges::all_of(text.substr(0, text.size() - 1), digit);
  return fine ? "" : std::string(kPercent);
}

std::string bad_address(std::string_view text) {
  return parse_address(text).bits != 0 ? "" : "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
}

std::string bad_range(std::string_view text) {
  return parse_range(text).length >= 0 ? "" : "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
}

bool is_in_range(std::string_view address, std::string_view range) {
  return contains(parse_range(range), parse_address(address));
}

bool is_strict_subset(std::string_view inner, std::string_view outer) {
  const Range a = parse_range(inner);
  const Range b = parse_range(outer);
  return a.length > b.length && contains(b, a.address);
}

}  // namespace fairlead::api
