// Nobody grants what he does not hold.
// Source: pkg/registry/rbac/{role,clusterrole,rolebinding,clusterrolebinding}/policybased/storage.go,
// pkg/registry/rbac/{escalation_check,validation/rule}.go.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "engine/api/access.h"
#include "engine/api/admission.h"
#include "engine/api/authorizer.h"

namespace fairlead::api {
namespace {

Attributes resource_permission(std::string_view verb, std::string_view group, std::string_view resource,
                               std::string_view ns, std::string_view name) {
  const std::size_t slash = resource.find('/');
  Attributes out;
  out.is_resource = true;
  out.verb = verb;
  out.group = group;
  out.resource = resource.substr(0, slash);
  if (slash != std::string_view::npos) out.subresource = resource.substr(slash + 1);
  out.ns = ns;
  out.name = name;
  return out;
}

/// Shows a rule as the single permissions that it is made of. Source: policy_comparator.go, BreakdownRule.
void each_permission(const Value& rule, const std::function<void(const Attributes&)>& visit) {
  static const Value kAnyName = Value::array({""});
  const Value& names = rule.at("resourceNames").empty() ? kAnyName : rule.at("resourceNames");
  for (const Value& verb : rule.at("verbs").items()) {
    for (const Value& group : rule.at("apiGroups").items()) {
      for (const Value& resource : rule.at("resources").items()) {
        for (const Value& name : names.items()) {
          visit(resource_permission(verb.str(), group.str(), resource.str(), {}, name.str()));
        }
      }
    }
    for (const Value& path : rule.at("nonResourceURLs").items()) {
      Attributes out;
      out.verb = verb.str();
      out.path = path.str();
      visit(out);
    }
  }
}

/// `["a" "b"]`, as Go's %q writes a list.
template <class List>
std::string quoted(const List& list) {
  return fmt::format("[\"{}\"]", fmt::join(list, "\" \""));
}

/// The permissions of a set of rules that a user lacks, one line for each thing, with the verbs for a resource
/// together.
class Missing {
 public:
  void add(const Attributes& lacked) {
    const std::string resource =
        lacked.subresource.empty() ? lacked.resource : lacked.resource + "/" + lacked.subresource;
    // Verbs are put together for resources only. Source: policy_compact.go, CompactRules.
    const std::string alone = lacked.is_resource ? "" : lacked.verb;
    verbs_[{lacked.is_resource, lacked.group, resource, lacked.name, lacked.path, alone}].push_back(lacked.verb);
  }
  [[nodiscard]] bool none() const { return verbs_.empty(); }
  /// Source: pkg/apis/rbac/v1/evaluation_helpers.go, CompactString.
  [[nodiscard]] std::string text() const {
    std::set<std::string> lines;
    for (const auto& [thing, verbs] : verbs_) {
      const auto& [is_resource, group, resource, name, path, alone] = thing;
      std::string what = is_resource ? fmt::format("APIGroups:[\"{}\"], Resources:[\"{}\"]", group, resource)
                                     : fmt::format("NonResourceURLs:[\"{}\"]", path);
      if (!name.empty()) what += fmt::format(", ResourceNames:[\"{}\"]", name);
      lines.insert(fmt::format("{{{}, Verbs:{}}}", what, quoted(verbs)));
    }
    return fmt::format("{}", fmt::join(lines, "\n"));
  }

