// get, update, patch and delete of one object.
#include <algorithm>

#include "base/json.h"
#include "engine/api/access.h"
#include "engine/api/context.h"
#include "engine/api/conversion.h"
#include "engine/api/metadata.h"
#include "engine/api/request_options.h"
#include "engine/api/schema_type.h"
#include "engine/api/update_rules.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kPatchTypes =
    "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json";
constexpr std::string_view kCustomPatchTypes = "application/json-patch+json, application/merge-patch+json";

Key key_of(const Call& call, const Resource& served) { return {served.storage, call.route.ns, call.route.name}; }

void get_object(Context& context, const CallPtr& call, const Resource& served) {
  const auto asked = read_list_options(call->query, false);
  if (asked && asked->revision && *asked->revision > context.store.revision())
    return send_status(*call, too_new(*asked->revision, context.store.revision()));
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
  auto options = read_write_options(*call, "PatchOptions");
  if (!options) return send_status(*call, options.error());
  options->served = &served;
  if (*type == PatchType::kJson) options->duplicates = nullptr;  // Of operations, not of the object.
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

namespace {

/// Source: k8s.io/apiserver/pkg/endpoints/handlers/rest.go, checkName.
ApiResult<> check_named(const Call& call, const Value& object) {
  const std::string_view name = object.at("metadata", "name").str();
  if (name == call.route.name) return check_request_namespace(call.route.ns, object);
  if (!name.empty()) {
    return std::unexpected(Status::bad_request(
        fmt::format("the name of the object ({}) does not match the name on the URL ({})", name, call.route.name)));
  }
  return std::unexpected(Status::bad_request(fmt::format(
      "the name of the object ({} based on URL) was undeterminable: name must be provided", call.route.name)));
}

/// A PUT of what does not exist, where that creates it: for whoever may create it.
void create_by_update(Context& context, const CallPtr& call, const Resource& served, Value object,
                      const WriteOptions& options) {
  auto asked = attributes_of(call->route);
  asked.verb = "create";
  if (const auto refused = refusal(context, call->user, asked)) return send_status(*call, *refused);
  const std::string uid(object.at("metadata", "uid").str());
  if (!uid.empty()) {
    const auto why = fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: ", uid);
    return send_status(*call, Status::conflict(served, call->route.name, why));
  }
  object["metadata"].erase("resourceVersion");
  const auto& target = has_own_fields(served) ? *served.storage : served;
  const auto made = context.api.create(target, call->route.ns, std::move(object), options);
  if (!made) return send_status(*call, made.error());
  context.send_object(call, 201, served, *made);
}

}  // namespace

void update_object(Context& context, const CallPtr& call, const Resource& served, const Resource& body_kind,
                   Subresource subresource) {
  auto object = read_object(*call, context.schema, body_kind);
  if (!object) return send_status(*call, object.error());
  auto options = read_write_options(*call, "UpdateOptions");
  if (!options) return send_status(*call, options.error());
  options->served = &served;
  if (auto fine = check_named(*call, *object); !fine) return send_status(*call, fine.error());
  if (subresource != Subresource::kScale && served.type->typed) *object = to_storage(served, std::move(*object));
  const Key key = key_of(*call, served);
  if (subresource == Subresource::kNone && created_by_update(served) && !context.store.get(key)) {
    return create_by_update(context, call, served, std::move(*object), *options);
  }
  const auto written = context.api.update(key, std::move(*object), subresource, *options);
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
