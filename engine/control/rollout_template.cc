#include "engine/control/rollout_template.h"

#include <algorithm>

#include "base/hash.h"
#include "base/json.h"
#include "engine/control/delivery_names.h"

namespace fairlead::control {
namespace {

/// An empty map is as good as none.
void drop_if_empty(Value& tree, std::string_view key) {
  const Value* child = tree.find(key);
  if (child != nullptr && child->empty() && !child->is_string()) tree.erase(key);
}

Value wrapped(Value pod_template) {
  return Value::object({{"apiVersion", "v1"}, {"kind", "PodTemplate"}, {"template", std::move(pod_template)}});
}

Value with_defaults(const RolloutServices& in, Value pod_template) {
  Value object = wrapped(std::move(pod_template));
  in.api.schema().apply_defaults(in.pod_templates, object);
  return object.at("template");
}

/// What does not count when templates are compared.
void strip(Value& pod_template) {
  if (Value* metadata = pod_template.find("metadata"); metadata != nullptr && metadata->is_object()) {
    if (Value* labels = metadata->find("labels"); labels != nullptr && labels->is_object())
      labels->erase(kPodHashLabel);
    metadata->erase("creationTimestamp");
    drop_if_empty(*metadata, "labels");
    drop_if_empty(*metadata, "annotations");
  }
  drop_if_empty(pod_template, "metadata");
  // Defaulting fills this deprecated twin of serviceAccountName on live objects only.
  if (Value* spec = pod_template.find("spec"); spec != nullptr && spec->is_object()) spec->erase("serviceAccount");
}

bool exchange(Value& metadata, std::string_view key, const Value& before, const Value& after) {
  bool changed = false;
  for (const Member& member : after.at(key).members()) {
    if (metadata.at(key, member.key) == member.value) continue;
    metadata[key].set(member.key, member.value);
    changed = true;
  }
  for (const Member& member : before.at(key).members()) {
    if (after.at(key).has(member.key)) continue;
    Value* map = metadata.find(key);
    if (map != nullptr && map->is_object() && map->erase(member.key)) changed = true;
  }
  return changed;
}

}  // namespace

Value typed_template(const api::Schema& schema, const Value& pod_template) {
  Value object = wrapped(pod_template);
  // What has the wrong type is said as InvalidSpec, before anybody comes here.
  static_cast<void>(schema.decode(schema.resource("", "podtemplates"), object));
  return object.at("template");
}

std::string pod_template_hash(const Value& typed, std::int64_t collisions) {
  std::string text = to_json(typed);
  if (collisions != 0) text += fmt::format("#{}", collisions);
  return safe_encode(std::to_string(fnv1a32(text)));
}

bool same_template(const RolloutServices& in, Value live, const Value& typed) {
  Value wanted = with_defaults(in, typed);
  strip(live);
  strip(wanted);
  return live == wanted;
}

api::ObjectPtr find_current(const RolloutServices& in, const api::Object& rollout,
                            const std::vector<api::ObjectPtr>& replica_sets) {
  const Value& desired = in.reading_of(rollout).pod_template;
  const std::string hash = pod_template_hash(desired, rollout.at("status", "collisionCount").int_or(0));
  for (const auto& each : replica_sets)
    if (pod_hash_of(each) == hash) return each;
  for (const auto& each : replica_sets) {
    Value tree = each->tree();
    inject_metadata(tree, Value());
    if (same_template(in, tree.at("spec", "template"), desired)) return each;
  }
  return nullptr;
}

bool exchange_metadata(Value& metadata, const Value& before, const Value& after) {
  if (metadata.is_null()) metadata = Value::object();
  const bool labels = exchange(metadata, "labels", before, after);
  const bool annotations = exchange(metadata, "annotations", before, after);
  return labels || annotations;
}

Value injected_metadata(const Value& replica_set) {
  const std::string_view text = replica_set.at("metadata", "annotations", kEphemeralMetadataAnnotation).str();
  if (text.empty()) return {};
  auto tree = parse_json(text);
  return tree ? std::move(*tree) : Value();
}

bool inject_metadata(Value& replica_set, const Value& wanted) {
  const Value before = injected_metadata(replica_set);
  if (before.is_null() && wanted.is_null()) return false;
  Value& metadata = replica_set.make("spec", "template", "metadata");
  if (!exchange_metadata(metadata, before, wanted)) return false;
  if (wanted.is_null()) {
    replica_set.make("metadata", "annotations").erase(kEphemeralMetadataAnnotation);
  } else {
    replica_set.make("metadata", "annotations").set(kEphemeralMetadataAnnotation, to_json(wanted));
  }
  return true;
}

}  // namespace fairlead::control