 private:
  using Thing = std::tuple<bool, std::string, std::string, std::string, std::string, std::string>;
  std::map<Thing, std::vector<std::string>> verbs_;
};

/// Whether `user` holds every permission of `rules` in `ns`; the refusal names those that are missing.
ApiResult<> confirm_held(const Api& api, const Admission& admission, std::string_view ns, const Value::Array& rules) {
  std::vector<Value> held;
  each_rule(api, *admission.user, ns, [&](const Value& rule) {
    held.push_back(rule);
    return true;
  });
  Missing missing;
  for (const Value& rule : rules) {
    each_permission(rule, [&](const Attributes& permission) {
      const bool covered = std::ranges::any_of(held, [&](const Value& own) {
        // One that is held for some names only does not cover all.
        if (permission.name.empty() && !own.at("resourceNames").empty()) return false;
        return rule_allows(own, permission);
      });
      if (!covered) missing.add(permission);
    });
  }
  if (missing.none()) return {};
  return std::unexpected(Status::forbidden(
      *admission.resource, admission.object->at("metadata", "name").str(),
      fmt::format("user \"{}\" (groups={}) is attempting to grant RBAC permissions not currently held:\n{}",
                  admission.user->name, quoted(admission.user->groups), missing.text())));
}

bool has_aggregation(const Value* role) {
  return role != nullptr && !role->at("aggregationRule", "clusterRoleSelectors").empty();
}

ApiResult<> admit_role(const Api& api, const Admission& admission, std::string_view ns) {
  const Value& role = *admission.object;
  // A create is asked for without a name.
  const std::string_view name = admission.before == nullptr ? std::string_view() : role.at("metadata", "name").str();
  const Attributes escalate = resource_permission("escalate", kRbacGroup, admission.resource->plural, ns, name);
  if (authorized(api, *admission.user, escalate)) return {};
  if (auto held = confirm_held(api, admission, ns, role.at("rules").items()); !held) return held;
  if (!has_aggregation(admission.object) && !has_aggregation(admission.before)) return {};
  // Such a role can gather anything.
  const Value all = Value::array({"*"});
  const Value::Array everything = {Value::object({{"verbs", all}, {"apiGroups", all}, {"resources", all}}),
                                   Value::object({{"verbs", all}, {"nonResourceURLs", all}})};
  if (confirm_held(api, admission, ns, everything)) return {};
  return std::unexpected(Status::forbidden(*admission.resource, role.at("metadata", "name").str(),
                                           "must have cluster-admin privileges to use the aggregationRule"));
}

ApiResult<> admit_role_binding(const Api& api, const Admission& admission, std::string_view ns) {
  const Value& reference = admission.object->at("roleRef");
  const bool cluster_role = reference.at("kind").str() == "ClusterRole";
  const Resource& roles = api.schema().resource(kRbacGroup, cluster_role ? "clusterroles" : "roles");
  const std::string_view name = reference.at("name").str();
  if (authorized(api, *admission.user, resource_permission("bind", kRbacGroup, roles.plural, ns, name))) return {};
  const ObjectPtr role = api.get(roles, cluster_role ? std::string_view() : ns, name);
  if (role == nullptr) return std::unexpected(Status::not_found(*admission.resource, name));  // As upstream names it.
  Value::Array rules;
  each_rule_of(api, *role, [&](const Value& rule) {
    rules.push_back(rule);
    return true;
  });
  return confirm_held(api, admission, ns, rules);
}

/// Whether only what the garbage collector needs differs. Source: pkg/registry/rbac/helpers.go, IsOnlyMutatingGCFields.
bool only_frees(const Admission& admission) {
  if (admission.before == nullptr) return false;
  Value after = *admission.object;
  const Value& before = admission.before->at("metadata");
  for (const char* field : {"ownerReferences", "finalizers", "managedFields", "generation", "resourceVersion"}) {
    Value& metadata = after.make("metadata");
    metadata.erase(field);
    if (before.has(field)) metadata.set(field, before.at(field));
  }
  return after == *admission.before;
}

}  // namespace

ApiResult<> admit_grant(const Api& api, Admission& admission) {
  if (admission.object == nullptr || admission.user == nullptr || admission.resource->group != kRbacGroup) return {};
  if (std::ranges::find(admission.user->groups, kMasters) != admission.user->groups.end()) return {};
  if (only_frees(admission)) return {};
  const std::string_view ns = admission.object->at("metadata", "namespace").str();
  const std::string_view kind = admission.resource->kind;
  return kind.ends_with("Binding") ? admit_role_binding(api, admission, ns) : admit_role(api, admission, ns);
}

}  // namespace fairlead::api
