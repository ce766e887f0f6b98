// Upstream's validation of one object. schema_limits.cc checks what the table says about any kind; the rules of the
// built-in kinds that upstream wrote in code stand in schema_validate_*.cc, one file per family of kinds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"
#include "engine/api/schema.h"
#include "engine/api/schema_type.h"

namespace fairlead::api {

/// Collects findings and words them as upstream's field.Error does. Paths are whole: "spec.ports[0].port".
class Findings {
 public:
  void invalid(std::string field, const Value& value, std::string_view why);
  void required(std::string field, std::string_view why = {});
  void duplicate(std::string field, const Value& value);
  /// `supported` in the order that upstream prints, which is sorted.
  void not_supported(std::string field, const Value& value, const std::vector<std::string_view>& supported);
  void forbidden(std::string field, std::string_view why);
  void not_found(std::string field, const Value& value);
  void too_long(std::string field, std::int64_t limit);
  void too_many(std::string field, std::size_t count, std::size_t limit);
  void wrong_type(std::string field, const Value& value, std::string_view type);

  /// Those over kMaxFindings are dropped.
  void add(FieldError finding) {
    if (list_.size() < kMaxFindings) list_.push_back(std::move(finding));
  }
  [[nodiscard]] bool empty() const { return list_.empty(); }
  [[nodiscard]] std::vector<FieldError> take() { return std::move(list_); }

 private:
  void add(FieldError::Reason reason, std::string field, std::string message, const Value* at = nullptr);
  std::vector<FieldError> list_;
};

/// A value in a message: strings quoted, everything else as JSON.
[[nodiscard]] std::string shown(const Value& value);

/// Required fields, enums, ranges, patterns, list types: everything a CustomResourceDefinition can say but CEL.
void check_limits(const Type& type, const Value& value, const std::string& path, Findings& findings);
/// What a custom resource's schema says of it, and the paths of its scale.
void check_custom(const Resource& resource, const Value& object, Findings& findings);
/// An object within an object: its identity, name and labels.
void check_embedded(const Value& value, const std::string& path, Findings& findings);
/// Why `pattern` is no regular expression; empty when it is one.
[[nodiscard]] std::string bad_pattern(const std::string& pattern);

/// metadata: names, labels, annotations, owner references, finalizers, and what an update may not change.
void check_metadata(const Resource& resource, const Value& object, const Value* before, Findings& findings);

/// The rules of a built-in kind; nothing for kinds that have none here.
void check_kind(const Resource& resource, const Value& object, const Value* before, Findings& findings);

// What the rules of many kinds share. `path` is the path of the value that is passed.

/// Finding unless an integer is at least `least`; absent is fine.
void check_least(const Value& value, std::int64_t least, std::string path, Findings& findings);
/// Finding unless an integer is in the range, both ends included; absent is fine.
void check_between(const Value& value, std::int64_t least, std::int64_t most, const std::string& path,
                   Findings& findings);
/// Port numbers and names of ports; absent is fine.
void check_port(const Value& value, const std::string& path, Findings& findings);
void check_one_of(const Value& value, const std::vector<std::string_view>& supported, std::string path,
                  Findings& findings);
void check_labels(const Value& labels, const std::string& path, Findings& findings);
/// metav1.LabelSelector. True when it is well-formed.
bool check_label_selector(const Value& selector, const std::string& path, Findings& findings);
/// The field may not differ from what it was.
void check_immutable(const Value& now, const Value& before, std::string path, Findings& findings);

void check_annotations(const Value& annotations, const std::string& path, Findings& findings);
/// A template of pods. schema_validate_pod.cc and what it calls.
void check_pod_template(const Value& pods, const std::string& path, Findings& findings);
void check_containers(const Value& spec, const std::string& path, Findings& findings);
void check_volumes(const Value& volumes, const std::string& path, Findings& findings);
/// One source of a volume; `kind` is the name of its field.
void check_volume_source(std::string_view kind, const Value& source, const std::string& path, Findings& findings);
/// Tolerations, affinity and topology spread constraints.
void check_placement(const Value& spec, const std::string& path, Findings& findings);
/// What concerns security of a pod's spec and of its securityContext.
void check_pod_context(const Value& spec, const std::string& path, Findings& findings);
/// `host_users`: the pod has no user namespace of its own.
void check_container_context(const Value& context, bool host_users, const std::string& path, Findings& findings);
void check_env(const Value& container, const std::string& path, Findings& findings);
/// Probes and hooks. `grace` is the pod's terminationGracePeriodSeconds.
void check_life(const Value& container, const Value& grace, const std::string& path, Findings& findings);
/// A map of resources to amounts.
void check_amounts(const Value& amounts, const std::string& path, Findings& findings);
/// One item of a downwardAPI volume.
void check_downward_file(const Value& file, const std::string& path, Findings& findings);
/// Permissions of a file.
void check_mode(const Value& mode, const std::string& path, Findings& findings);
/// A path that leads into a directory and not out of it; absent and empty are fine.
void check_descending_path(const Value& value, const std::string& path, Findings& findings);
/// The same, and it does not start with "..".
void check_local_path(const Value& value, const std::string& path, Findings& findings);
/// What a PersistentVolumeClaim and the template of one say.
void check_claim_spec(const Value& spec, const std::string& path, Findings& findings);
void check_pod(const Value& object, const Value* before, Findings& findings);

void check_config_map(const Value& object, const Value* before, Findings& findings);
void check_secret(const Value& object, const Value* before, Findings& findings);
void check_deployment(const Value& object, const Value* before, Findings& findings);
void check_replica_set(const Value& object, const Value* before, Findings& findings);
void check_stateful_set(const Value& object, const Value* before, Findings& findings);
void check_daemon_set(const Value& object, const Value* before, Findings& findings);
void check_job(const Value& object, const Value* before, Findings& findings);
void check_cron_job(const Value& object, const Value* before, Findings& findings);
void check_service(const Value& object, const Value* before, Findings& findings);
/// clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy of a Service's spec.
void check_service_addresses(const Value& spec, Findings& findings);
void check_endpoint_slice(const Value& object, const Value* before, Findings& findings);
void check_network_policy(const Value& object, const Value* before, Findings& findings);
void check_autoscaler(const Value& object, const Value* before, Findings& findings);
void check_disruption_budget(const Value& object, const Value* before, Findings& findings);
void check_role(const Value& object, const Value* before, Findings& findings);
void check_binding(const Value& object, const Value* before, Findings& findings);
void check_node(const Value& object, const Value* before, Findings& findings);
void check_event(const Value& object, const Value* before, Findings& findings);
void check_volume(const Value& object, const Value* before, Findings& findings);
void check_lease(const Value& object, const Value* before, Findings& findings);
void check_ingress(const Value& object, const Value* before, Findings& findings);
void check_claim(const Value& object, const Value* before, Findings& findings);
void check_storage_class(const Value& object, const Value* before, Findings& findings);
void check_priority_class(const Value& object, const Value* before, Findings& findings);
void check_definition(const Value& object, const Value* before, Findings& findings);

}  // namespace fairlead::api
