// get, update, patch and delete of one object.
#include <algorithm>

#include "base/json.h"
#include "engine/api/context.h"
#include "engine/api/conversion.h"
#include "engine/api/request_options.h"
#include "engine/api/schema_type.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kPatchTypes =
    "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json";
constexpr std::string_view kCustomPatchTypes = "application/json-patch+json, application/merge-patch+json";

Key key_of(const Call& call, const Resource& served) { return {served.storage, call.route.ns, call.route.name}; }

void get_object(Context& context, const CallPtr& call, const Resource& served) {
  const auto object = context.store.get(key_of(*call, served));
  if (!object) return send_status(*call, Status::not_found(served, call->route.name));
  context.send_object(call, 200, served, object);
}

ApiResult<PatchType> patch_type(const Call& call, const Resource& served) {
  const auto& type = call.body.media_type;
  if (type == "application/json-patch+json") return PatchType::kJson;
  if (type == "application/merge-patch+json") return PatchType::kMerge;
  const bool custom = !served.type->typed;
  if (type == "application/strategic-merge-patch+json" && !custom) return PatchType::kStrategicMerge;
  return std::unexpected(unsupported_media_type(custom ? kCustomPatchTypes : kPatchTypes));
}

ApiResult<> check_patch_body(const Call& call, PatchType type) {
  if (!call.body.error.empty()) {
    return std::unexpected(Status::bad_request(fmt::format("error decoding patch: {}", call.body.error)));
  }
  const auto& value = call.body.value;
  if (type == PatchType::kJson ? value.is_array() : value.is_object()) return {};
  return std::unexpected(Status::bad_request(
      fmt::format("error decoding patch: json: cannot unmarshal {} into Go value of type {}", value.kind_name(),
                  type == PatchType::kJson ? "[]handlers.jsonPatchOp" : "map[string]interface {}")));
}

}  // namespace

void patch_object(Context& context, const CallPtr& call, const Resource& served, Subresource subresource) {
  const auto type = patch_type(*call, served);
  if (!type) return send_status(*call, type.error());
  if (auto fine = check_patch_body(*call, *type); !fine) return send_status(*call, fine.error());
  const auto options = read_write_options(*call, "PatchOptions");
  if (!options) return send_status(*call, options.error());
  Value patch = std::move(call->body.value);
  if (has_own_fields(served) && patch.is_object()) {
    patch = to_storage(served, std::move(patch));
    patch.erase("apiVersion");
  }
  const auto written = context.api.patch(key_of(*call, served), *type, patch, subresource, *options);
  if (!written) return send_status(*call, written.error());
  if (subresource == Subresource::kScale) {
    return context.send_unstored(call, 200, (*written)->tree(), (*written)->revision());
  }
  context.send_object(call, 200, served, *written);
}

void update_object(Context& context, const CallPtr& call, const Resource& served, const Resource& body_kind,
                   Subresource subresource) {
  auto object = read_object(*call, context.schema, body_kind);
  if (!object) return send_status(*call, object.error());
  const auto options = read_write_options(*call, "UpdateOptions");
  if (!options) return send_status(*call, options.error());
  if (subresource != Subresource::kScale) *object = to_storage(served, std::move(*object));
  const auto written = context.api.update(key_of(*call, served), std::move(*object), subresource, *options);
  if (!written) return send_status(*call, written.error());
  if (subresource == Subresource::kScale) {
    return context.send_unstored(call, 200, (*written)->tree(), (*written)->revision());
  }
  context.send_object(call, 200, served, *written);
}

namespace {

Value deleted_status(const Resource& served, const Object& object) {
  Value details = Value::object({{"name", object.name()}});
  if (!served.group.empty()) details.set("group", served.group);
  details.set("kind", served.plural);
  details.set("uid", object.uid());
  return Value::object({{"kind", "Status"},
                        {"apiVersion", "v1"},
                        {"metadata", Value::object()},
                        {"status", "Success"},
                        {"details", std::move(details)}});
}

void delete_object(Context& context, const CallPtr& call, const Resource& served) {
  const auto options = read_delete_options(*call, context.api);
  if (!options) return send_status(*call, options.error());
  const auto key = key_of(*call, served);
  const auto removed = context.api.remove(key, *options);
  if (!removed) return send_status(*call, removed.error());
  const auto still = context.store.get(key);
  const bool gone = !still || still->uid() != (*removed)->uid();
  if (!gone || options->dry_run) return context.send_object(call, 200, served, *removed);
  context.send_unstored(call, 200, deleted_status(served, **removed), context.store.revision());
}

}  // namespace

void serve_object(Context& context, const CallPtr& call, const Resource& served) {
  const auto& verb = call->route.verb;
  if (verb == "get") return get_object(context, call, served);
  if (verb == "update") return update_object(context, call, served, served, Subresource::kNone);
  if (verb == "patch") return patch_object(context, call, served, Subresource::kNone);
  if (verb == "delete") return delete_object(context, call, served);
  send_status(*call, method_not_allowed());
}

}  // namespace fairlead::api
