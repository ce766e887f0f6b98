#include "service/handler.h"

#include "base/json.h"

namespace fairlead::service {
namespace {

std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // The slash.
    const auto slash = std::min(path.find('/'), path.size());
    segments.emplace_back(path.substr(0, slash));
    path.remove_prefix(slash);
  }
  return segments;
}

bool is_parameter(const std::string& segment) { return segment.starts_with('{') && segment.ends_with('}'); }

}  // namespace

Router::Router(Handlers handlers) {
  for (auto& handler : handlers) {
    auto segments = segments_of(handler->route());
    entries_.push_back({std::move(segments), std::move(handler)});
  }
}

void Router::each(const std::function<void(const Handler&)>& visit) const {
  for (const Entry& entry : entries_) visit(*entry.handler);
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
  Match match;
  const auto found = segments_of(path);
  for (const Entry& entry : entries_) {
    if (entry.segments.size() != found.size()) continue;
    std::map<std::string, std::string, std::less<>> parameters;
    bool same = true;
    for (std::size_t i = 0; i < found.size() && same; ++i) {
      const std::string& wanted = entry.segments[i];
      auto value = net::percent_decode(found[i]);
      if (is_parameter(wanted) && value && !value->empty()) {
        parameters.emplace(wanted.substr(1, wanted.size() - 2), std::move(*value));
      } else {
        same = value == wanted;
      }
    }
    if (!same) continue;
    const std::string_view offered = entry.handler->method();
    if (offered == method || (offered == "GET" && method == "HEAD")) {
      return {.handler = entry.handler.get(), .allow = {}, .parameters = std::move(parameters)};
    }
    match.allow += (match.allow.empty() ? "" : ", ") + std::string(offered);
  }
  return match;
}

net::Response json_error(int status, std::string_view message) {
  return {.status = status,
          .headers = {{"content-type", "application/json"}},
          .body = to_json(Value::object({{"error", message}})) + "\n"};
}

}  // namespace fairlead::service
