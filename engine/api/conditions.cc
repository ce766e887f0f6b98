#include "engine/api/conditions.h"

namespace fairlead::api {

const Value& condition_in(const Value& conditions, std::string_view type) {
  static const Value kNone;
  for (const Value& condition : conditions.items()) {
    if (condition.at("type").str() == type) return condition;
  }
  return kNone;
}

const Value& condition_called(const Value& status, std::string_view type) {
  return condition_in(status.at("conditions"), type);
}

bool condition_holds(const Value& status, std::string_view type) {
  return condition_called(status, type).at("status").str() == "True";
}

}  // namespace fairlead::api
