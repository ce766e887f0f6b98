// Defaults: those the table holds, then those that upstream's code sets under a condition.
#include "engine/api/schema_scalar.h"
#include "engine/api/schema_type.h"

namespace fairlead::api {
namespace {

class Defaulter {
 public:
  /// Custom resources get defaults alone; Go structs also the zero values that their encoder writes.
  void object(const Type& type, Value& value) {
    if (type.conditional_default != nullptr) type.conditional_default(value);
    for (const Field& field : type.fields) {
      Value* child = value.find(field.name);
      if (!field.preset.is_null() && unset(child, field)) child = &value.set(field.name, field.preset)[field.name];
      if (child == nullptr && field.emit_zero) {
        child = &value[field.name];
        *child = zero_of(*field.type);
      }
      if (child == nullptr && field.emit_null) value.set(field.name, nullptr);
      if (child != nullptr) node(*field.type, *child);
    }
  }

 private:
  /// A Go struct cannot tell an empty string from a missing one where the field is no pointer.
  static bool unset(const Value* child, const Field& field) {
    return child == nullptr || (field.emit_zero && child->is_string() && child->str().empty());
  }

  void node(const Type& type, Value& value) {
    if (type.shape == Shape::kObject && value.is_object()) return object(type, value);
    if (type.element == nullptr || is_leaf(*type.element)) return;
    if (type.shape == Shape::kArray && value.is_array()) {
      for (Value& item : value.mutable_items()) node(*type.element, item);
    }
    if (type.shape == Shape::kMap && value.is_object()) {
      for (Member& member : value.mutable_members()) node(*type.element, member.value);
    }
  }

  static bool is_leaf(const Type& type) { return type.shape != Shape::kObject && type.element == nullptr; }
};

}  // namespace

void Schema::apply_defaults(const Resource& resource, Value& object) const {
  if (!object.is_object()) return;
  Defaulter().object(*resource.type, object);
}

}  // namespace fairlead::api
