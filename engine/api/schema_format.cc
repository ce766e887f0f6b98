#include "engine/api/schema_format.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include <re2/re2.h>

#include "base/time.h"
#include "engine/api/schema_names.h"

namespace fairlead::api {
namespace {

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

bool matches(const RE2& expression, std::string_view text) { return RE2::FullMatch(piece(text), expression); }

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string without(std::string_view text, std::string_view dropped) {
  std::string out;
  for (const char c : text) {
    if (!dropped.contains(c)) out += c;
  }
  return out;
}

bool is_uuid(std::string_view text, std::string_view third, std::string_view fourth) {
  const std::string hex = without(lower_case(text), "-");
  static const RE2 kShape("[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}");
  return matches(kShape, text) && (third.empty() || third.contains(hex[12])) &&
         (fourth.empty() || fourth.contains(hex[16]));
}
bool uuid(std::string_view text) { return is_uuid(text, "", ""); }
bool uuid3(std::string_view text) { return is_uuid(text, "3", ""); }
bool uuid4(std::string_view text) { return is_uuid(text, "4", "89ab"); }
bool uuid5(std::string_view text) { return is_uuid(text, "5", "89ab"); }

bool date(std::string_view text) {
  static const RE2 kShape(R"(\d{4}-\d{2}-\d{2})");
  return matches(kShape, text) && parse_time(std::string(text) + "T00:00:00Z").has_value();
}

bool date_time(std::string_view text) {
  static const RE2 kShape(R"((\d{2}):(\d{2}):(\d{2})(.\d+)?(z|([+-]\d{2}:\d{2})))");
  const std::string lower = lower_case(text);
  const std::size_t t = lower.find('t');
  if (t == std::string::npos || !date(std::string_view(lower).substr(0, t))) return false;
  const std::string time = lower.substr(t + 1, lower.find('t', t + 1) - (t + 1));
  std::string hour;
  std::string minute;
  std::string second;
  return RE2::FullMatch(time, kShape, &hour, &minute, &second) && hour <= "23" && minute <= "59" && second <= "59";
}

/// Go's durations, and Scala's: "2 weeks".
bool duration(std::string_view text) {
  if (parse_duration(text)) return true;
  static const RE2 kPart(R"(\d+\s*([A-Za-zµ]+))");
  static const RE2 kUnit("ns|nano.*|us|µs|micro.*|ms|milli.*|s|sec.*|m|min.*|h|hr|hour.*|d|day.*|w|wk|week.*");
  re2::StringPiece rest = piece(text);
  std::string unit;
  bool any = false;
  while (RE2::FindAndConsume(&rest, kPart, &unit)) any = any || RE2::FullMatch(lower_case(unit), kUnit);
  return any;
}

bool byte(std::string_view text) {
  static const RE2 kShape("(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})");
  return matches(kShape, text);
}

bool ipv4(std::string_view text) { return text.contains('.') && bad_address(text).empty(); }
bool ipv6(std::string_view text) { return text.contains(':') && bad_address(text).empty(); }
bool cidr(std::string_view text) { return bad_range(text).empty(); }

bool mac(std::string_view text) {
  static const RE2 kShape(
      "([0-9a-fA-F]{2}:){5}([0-9a-fA-F]{2}|(([0-9a-fA-F]{2}:){2}|([0-9a-fA-F]{2}:){14})[0-9a-fA-F]{2})|"
      "([0-9a-fA-F]{2}-){5}([0-9a-fA-F]{2}|(([0-9a-fA-F]{2}-){2}|([0-9a-fA-F]{2}-){14})[0-9a-fA-F]{2})|"
      "([0-9a-fA-F]{4}\\.){2}([0-9a-fA-F]{4}|(([0-9a-fA-F]{4}\\.){1}|([0-9a-fA-F]{4}\\.){7})[0-9a-fA-F]{4})");
  return matches(kShape, text);
}

/// As Go's url.ParseRequestURI: an absolute URI or an absolute path.
bool uri(std::string_view text) {
  static const RE2 kScheme("[A-Za-z][A-Za-z0-9+.-]*:");
  static const RE2 kAuthority(R"(([^\s/@]*@)?(\[[0-9A-Fa-f:.%A-Za-z]*\]|[^\s/<>"\[\]:]*)(:\d*)?)");
  static const RE2 kBadEscape("%([^0-9A-Fa-f]|[0-9A-Fa-f]([^0-9A-Fa-f]|$)|$)");
  const bool control =
      std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (text.empty() || control || text.front() == ':') return false;
  if (text == "*") return true;
  re2::StringPiece rest = piece(text);
  const bool scheme = RE2::Consume(&rest, kScheme);
  std::string_view path(rest.data(), rest.size());
  path = path.substr(0, path.find('?'));
  if (!path.starts_with('/')) return scheme;
  if (scheme && path.starts_with("//") && !path.starts_with("///")) {
    path.remove_prefix(2);
    const std::string_view authority = path.substr(0, path.find('/'));
    if (!matches(kAuthority, authority)) return false;
    path.remove_prefix(authority.size());
  }
  return !RE2::PartialMatch(piece(path), kBadEscape);
}

