// Pods and pod templates. Source: pkg/apis/core/validation/validation.go, ValidatePodSpec and ValidatePodUpdate.
#include <limits>
#include <set>

#include "engine/api/schema_names.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

constexpr std::int64_t kMostInt32 = std::numeric_limits<std::int32_t>::max();

void check_dns(const Value& spec, const std::string& path, Findings& findings) {
  constexpr std::size_t kMostServers = 3;
  constexpr std::size_t kMostSearches = 32;
  constexpr std::size_t kMostSearchText = 2048;
  const Value& config = spec.at("dnsConfig");
  const std::string where = path + ".dnsConfig";
  const Value& servers = config.at("nameservers");
  if (spec.at("dnsPolicy").str() == "None" && servers.empty()) {
    return findings.required(spec.has("dnsConfig") ? where + ".nameservers" : where,
                             spec.has("dnsConfig") ? "must provide at least one DNS nameserver when `dnsPolicy` is None"
                                                   : "must provide `dnsConfig` when `dnsPolicy` is None");
  }
  if (servers.size() > kMostServers) {
    findings.invalid(where + ".nameservers", servers,
                     fmt::format("must not have more than {} nameservers", kMostServers));
  }
  for (std::size_t i = 0; i < servers.size(); ++i) {
    if (const std::string why = bad_address(servers.at(i).str()); !why.empty())
      findings.invalid(index_path(where + ".nameservers", i), servers.at(i), why);
  }
  const Value& searches = config.at("searches");
  if (searches.size() > kMostSearches) {
    findings.invalid(where + ".searches", searches,
                     fmt::format("must not have more than {} search paths", kMostSearches));
  }
  std::size_t length = searches.empty() ? 0 : searches.size() - 1;
  for (std::size_t i = 0; i < searches.size(); ++i) {
    std::string_view search = searches.at(i).str();
    length += search.size();
    if (search == ".") continue;
    if (search.ends_with('.')) search.remove_suffix(1);
    if (const std::string why = bad_search_domain(search); !why.empty())
      findings.invalid(index_path(where + ".searches", i), search, why);
  }
  if (length > kMostSearchText) {
    findings.invalid(
        where + ".searches", searches,
        fmt::format("must not have more than {} characters (including spaces) in the search list", kMostSearchText));
  }
  for (std::size_t i = 0; i < config.at("options").size(); ++i) {
    if (config.at("options", i, "name").str().empty())
      findings.required(index_path(where + ".options", i), "must not be empty");
  }
}

void check_gates(const Value& spec, const std::string& path, Findings& findings) {
  const Value& readiness = spec.at("readinessGates");
  for (std::size_t i = 0; i < readiness.size(); ++i) {
    const Value& type = readiness.at(i, "conditionType");
    if (const std::string why = bad_qualified_name(type.str()); !why.empty())
      findings.invalid(index_path(path + ".readinessGates", i) + ".conditionType", type, why);
  }
  std::set<std::string_view> seen;
  const Value& scheduling = spec.at("schedulingGates");
  for (std::size_t i = 0; i < scheduling.size(); ++i) {
    const Value& name = scheduling.at(i, "name");
    const std::string where = index_path(path + ".schedulingGates", i);
    if (const std::string why = bad_qualified_name(name.str()); !why.empty()) findings.invalid(where, name, why);
    if (!seen.insert(name.str()).second) findings.duplicate(where, name);
  }
}

void check_host_aliases(const Value& list, const std::string& path, Findings& findings) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string where = index_path(path, i);
    if (const std::string why = bad_address(list.at(i, "ip").str()); !why.empty())
      findings.invalid(where + ".ip", list.at(i, "ip"), why);
    const Value& names = list.at(i, "hostnames");
    for (std::size_t j = 0; j < names.size(); ++j) {
      if (const std::string why = bad_subdomain(names.at(j).str()); !why.empty())
        findings.invalid(index_path(where + ".hostnames", j), names.at(j), why);
    }
  }
}

void check_system(const Value& system, const std::string& path, Findings& findings) {
  if (system.is_null()) return;
  if (system.at("name").str().empty()) return findings.required(path + ".name");
  check_one_of(system.at("name"), {"linux", "windows"}, path, findings);
}

