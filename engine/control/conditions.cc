#include "engine/control/conditions.h"

#include <utility>

namespace fairlead::control {

const Value& condition_called(const Value& status, std::string_view type) {
  static const Value kNone;
  for (const Value& condition : status.at("conditions").items()) {
    if (condition.at("type").str() == type) return condition;
  }
  return kNone;
}

bool condition_holds(const Value& status, std::string_view type) {
  return condition_called(status, type).at("status").str() == "True";
}

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

bool drop_condition(Value& status, std::string_view type) {
  if (condition_called(status, type).is_null()) return false;
  std::erase_if(status["conditions"].mutable_items(), [&](const Value& c) { return c.at("type").str() == type; });
  return true;
}

}  // namespace fairlead::control