/// An address, or a name with one in angle brackets.
bool email(std::string_view text) {
  static const RE2 kAddress(
      R"([^\s@<>()\[\]\\,;:".]+(\.[^\s@<>()\[\]\\,;:".]+)*@[^\s@<>()\[\]\\,;:".]+(\.[^\s@<>()\[\]\\,;:".]+)*)");
  if (text.ends_with('>') && text.contains('<')) {
    const std::size_t open = text.rfind('<');
    text = text.substr(open + 1, text.size() - open - 2);
  }
  return matches(kAddress, text);
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

/// Upstream's is one expression, whose counted classes of letters are too large for RE2: here it is taken apart.
bool hostname(std::string_view text) {
  static const RE2 kAlone(R"([a-zA-Z0-9\p{S}\p{L}](-?[a-zA-Z0-9\p{S}\p{L}]*))");
  static const RE2 kLabel(R"([a-zA-Z0-9\p{S}\p{L}]([a-zA-Z0-9\-\p{S}\p{L}]*[a-zA-Z0-9\p{S}\p{L}])?)");
  static const RE2 kTop(R"([a-zA-Z\p{L}]+)");
  constexpr std::size_t kMaxLabel = 63;
  if (text.size() > 255) return false;
  if (!text.contains('.')) return text.size() <= kMaxLabel && matches(kAlone, text);
  while (text.contains('.')) {
    const std::string_view label = text.substr(0, text.find('.'));
    if (label.size() > kMaxLabel || !matches(kLabel, label)) return false;
    text.remove_prefix(label.size() + 1);
  }
  return text.size() <= kMaxLabel && characters(text) >= 2 && matches(kTop, text);
}

bool hex_color(std::string_view text) {
  static const RE2 kShape("#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})");
  return matches(kShape, text);
}

bool rgb_color(std::string_view text) {
  static const RE2 kShape(
      R"(rgb\(\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*)"
      R"((0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*\))");
  return matches(kShape, text);
}

bool isbn10(std::string_view text) {
  static const RE2 kShape(R"(\d{9}X|\d{10})");
  const std::string digits = without(text, " \t\n\v\f\r-");
  if (!matches(kShape, digits)) return false;
  int sum = digits[9] == 'X' ? 100 : 10 * (digits[9] - '0');
  for (int i = 0; i < 9; ++i) sum += (i + 1) * (digits[static_cast<std::size_t>(i)] - '0');
  return sum % 11 == 0;
}

bool isbn13(std::string_view text) {
  static const RE2 kShape(R"(\d{13})");
  const std::string digits = without(text, " \t\n\v\f\r-");
  if (!matches(kShape, digits)) return false;
  int sum = 0;
  for (std::size_t i = 0; i < 12; ++i) sum += (i % 2 == 0 ? 1 : 3) * (digits[i] - '0');
  return digits[12] - '0' == (10 - sum % 10) % 10;
}

bool isbn(std::string_view text) { return isbn10(text) || isbn13(text); }

bool credit_card(std::string_view text) {
  static const RE2 kShape(
      R"(4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})");
  std::string digits;
  for (const char c : text) {
    if (c >= '0' && c <= '9') digits += c;
  }
  if (!matches(kShape, digits)) return false;
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const int digit = digits[digits.size() - 1 - i] - '0';
    sum += i % 2 == 0 ? digit : digit * 2 - (digit > 4 ? 9 : 0);
  }
  return sum % 10 == 0;
}

bool ssn(std::string_view text) {
  static const RE2 kShape(R"(\d{3}[- ]?\d{2}[- ]?\d{4})");
  return matches(kShape, text);
}

bool object_id(std::string_view text) {
  static const RE2 kShape("[0-9a-fA-F]{24}");
  return matches(kShape, text);
}

bool anything(std::string_view) { return true; }
bool short_name(std::string_view text) { return bad_label(text).empty(); }
bool long_name(std::string_view text) { return bad_subdomain(text).empty(); }

struct Format {
  std::string_view name;  ///< Without dashes, which do not count.
  bool (*matches)(std::string_view text);
};

constexpr std::array kFormats{Format{"bsonobjectid", object_id},
                              Format{"uri", uri},
                              Format{"email", email},
                              Format{"hostname", hostname},
                              Format{"ipv4", ipv4},
                              Format{"ipv6", ipv6},
                              Format{"cidr", cidr},
                              Format{"mac", mac},
                              Format{"uuid", uuid},
                              Format{"uuid3", uuid3},
                              Format{"uuid4", uuid4},
                              Format{"uuid5", uuid5},
                              Format{"isbn", isbn},
                              Format{"isbn10", isbn10},
                              Format{"isbn13", isbn13},
                              Format{"creditcard", credit_card},
                              Format{"ssn", ssn},
                              Format{"hexcolor", hex_color},
                              Format{"rgbcolor", rgb_color},
                              Format{"byte", byte},
                              Format{"password", anything},
                              Format{"date", date},
                              Format{"duration", duration},
                              Format{"datetime", date_time},
                              Format{"k8sshortname", short_name},
                              Format{"k8slongname", long_name}};

const Format* find_format(std::string_view format) {
  const std::string name = without(format, "-");
  const auto* found = std::ranges::find(kFormats, name, &Format::name);
  return found == kFormats.end() ? nullptr : found;
}

}  // namespace

bool known_format(std::string_view format) { return find_format(format) != nullptr; }

bool matches_format(std::string_view format, std::string_view text) {
  const Format* found = find_format(format);
  return found == nullptr || found->matches(text);
}

}  // namespace fairlead::api