/// Of pods alone, not of templates.
void check_tokens(const Value& spec, Findings& findings) {
  if (!spec.at("serviceAccountName").str().empty()) return;
  for (std::size_t i = 0; i < spec.at("volumes").size(); ++i) {
    const Value& sources = spec.at("volumes", i, "projected", "sources");
    const std::string path = index_path("spec.volumes", i) + ".projected.sources";
    for (std::size_t j = 0; j < sources.size(); ++j) {
      if (sources.at(j, "serviceAccountToken").is_null()) continue;
      findings.forbidden(index_path(path, j) + ".serviceAccountToken",
                         "must not be specified when serviceAccountName is not set");
    }
  }
}

/// The same spec but for what an update of a pod may change.
Value frozen(const Value& spec) {
  Value out = spec;
  for (const std::string_view list : {"containers", "initContainers"}) {
    if (Value* containers = out.find(list)) {
      for (Value& item : containers->mutable_items()) item.erase("image");
    }
  }
  for (const std::string_view field : {"activeDeadlineSeconds", "tolerations", "schedulingGates"}) out.erase(field);
  return out;
}

void check_pod_spec(const Value& spec, const std::string& path, Findings& findings) {
  check_volumes(spec.at("volumes"), path + ".volumes", findings);
  check_containers(spec, path, findings);
  check_one_of(spec.at("restartPolicy"), {"Always", "OnFailure", "Never"}, path + ".restartPolicy", findings);
  check_one_of(spec.at("dnsPolicy"), {"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"},
               path + ".dnsPolicy", findings);
  check_labels(spec.at("nodeSelector"), path + ".nodeSelector", findings);
  check_pod_context(spec, path, findings);
  check_dns(spec, path, findings);
  check_gates(spec, path, findings);
  check_host_aliases(spec.at("hostAliases"), path + ".hostAliases", findings);
  check_system(spec.at("os"), path + ".os", findings);
  check_one_of(spec.at("preemptionPolicy"), {"PreemptLowerPriority", "Never"}, path + ".preemptionPolicy", findings);
  check_amounts(spec.at("overhead"), path + ".overhead.limits", findings);
  for (const std::string_view field : {"serviceAccountName", "nodeName", "priorityClassName"}) {
    const Value& value = spec.at(field);
    const std::string why = value.str().empty() ? std::string() : bad_subdomain(value.str());
    if (!why.empty()) findings.invalid(child_path(path, field), value, why);
  }
  for (const std::string_view field : {"hostname", "subdomain"}) {
    const Value& value = spec.at(field);
    const std::string why = value.str().empty() ? std::string() : bad_label(value.str());
    if (!why.empty()) findings.invalid(child_path(path, field), value, why);
  }
  check_between(spec.at("activeDeadlineSeconds"), 1, kMostInt32, path + ".activeDeadlineSeconds", findings);
  check_placement(spec, path, findings);
}

}  // namespace

void check_pod_template(const Value& pods, const std::string& path, Findings& findings) {
  // Upstream leaves out that they are members of metadata.
  check_labels(pods.at("metadata", "labels"), path + ".labels", findings);
  check_annotations(pods.at("metadata", "annotations"), path + ".annotations", findings);
  check_pod_spec(pods.at("spec"), path + ".spec", findings);
  if (!pods.at("spec", "ephemeralContainers").empty())
    findings.forbidden(path + ".spec.ephemeralContainers", "ephemeral containers not allowed in pod template");
}

void check_pod(const Value& object, const Value* before, Findings& findings) {
  const Value& spec = object.at("spec");
  check_pod_spec(spec, "spec", findings);
  check_tokens(spec, findings);
  if (before == nullptr && !spec.at("ephemeralContainers").empty())
    findings.forbidden("spec.ephemeralContainers", "cannot be set on create");
  if (before == nullptr && !spec.at("nodeName").str().empty() && !spec.at("schedulingGates").empty())
    findings.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared");
  if (before == nullptr || frozen(object.at("spec")) == frozen(before->at("spec"))) return;
  findings.forbidden(
      "spec",
      "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
      "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
      "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)");
}

}  // namespace fairlead::api
