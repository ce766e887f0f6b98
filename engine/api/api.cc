#include "engine/api/api.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/json.h"
#include "base/json_shape.h"
#include "engine/api/delete_options.h"
#include "engine/api/deletion.h"
#include "engine/api/json_patch.h"
#include "engine/api/merge_patch.h"
#include "engine/api/metadata.h"
#include "engine/api/pod_subresources.h"
#include "engine/api/scale.h"
#include "engine/api/schema_type.h"
#include "engine/api/update_rules.h"

namespace fairlead::api {
namespace {

constexpr int kNameAttempts = 8;  ///< For generateName, as upstream.

struct Step {
  std::string name;
  std::function<ApiResult<>(Admission&)> run;
};

ObjectPtr unstored(const Resource& resource, Value tree, std::uint64_t revision = 0) {
  return std::make_shared<const Object>(resource, std::move(tree), revision);
}

ApiResult<> check_identity(const Key& key, const Object& before, const Value& object) {
  const Value& metadata = object.at("metadata");
  const std::string_view name = metadata.at("name").str();
  if (!name.empty() && name != key.name) {
    return std::unexpected(Status::bad_request(
        fmt::format("the name of the object ({}) does not match the name on the URL ({})", name, key.name)));
  }
  const std::string_view ns = metadata.at("namespace").str();
  if (!ns.empty() && ns != key.ns) {
    return std::unexpected(Status::bad_request(
        fmt::format("the namespace of the object ({}) does not match the namespace on the request ({})", ns, key.ns)));
  }
  const std::string_view uid = metadata.at("uid").str();
  if (!uid.empty() && uid != before.uid()) {
    return std::unexpected(Status::conflict(
        *key.resource, key.name,
        fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: {}", uid, before.uid())));
  }
  const std::string_view version = metadata.at("resourceVersion").str();
  if (!version.empty() && version != before.at("metadata", "resourceVersion").str()) {
    return std::unexpected(Status::conflict(*key.resource, key.name));
  }
  return {};
}

/// This program looked at the object just now, on the thread that changes it. Source:
/// k8s.io/apiserver/pkg/registry/generic/registry/store.go, Update.
ApiResult<> check_revision(const Key& key, const Value& object, const WriteOptions& options) {
  if (options.user == nullptr) return {};
  if (!wants_revision(*key.resource) || !object.at("metadata", "resourceVersion").str().empty()) return {};
  Resource named = *key.resource;
  named.kind = named.plural;  // Upstream's words here.
  FieldError error{FieldError::Reason::kInvalid, "metadata.resourceVersion",
                   "Invalid value: 0: must be specified for an update"};
  return std::unexpected(Status::invalid(named, key.name, {std::move(error)}));
}

/// The schema that a write is held to. Versions of a custom kind each have their own; a built-in kind is converted to
/// what is stored before.
const Resource& written_as(const Resource& storage, const Resource* served) {
  return served != nullptr && !served->type->typed ? *served : storage;
}

/// The tree of what is stored, as `written` shows it: objects of a custom kind name the version they were stored under.
Value tree_as(const Resource& written, const Object& object) {
  Value tree = object.tree();
  if (!written.type->typed) tree.set("apiVersion", written.api_version());
  return tree;
}

/// Binding and eviction act on what the URL names, and their bodies say the same.
/// Source: pkg/registry/core/pod/storage, BindingREST and EvictionREST.
ApiResult<> check_action(const Key& key, std::string_view kind, const Value& body) {
  if (body.at("metadata", "name").str() != key.name) {
    return std::unexpected(Status::bad_request(fmt::format("name in URL does not match name in {} object", kind)));
  }
  return check_request_namespace(key.ns, body);
}

/// Of a field that is not known it is said once, that it is not.
std::vector<FieldError> with_duplicates(std::vector<FieldError> found, const std::vector<std::string>* paths) {
  if (paths == nullptr || paths->empty()) return found;
  std::vector<FieldError> out;
  for (const std::string& path : *paths) {
    if (out.size() >= kMaxFindings || std::ranges::find(found, path, &FieldError::field) != found.end()) continue;
    out.push_back({FieldError::Reason::kDuplicate, path, fmt::format("duplicate field \"{}\"", path)});
  }
  std::ranges::move(found, std::back_inserter(out));
  return out;
}

/// What is stored is read back by a reader with this limit. A body of protobuf holds JSON texts that each keep to it.
ApiResult<> check_depth(const Value& object) {
  if (json_shape(object).depth <= kMaxJsonDepth) return {};
  return std::unexpected(Status::bad_request(fmt::format("the object is nested deeper than {} levels", kMaxJsonDepth)));
}

ApiResult<> check_preconditions(const Key& key, const DeleteOptions& options, const Object& before) {
  if (!options.uid.empty() && options.uid != before.uid()) {
    return std::unexpected(
        Status::conflict(*key.resource, key.name,
                         fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: {}",
                                     options.uid, before.uid())));
  }
  const std::string_view version = before.at("metadata", "resourceVersion").str();
  if (!options.resource_version.empty() && options.resource_version != version) {
    return std::unexpected(Status::conflict(
        *key.resource, key.name,
        fmt::format("Precondition failed: ResourceVersion in precondition: {}, ResourceVersion in object meta: {}",
                    options.resource_version, version)));
  }
  return {};
}

}  // namespace

struct Api::State {
  std::uint64_t seed = 0;
  std::vector<Step> steps;
};

Api::Api(const Schema& schema, Store& store, const seam::Clock& clock, std::uint64_t seed)
    : schema_(schema), store_(store), clock_(clock), state_(std::make_shared<State>()) {
  state_->seed = seed;
}

void Api::add_admission(std::string name, std::function<ApiResult<>(Admission&)> step) {
  state_->steps.push_back({std::move(name), std::move(step)});
}

std::vector<std::string> Api::admission_steps() const {
  std::vector<std::string> out;
  for (const Step& step : state_->steps) out.push_back(step.name);
  return out;
}

ObjectPtr Api::get(const Resource& resource, std::string_view ns, std::string_view name) const {
  return store_.get(*resource.storage, ns, name);
}

ApiResult<ObjectPtr> Api::get(const Key& key, Subresource subresource) const {
  ObjectPtr object = store_.get(key);
  if (!object) return std::unexpected(Status::not_found(*key.resource, key.name));
  if (subresource != Subresource::kScale) return object;
  const Resource& written = schema_.current(*key.resource);
  if (auto ok = check_scalable(written, *object); !ok) return std::unexpected(ok.error());
  return unstored(written, scale_of(written, *object), object->revision());
}

std::vector<ObjectPtr> Api::list(const Resource& resource, std::string_view ns, const Selector& labels) const {
  if (labels.selects_everything()) return store_.list(*resource.storage, ns);
  std::vector<ObjectPtr> out;
  store_.each(*resource.storage, ns, [&](const ObjectPtr& object) {
    if (labels.matches(object->at("metadata", "labels"))) out.push_back(object);
    return true;
  });
  return out;
}

ApiResult<> Api::decode(const Resource& resource, Value& object, const WriteOptions& options) const {
  if (!object.is_object()) return std::unexpected(Status::bad_request("the body must be an object"));
  const std::string version = resource.api_version();
  for (const auto& [member, wanted] : {std::pair<std::string_view, std::string_view>{"apiVersion", version},
                                       std::pair<std::string_view, std::string_view>{"kind", resource.kind}}) {
    const std::string_view given = object.at(member).str();
    if (given.empty()) {
      object.set(member, wanted);
    } else if (given != wanted) {
      const std::string_view said = member == "apiVersion" ? "API version" : member;
      return std::unexpected(Status::bad_request(
          fmt::format("the {0} in the data ({1}) does not match the expected {0} ({2})", said, given, wanted)));
    }
  }
  std::string refused;
  std::string unusable;
  if (const Value& metadata = object.at("metadata"); !metadata.is_null() && !metadata.is_object()) {
    unusable = fmt::format("metadata must be an object, not {}", metadata.kind_name());
  }
  for (const FieldError& finding : with_duplicates(schema_.decode(resource, object), options.duplicates)) {
    const bool tolerable =
        finding.reason == FieldError::Reason::kUnknown || finding.reason == FieldError::Reason::kDuplicate;
    if (!tolerable) {
      if (unusable.empty()) unusable = finding.message;  // Upstream's decoder stops at the first, too.
    } else if (options.validation == FieldValidation::kStrict) {
      refused += (refused.empty() ? "" : ", ") + finding.message;
    } else if (options.validation == FieldValidation::kWarn && options.warnings != nullptr) {
      options.warnings->push_back(finding.message);
    }
  }
  if (!unusable.empty() || !refused.empty()) {
    const std::string why = unusable.empty() ? "strict decoding error: " + refused : unusable;
    return std::unexpected(Status::bad_request(
        fmt::format("{0} in version \"{1}\" cannot be handled as a {0}: {2}", resource.kind, resource.version, why)));
  }
  if (resource.storage != &resource) object.set("apiVersion", resource.storage->api_version());
  return {};
}

/// Whoever holds a key may have it from before a definition changed.
Key Api::current(const Key& key) const { return {&schema_.current(*key.resource), key.ns, key.name}; }

/// Of what is sent to subresources and never stored.
const Resource& Api::kind_of(std::string_view group, std::string_view version, std::string_view kind) const {
  const Resource* resource = schema_.by_kind(group, version, kind);
  FAIRLEAD_ASSERT(resource != nullptr);
  return *resource;
}

ApiResult<> Api::admit(Admission admission) const {
  for (const Step& step : state_->steps) {
    if (auto ok = step.run(admission); !ok) return ok;
  }
  return {};
}

ApiResult<> Api::validate(const Resource& resource, const Value& object, const Value* before) const {
  std::vector<FieldError> findings = schema_.validate(resource, object, before);
  if (findings.empty()) return {};
  return std::unexpected(Status::invalid(resource, object.at("metadata", "name").str(), std::move(findings)));
}

ApiResult<> Api::name_and_stamp(const Resource& resource, std::string_view ns, Value& object) {
  if (auto ok = prepare_new_metadata(resource, ns, object); !ok) return ok;
  Value& metadata = object["metadata"];
  const std::string space(metadata.at("namespace").str());
  const std::string prefix(metadata.at("generateName").str());
  const std::uint64_t ordinal = store_.revision() + 1;
  if (metadata.at("name").str().empty()) {
    if (prefix.empty()) {
      FieldError error{FieldError::Reason::kRequired, "metadata.name",
                       "Required value: name or generateName is required"};
      return std::unexpected(Status::invalid(resource, "", {std::move(error)}));
    }
    const std::string owner(metadata.at("ownerReferences", 0, "uid").str());
    for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
      const std::string what = fmt::format("{}/{}/{}/{}/{}", resource.plural, space, prefix, owner, attempt);
      metadata.set("name", prefix + make_suffix(state_->seed, ordinal, what));
      if (!store_.get(resource, space, metadata.at("name").str())) break;
    }
  }
  const std::string what =
      fmt::format("{}/{}/{}/{}", resource.group, resource.plural, space, metadata.at("name").str());
  metadata.set("uid", make_uid(state_->seed, ordinal, what));
  metadata.set("creationTimestamp", format_time(clock_.now()));
  if (counts_generation(resource)) metadata.set("generation", 1);
  prepare_new_status(resource, object);
  return {};
}

ApiResult<ObjectPtr> Api::create(const Resource& resource, std::string_view ns, Value object,
                                 const WriteOptions& options) {
  const Resource& storage = *resource.storage;
  if (auto ok = store_.writable(); !ok) return std::unexpected(ok.error());
  if (auto ok = decode(resource, object, options); !ok) return std::unexpected(ok.error());
  if (auto ok = name_and_stamp(storage, ns, object); !ok) return std::unexpected(ok.error());
  const Resource& written = written_as(storage, &resource);
  schema_.apply_defaults(written, object);
  Admission admission;
  admission.resource = &storage;
  admission.user = options.user;
  admission.object = &object;
  admission.warnings = options.warnings;
  admission.dry_run = options.dry_run;
  if (auto ok = admit(admission); !ok) return std::unexpected(ok.error());
  if (auto ok = validate(written, object, nullptr); !ok) return std::unexpected(ok.error());
  const Value& metadata = object.at("metadata");
  Key key{&storage, std::string(metadata.at("namespace").str()), std::string(metadata.at("name").str())};
  if (store_.get(key)) return std::unexpected(Status::already_exists(storage, key.name));
  if (auto ok = check_depth(object); !ok) return std::unexpected(ok.error());
  if (options.dry_run) return unstored(storage, std::move(object));
  return store_.put(key, std::move(object));
}

ApiResult<ObjectPtr> Api::update(const Key& given, Value object, Subresource subresource, const WriteOptions& options) {
  const Key key = current(given);
  if (auto ok = store_.writable(); !ok) return std::unexpected(ok.error());
  const ObjectPtr before = store_.get(key);
  if (!before) return std::unexpected(Status::not_found(*key.resource, key.name));
  switch (subresource) {
    case Subresource::kScale:
      return scale(key, before, std::move(object), options);
    case Subresource::kBinding: {
      if (auto ok = decode(kind_of("", "v1", "Binding"), object, options); !ok) return std::unexpected(ok.error());
      if (auto ok = check_action(key, "Binding", object); !ok) return std::unexpected(ok.error());
      Value pod = before->tree();
      if (auto ok = bind_pod(*key.resource, object, clock_.now(), pod); !ok) return std::unexpected(ok.error());
      // As a new pod: what a binding changes, an update may not.
      if (auto ok = validate(*key.resource, pod, nullptr); !ok) return std::unexpected(ok.error());
      return commit(key, *before, std::move(pod), options.dry_run);
    }
    case Subresource::kEviction: {
      if (auto ok = decode(kind_of("policy", "v1", "Eviction"), object, options); !ok)
        return std::unexpected(ok.error());
      if (auto ok = check_action(key, "Eviction", object); !ok) return std::unexpected(ok.error());
      DeleteOptions how;
      how.dry_run = options.dry_run;
      if (auto ok = read_delete_options(object.at("deleteOptions"), how); !ok) return std::unexpected(ok.error());
      if (auto ok = check_preconditions(key, how, *before); !ok) return std::unexpected(ok.error());
      if (auto ok = admit_eviction(*this, *before, how.dry_run); !ok) return std::unexpected(ok.error());
      if (how.dry_run) return remove(key, how);
      if (auto ok = mark_evicted(*this, key); !ok) return std::unexpected(ok.error());
      how.resource_version.clear();  // It was the version before the mark.
      return remove(key, how);
    }
    case Subresource::kToken:
      return std::unexpected(Status::bad_request("tokens are not objects"));
    case Subresource::kNone:
    case Subresource::kStatus:
    case Subresource::kFinalize:
      break;
  }
  const Resource& written = written_as(*key.resource, options.served);
  if (auto ok = decode(written, object, options); !ok) return std::unexpected(ok.error());
  if (auto ok = check_revision(key, object, options); !ok) return std::unexpected(ok.error());
  if (auto ok = check_identity(key, *before, object); !ok) return std::unexpected(ok.error());
  return replace(key, before, std::move(object), subresource, options);
}

ApiResult<ObjectPtr> Api::replace(const Key& key, const ObjectPtr& before, Value object, Subresource subresource,
                                  const WriteOptions& options) {
  const Resource& resource = written_as(*key.resource, options.served);
  if (auto ok = prepare_update(resource, subresource, before->tree(), object); !ok) return std::unexpected(ok.error());
  if (object == before->tree()) return before;
  schema_.apply_defaults(resource, object);
  Admission admission;
  admission.operation = Admission::Operation::kUpdate;
  admission.resource = key.resource;
  admission.subresource = subresource;
  admission.user = options.user;
  admission.object = &object;
  admission.before = &before->tree();
  admission.warnings = options.warnings;
  admission.dry_run = options.dry_run;
  if (auto ok = admit(admission); !ok) return std::unexpected(ok.error());
  // Defaults and admission may have added to the spec, or put back what a client left out.
  if (auto ok = prepare_update(resource, subresource, before->tree(), object); !ok) return std::unexpected(ok.error());
  if (auto ok = validate(resource, object, &before->tree()); !ok) return std::unexpected(ok.error());
  return commit(key, *before, std::move(object), options.dry_run);
}

ApiResult<ObjectPtr> Api::commit(const Key& key, const Object& before, Value object, bool dry_run) {
  if (object == before.tree()) return store_.get(key);
  if (auto ok = check_depth(object); !ok) return std::unexpected(ok.error());
  if (dry_run) return unstored(*key.resource, std::move(object), before.revision());
  if (!deletion_complete(*key.resource, object)) return store_.put(key, std::move(object));
  store_.put(key, std::move(object));
  return store_.remove(key);
}

ApiResult<ObjectPtr> Api::scale(const Key& key, const ObjectPtr& before, Value scale, const WriteOptions& options) {
  const Resource& written = written_as(*key.resource, options.served);
  if (!written.has_scale) return std::unexpected(Status::not_found(written, key.name));
  if (auto ok = decode(kind_of("autoscaling", "v1", "Scale"), scale, options); !ok) return std::unexpected(ok.error());
  if (auto ok = check_identity(key, *before, scale); !ok) return std::unexpected(ok.error());
  Value object = before->tree();
  if (auto ok = apply_scale(written, scale, object); !ok) return std::unexpected(ok.error());
  auto stored = replace(key, before, std::move(object), Subresource::kNone, options);
  if (!stored) return stored;
  return unstored(*key.resource, scale_of(written, **stored), (*stored)->revision());
}

ApiResult<ObjectPtr> Api::patch(const Key& given, PatchType type, const Value& patch, Subresource subresource,
                                const WriteOptions& options) {
  const Key key = current(given);
  const ObjectPtr before = store_.get(key);
  if (!before) return std::unexpected(Status::not_found(*key.resource, key.name));
  const bool on_scale = subresource == Subresource::kScale;
  const Resource& written = written_as(*key.resource, options.served);
  Value target = on_scale ? scale_of(written, *before) : tree_as(written, *before);
  if (type == PatchType::kMerge || (on_scale && type == PatchType::kStrategicMerge)) {
    if (!patch.is_object()) return std::unexpected(Status::bad_request("a merge patch must be an object"));
    target = merge_patch(std::move(target), patch);
  } else {
    auto patched = type == PatchType::kJson ? json_patch(std::move(target), patch)
                                            : schema_.strategic_merge(*key.resource, std::move(target), patch);
    if (!patched) {
      Status status = Status::bad_request(patched.error().to_string());
      if (patch.is_array()) {
        status.code = 422;
        status.reason = "Invalid";
      }
      return std::unexpected(std::move(status));
    }
    target = std::move(*patched);
  }
  if (on_scale && !written.type->typed && target.at("spec", "replicas").is_null()) {
    return std::unexpected(Status::bad_request(
        fmt::format("the spec replicas field \"{}\" cannot be empty", written.scale.spec_replicas)));
  }
  return update(key, std::move(target), subresource, options);
}

ApiResult<ObjectPtr> Api::mutate(const Key& given, Subresource subresource, const std::function<void(Value&)>& change) {
  const Key key = current(given);
  ObjectPtr before = store_.get(key);
  if (!before) return std::unexpected(Status::not_found(*key.resource, key.name));
  const Value was = tree_as(*key.resource, *before);
  Value object = was;
  change(object);
  if (object == was) return before;
  return update(key, std::move(object), subresource);
}

ApiResult<ObjectPtr> Api::remove(const Key& given, const DeleteOptions& options) {
  const Key key = current(given);
  if (auto ok = store_.writable(); !ok) return std::unexpected(ok.error());
  const ObjectPtr before = store_.get(key);
  if (!before) return std::unexpected(Status::not_found(*key.resource, key.name));
  if (auto ok = check_preconditions(key, options, *before); !ok) return std::unexpected(ok.error());
  Admission admission;
  admission.operation = Admission::Operation::kDelete;
  admission.resource = key.resource;
  admission.before = &before->tree();
  admission.dry_run = options.dry_run;
  if (auto ok = admit(admission); !ok) return std::unexpected(ok.error());
  Value object = before->tree();
  begin_deletion(*key.resource, options, clock_.now(), object);
  return mark_deleted(key, *before, std::move(object), options.dry_run);
}

ApiResult<ObjectPtr> Api::mark_deleted(const Key& key, const Object& before, Value object, bool dry_run) {
  if (dry_run) return unstored(*key.resource, std::move(object), before.revision());
  if (deletion_complete(*key.resource, object)) return store_.remove(key);
  if (object == before.tree()) return store_.get(key);
  return store_.put(key, std::move(object));
}

}  // namespace fairlead::api
