#include "engine/control/pod_template.h"

#include <algorithm>

#include "base/hash.h"
#include "base/json.h"
#include "engine/control/ownership.h"

namespace fairlead::control {
namespace {

constexpr std::size_t kMaxNamePrefix = 58;  ///< k8s.io/apiserver/pkg/storage/names: room for five random letters.

/// Members sorted by name, nulls left out: equal trees give equal text.
Value canonical(const Value& value) {
  if (value.is_array()) {
    Value out = Value::array();
    for (const Value& item : value.items()) out.push_back(canonical(item));
    return out;
  }
  if (!value.is_object()) return value;
  Value::Object members;
  for (const Member& m : value.members()) {
    if (!m.value.is_null()) members.push_back({m.key, canonical(m.value)});
  }
  std::ranges::sort(members, {}, &Member::key);
  return Value(std::move(members));
}

Value without_hash(const Value& pod_template, std::string_view hash_label) {
  Value out = canonical(pod_template);
  Value& metadata = out["metadata"];
  if (Value* labels = metadata.find("labels")) labels->erase(hash_label);
  if (metadata.is_object()) {
    std::erase_if(metadata.mutable_members(),
                  [](const Member& m) { return (m.value.is_object() || m.value.is_array()) && m.value.empty(); });
  }
  if (metadata.empty()) out.erase("metadata");
  return out;
}

}  // namespace

bool same_template(const Value& a, const Value& b, std::string_view hash_label) {
  return without_hash(a, hash_label) == without_hash(b, hash_label);
}

std::string template_hash(const Value& pod_template, std::int64_t collisions) {
  std::string text = to_json(canonical(pod_template));
  if (collisions > 0) text += fmt::format("#{}", collisions);
  return safe_encode(fmt::format("{}", fnv1a32(text)));
}

Value pod_from_template(const Value& pod_template, const api::Object& owner) {
  std::string prefix = fmt::format("{}-", owner.name());
  if (prefix.size() > kMaxNamePrefix) prefix.resize(kMaxNamePrefix);
  Value metadata = Value::object({{"generateName", prefix}, {"namespace", owner.ns()}});
  for (const std::string_view key : {"labels", "annotations", "finalizers"}) {
    if (pod_template.at("metadata").has(key)) metadata.set(key, pod_template.at("metadata", key));
  }
  metadata.set("ownerReferences", Value::array({controller_reference(owner)}));
  return Value::object(
      {{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", std::move(metadata)}, {"spec", pod_template.at("spec")}});
}

}  // namespace fairlead::control
