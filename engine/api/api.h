// The verbs of the Kubernetes API on the store. Every write, whoever sent it, passes the same admission steps here;
// authentication and RBAC come before, in the HTTP surface. Used on the control thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "engine/api/object.h"
#include "engine/api/selector.h"
#include "engine/api/status.h"
#include "engine/api/store.h"
#include "engine/api/user.h"
#include "engine/seam/clock.h"

namespace fairlead::api {

enum class Subresource : std::uint8_t { kNone, kStatus, kScale, kBinding, kEviction, kToken, kFinalize };
enum class PatchType : std::uint8_t { kJson, kMerge, kStrategicMerge };
enum class FieldValidation : std::uint8_t { kIgnore, kWarn, kStrict };
enum class Propagation : std::uint8_t { kBackground, kForeground, kOrphan };

struct WriteOptions {
  const User* user = nullptr;  ///< Who asks, where somebody does; null: this program, which may do everything.
  FieldValidation validation = FieldValidation::kStrict;
  const std::vector<std::string>* duplicates = nullptr;  ///< Paths of keys that the object's text gave twice.
  const Resource* served = nullptr;  ///< Of a custom kind: the version that the object is written in; null: the stored.
  bool dry_run = false;
  std::vector<std::string>* warnings = nullptr;  ///< Where admission leaves its warnings, when somebody listens.
};

struct DeleteOptions {
  std::optional<Propagation> propagation{};  ///< Absent: the kind's default, background.
  std::optional<std::int64_t> grace_seconds{};
  std::string uid{};  ///< Preconditions; empty: none.
  std::string resource_version{};
  bool dry_run = false;
};

/// What a write sees and may change before it is stored.
struct Admission {
  enum class Operation : std::uint8_t { kCreate, kUpdate, kDelete };
  Operation operation = Operation::kCreate;
  const Resource* resource = nullptr;
  Subresource subresource = Subresource::kNone;
  const User* user = nullptr;                    ///< Null: this program.
  Value* object = nullptr;                       ///< Null for kDelete.
  const Value* before = nullptr;                 ///< Null for kCreate.
  std::vector<std::string>* warnings = nullptr;  ///< May be null.
  bool dry_run = false;                          ///< Steps that keep books of their own must not.
};

class Api {
 public:
  /// `seed` makes UIDs and generated names: the same seed and the same calls give the same ones.
  Api(const Schema& schema, Store& store, const seam::Clock& clock, std::uint64_t seed);

  [[nodiscard]] const Schema& schema() const { return schema_; }
  [[nodiscard]] Store& store() { return store_; }
  [[nodiscard]] const Store& store() const { return store_; }
  [[nodiscard]] const seam::Clock& clock() const { return clock_; }

  [[nodiscard]] ObjectPtr get(const Key& key) const { return store_.get(key); }
  /// Convenience for controllers: resources by group and plural name.
  [[nodiscard]] ObjectPtr get(const Resource& resource, std::string_view ns, std::string_view name) const;
  [[nodiscard]] std::vector<ObjectPtr> list(const Resource& resource, std::string_view ns = {},
                                            const Selector& labels = Selector()) const;

  /// The object, or its autoscaling/v1 Scale for kScale; 404 when there is none.
  [[nodiscard]] ApiResult<ObjectPtr> get(const Key& key, Subresource subresource) const;

  /// `object` must carry a name or generateName; its namespace, when absent, becomes `ns`.
  ApiResult<ObjectPtr> create(const Resource& resource, std::string_view ns, Value object,
                              const WriteOptions& options = {});
  /// Optimistic when `object` carries a resourceVersion. An update that changes nothing writes nothing. For kScale
  /// `object` and the answer are Scales; for kBinding and kEviction of a pod `object` is the Binding or Eviction and
  /// the answer is the pod. kToken is not served here: see token.h.
  ApiResult<ObjectPtr> update(const Key& key, Value object, Subresource subresource = Subresource::kNone,
                              const WriteOptions& options = {});
  ApiResult<ObjectPtr> patch(const Key& key, PatchType type, const Value& patch,
                             Subresource subresource = Subresource::kNone, const WriteOptions& options = {});
  /// With finalizers, grace or foreground propagation the object stays, with a deletionTimestamp, and is returned as
  /// it now is; otherwise it is gone and its last state is returned.
  ApiResult<ObjectPtr> remove(const Key& key, const DeleteOptions& options = {});

  /// What controllers use to change an object: reads it, lets `change` edit a copy, writes it if that differs. Being on
  /// the control thread, nothing can come between. 404 when it is gone.
  ApiResult<ObjectPtr> mutate(const Key& key, Subresource subresource, const std::function<void(Value&)>& change);

  /// Makes `object` what a Go decoder would make of it: 400 where it is of another kind or version than `resource` or a
  /// field has the wrong type; fields that are not known are refused, told or ignored, as `options` says. Every object
  /// that a client sends goes through it, also one that is not stored, as a review or a Scale.
  [[nodiscard]] ApiResult<> decode(const Resource& resource, Value& object, const WriteOptions& options) const;

  /// Appends an admission step; steps run in order of addition, after defaulting and before validation.
  void add_admission(std::string name, std::function<ApiResult<>(Admission&)> step);
  /// Names of the steps, in order.
  [[nodiscard]] std::vector<std::string> admission_steps() const;

 private:
  struct State;

  [[nodiscard]] const Resource& kind_of(std::string_view group, std::string_view version, std::string_view kind) const;
  [[nodiscard]] Key current(const Key& key) const;
  [[nodiscard]] ApiResult<> admit(Admission admission) const;
  [[nodiscard]] ApiResult<> validate(const Resource& resource, const Value& object, const Value* before) const;
  ApiResult<> name_and_stamp(const Resource& resource, std::string_view ns, Value& object);
  ApiResult<ObjectPtr> replace(const Key& key, const ObjectPtr& before, Value object, Subresource subresource,
                               const WriteOptions& options);
  ApiResult<ObjectPtr> scale(const Key& key, const ObjectPtr& before, Value scale, const WriteOptions& options);
  ApiResult<ObjectPtr> commit(const Key& key, const Object& before, Value object, bool dry_run);
  ApiResult<ObjectPtr> mark_deleted(const Key& key, const Object& before, Value object, bool dry_run);

  const Schema& schema_;
  Store& store_;
  const seam::Clock& clock_;
  std::shared_ptr<State> state_;
};

}  // namespace fairlead::api
