// The types of the Kubernetes API as data: one table, generated from upstream by tools/schema, and one walker over it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/value.h"

namespace fairlead::api {

struct Type;  // A node of the table; only the walker looks inside.

/// A server-side column of `kubectl get`.
struct Column {
  std::string name;
  std::string type;       ///< "string", "integer", "number", "boolean", "date".
  std::string format;     ///< "name" for the first one.
  std::string json_path;  ///< ".spec.replicas"; empty where table.cc computes the cell.
  int priority = 0;       ///< Over 0: only with -o wide.
};

/// "status", "scale", "log" … as discovery lists them. An empty group and version mean those of the resource.
struct ServedSubresource {
  std::string name;
  std::string group;
  std::string version;
  std::string kind;
  std::vector<std::string> verbs;
};

/// Where the scale subresource reads and writes: JSON paths, ".spec.replicas". Empty where the kind has none;
/// `selector` is also empty for the built-in kinds, whose selector is an object that the caller formats.
struct ScalePaths {
  std::string spec_replicas;
  std::string status_replicas;
  std::string selector;
};

/// One kind as one API version serves it. Lives as long as its Schema and never changes, so any thread may read it. Of
/// a built-in kind there is one: compare by pointer. A changed definition makes new ones: compare by ordinal.
struct Resource {
  std::uint32_t ordinal =
      0;              ///< Order of registration; the same in every run. Storage resources of a kind share theirs.
  std::string group;  ///< Empty for the core group.
  std::string version;
  std::string kind;
  std::string plural;
  std::string singular;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  std::vector<std::string> verbs;  ///< As discovery lists them; ["create"] for reviews.
  std::vector<ServedSubresource> subresources;
  bool namespaced = false;
  bool has_status = false;  ///< The status subresource exists: plain updates leave .status alone.
  bool has_scale = false;
  ScalePaths scale;
  std::vector<std::string> selectable;  ///< Paths that a field selector may name: "spec.color". Of custom kinds alone.
  bool acted_on = false;                ///< Something in this program acts on objects of this kind.
  /// The version that is stored, which need not be served; itself for most. Objects, keys and watches always name the
  /// storage resource.
  const Resource* storage = nullptr;
  const Type* type = nullptr;
  std::vector<Column> columns;

  /// "apps/v1" or "v1".
  [[nodiscard]] std::string api_version() const { return group.empty() ? version : group + "/" + version; }
};

/// Of one object, by decode and by validate each: a person reads no more, and what a client sends cannot make them
/// large. Source: sigs.k8s.io/json, which keeps as many strict errors.
inline constexpr std::size_t kMaxFindings = 100;

/// One finding about an object: `field` is a path as Kubernetes writes it, "spec.template.spec.containers[0].image".
struct FieldError {
  enum class Reason {
    kUnknown,
    kInvalid,
    kRequired,
    kDuplicate,
    kNotSupported,
    kForbidden,
    kTooLong,
    kTooMany,
    kType,
    kNamespaceTerminating,  ///< Why a whole request was refused, here and below: they concern no field's value.
    kResourceVersionTooLarge,
    kDisruptionBudget,
  };
  Reason reason = Reason::kInvalid;
  std::string field;
  std::string message;
  std::uint32_t line = 0;  ///< Where the source had it; 0 when it did not come from a file.
  std::uint32_t column = 0;
};

/// Reading is safe from any thread; add_definition and remove_definition need that nobody reads meanwhile.
class Schema {
 public:
  struct Table;  // Only schema_*.cc look inside.

  /// The built-in kinds and the CRDs of the platform's add-ons. Throws std::runtime_error when the embedded table is
  /// damaged, which is a bug of the build.
  Schema();
  ~Schema();
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;

  /// Also finds kinds that travel without being stored (DeleteOptions, Status, Scale, Eviction, TokenRequest): their
  /// `plural` is empty and resources() leaves them out.
  [[nodiscard]] const Resource* by_kind(std::string_view group, std::string_view version, std::string_view kind) const;
  [[nodiscard]] const Resource* by_kind(std::string_view api_version, std::string_view kind) const;
  [[nodiscard]] const Resource* by_plural(std::string_view group, std::string_view version,
                                          std::string_view plural) const;
  /// The storage resource; a missing one is a bug: for the controllers' own kinds, `resource("apps", "deployments")`.
  [[nodiscard]] const Resource& resource(std::string_view group, std::string_view plural) const;
  /// Everything served, in order of ordinal.
  [[nodiscard]] std::span<const Resource* const> resources() const;
  /// The storage resources, in order of ordinal: every object belongs to one of them.
  [[nodiscard]] std::span<const Resource* const> stored() const;
  /// The storage resource of a kind; null where there is none.
  [[nodiscard]] const Resource* stored(std::string_view group, std::string_view plural) const;
  /// The storage resource that took the place of `storage` when its definition changed; mostly itself.
  [[nodiscard]] const Resource& current(const Resource& storage) const;

  /// Checks names and JSON types of all fields against the table, and normalises scalars as upstream's decoders do.
  /// Findings of Reason kUnknown and kDuplicate are the caller's to refuse, to warn of or to ignore (fieldValidation);
  /// others make the object unusable. Unknown fields are dropped from `object` after they were reported, except below
  /// fields that preserve them.
  [[nodiscard]] std::vector<FieldError> decode(const Resource& resource, Value& object) const;

  /// Reads "k8s\0" + runtime.Unknown as kubectl's typed commands send it. `apiVersion` and `kind` are set in the
  /// result.
  [[nodiscard]] Result<Value> decode_protobuf(std::string_view bytes) const;

  /// Sets the defaults of upstream's schema and of its defaulting functions.
  void apply_defaults(const Resource& resource, Value& object) const;

  /// Upstream's validation of one object; `before` is the object an update replaces (immutable fields), or null.
  [[nodiscard]] std::vector<FieldError> validate(const Resource& resource, const Value& object,
                                                 const Value* before) const;

  /// Strategic merge patch, by the table's merge keys; $patch, $retainKeys, $setElementOrder and
  /// $deleteFromPrimitiveList as upstream treats them. Plain JSON merge for kinds that have no merge keys (CRDs refuse:
  /// 415 is the caller's).
  [[nodiscard]] Result<Value> strategic_merge(const Resource& resource, Value current, const Value& patch) const;

  /// The OpenAPI v3 document of one group and version ("apis/apps/v1", "api/v1"), as JSON; empty when not served.
  [[nodiscard]] std::string openapi_v3(std::string_view path) const;

  /// Adds, replaces or removes the resources of a v1 CustomResourceDefinition. A replaced or removed Resource stays
  /// valid but is no longer found. A definition whose spec is in use already is left alone.
  [[nodiscard]] Result<> add_definition(const Value& crd);
  void remove_definition(std::string_view group, std::string_view plural);

 private:
  std::unique_ptr<Table> table_;
};

}  // namespace fairlead::api
