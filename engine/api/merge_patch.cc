#include "engine/api/merge_patch.h"

#include "base/object_editor.h"

namespace fairlead::api {
namespace {

void merge_into(Value& target, const Value& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = Value::object();
  ObjectEditor members(target);
  for (const Member& member : patch.members()) {
    if (member.value.is_null()) {
      members.erase(member.key);
    } else {
      merge_into(members[member.key], member.value);
    }
  }
}

}  // namespace

Value merge_patch(Value target, const Value& patch) {
  merge_into(target, patch);
  return target;
}

}  // namespace fairlead::api
