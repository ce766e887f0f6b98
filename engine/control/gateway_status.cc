#include "engine/control/gateway_status.h"

#include "engine/control/conditions.h"

namespace fairlead::control {

Value gateway_condition(std::string_view type, const ConditionVerdict& verdict, std::int64_t generation,
                        const Value& before, Time now) {
  const Value& old = condition_in(before, type);
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
