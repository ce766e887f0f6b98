#include "engine/control/gateway_status.h"

namespace fairlead::control {

const Value& gateway_condition_in(const Value& conditions, std::string_view type) {
  for (const Value& condition : conditions.items()) {
    if (condition.at("type").str() == type) return condition;
  }
  static const Value kNone;
  return kNone;
}

Value gateway_condition(std::string_view type, const ConditionVerdict& verdict, std::int64_t generation,
                        const Value& before, Time now) {
  const Value& old = gateway_condition_in(before, type);
  const std::string_view status = verdict.holds ? "True" : "False";
  const bool same = old.at("status").str() == status;
  return Value::object({{"type", type},
                        {"status", status},
                        {"reason", verdict.reason},
                        {"message", verdict.message},
                        {"observedGeneration", generation},
                        {"lastTransitionTime", same ? old.at("lastTransitionTime") : Value(format_time(now))}});
}

}  // namespace fairlead::control
