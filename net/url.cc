#include <charconv>

#include "net/http_client.h"

namespace fairlead::net {

Result<Url> Url::parse(std::string_view text) {
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.tls = true;
    url.port = 443;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return fail("\"{}\" is not a URL: it does not begin with http:// or https://", text);
  }
  const auto path = rest.find_first_of("/?");
  std::string_view authority = rest.substr(0, path);
  if (path != std::string_view::npos) {
    url.target = rest.substr(path);
    if (url.target.front() == '?') url.target.insert(0, "/");
  }
  for (const char c : text) {
    if (c <= 0x20 || c == 0x7f || c == '#')
      return fail("\"{}\" is not a URL: it holds a character that must be escaped", text);
  }
  if (authority.find('@') != std::string_view::npos)
    return fail("\"{}\" holds user information, which is not used", text);
  const auto bracket = authority.rfind(']');
  const auto colon = authority.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    const std::string_view digits = authority.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
    if (error != std::errc{} || end != digits.data() + digits.size() || url.port == 0) {
      return fail("\"{}\" is not a URL: \"{}\" is not a port", text, digits);
    }
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']')) authority = authority.substr(1, authority.size() - 2);
  if (authority.empty()) return fail("\"{}\" is not a URL: it names no host", text);
  url.host = authority;
  return url;
}

std::string Url::authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == (tls ? 443 : 80) ? name : name + ":" + std::to_string(port);
}

}  // namespace fairlead::net
