#include "engine/api/query.h"

#include <algorithm>
#include <cctype>

#include "net/http_message.h"

namespace fairlead::api {

Query Query::parse(std::string_view text) {
  Query query;
  query.parameters_ = net::parse_query(text);
  return query;
}

std::string_view Query::get(std::string_view name) const {
  for (const auto& [key, value] : parameters_) {
    if (key == name) return value;
  }
  return {};
}

std::vector<std::string_view> Query::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : parameters_) {
    if (key == name) values.emplace_back(value);
  }
  return values;
}

bool Query::has(std::string_view name) const {
  return std::ranges::any_of(parameters_, [&](const auto& p) { return p.first == name; });
}

bool Query::flag(std::string_view name) const {
  if (!has(name)) return false;
  std::string value(get(name));
  std::ranges::transform(value, value.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return value != "false" && value != "0";
}

}  // namespace fairlead::api
