#include "engine/api/merge_patch.h"

#include <utility>

namespace fairlead::api {

Value merge_patch(Value target, const Value& patch) {
  if (!patch.is_object()) return patch;
  if (!target.is_object()) target = Value::object();
  for (const Member& member : patch.members()) {
    if (member.value.is_null()) {
      target.erase(member.key);
    } else {
      Value& slot = target[member.key];
      slot = merge_patch(std::move(slot), member.value);
    }
  }
  return target;
}

}  // namespace fairlead::api
