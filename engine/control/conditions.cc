#include "engine/control/conditions.h"

#include <utility>

namespace fairlead::control {

void put_condition(Value& status, Value condition) {
  Value& all = status["conditions"];
  if (!all.is_array()) all = Value::array();
  for (Value& old : all.mutable_items()) {
    if (old.at("type") != condition.at("type")) continue;
    old = std::move(condition);
    return;
  }
  all.push_back(std::move(condition));
}

bool set_condition(Value& status, std::string_view type, std::string_view holds, std::string_view reason,
                   std::string_view message, Time now) {
  const Value& old = condition_called(status, type);
  if (old.at("status").str() == holds && old.at("reason").str() == reason && old.at("message").str() == message) {
    return false;
  }
  Value condition = old.is_null() ? Value::object({{"type", type}}) : old;
  if (old.at("status").str() != holds) condition.set("lastTransitionTime", format_time(now));
  condition.set("status", holds);
  for (const auto& [key, text] : {std::pair("reason", reason), std::pair("message", message)}) {
    if (text.empty()) {
      condition.erase(key);
    } else {
      condition.set(key, text);
    }
  }
  put_condition(status, std::move(condition));
  return true;
}

bool set_updated_condition(Value& status, std::string_view type, std::string_view holds, std::string_view reason,
                           std::string_view message, Time now) {
  const Value old = condition_called(status, type);
  const bool same = old.at("status").str() == holds;
  if (same && old.at("reason").str() == reason) return false;
  Value condition = Value::object({{"type", type},
                                   {"status", holds},
                                   {"lastUpdateTime", format_time(now)},
                                   {"lastTransitionTime", format_time(now)},
                                   {"reason", reason},
                                   {"message", message}});
  if (same) condition.set("lastTransitionTime", old.at("lastTransitionTime"));
  drop_condition(status, type);
  put_condition(status, std::move(condition));
  return true;
}

bool drop_condition(Value& status, std::string_view type) {
  if (condition_called(status, type).is_null()) return false;
  std::erase_if(status["conditions"].mutable_items(), [&](const Value& c) { return c.at("type").str() == type; });
  return true;
}

void set_count(Value& status, std::string_view field, std::int64_t count) {
  if (count == 0) {
    status.erase(field);
  } else {
    status.set(field, count);
  }
}

std::optional<Time> time_at(const Value& value) {
  const auto time = parse_time(value.str());
  return time ? std::optional(*time) : std::nullopt;
}

}  // namespace fairlead::control
