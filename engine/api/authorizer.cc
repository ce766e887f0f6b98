#include "engine/api/authorizer.h"

#include <algorithm>
#include <array>

#include "engine/api/access.h"

namespace fairlead::api {
namespace {

bool holds(const Value& list, std::string_view wanted) {
  return std::ranges::any_of(list.items(),
                             [&](const Value& item) { return item.str() == wanted || item.str() == "*"; });
}

bool resource_matches(const Value& list, const Attributes& asked) {
  const std::string full = asked.subresource.empty() ? asked.resource : asked.resource + "/" + asked.subresource;
  return std::ranges::any_of(list.items(), [&](const Value& item) {
    if (item.str() == "*" || item.str() == full) return true;
    return !asked.subresource.empty() && item.str() == "*/" + asked.subresource;
  });
}

bool path_matches(const Value& list, std::string_view path) {
  return std::ranges::any_of(list.items(), [&](const Value& item) {
    const std::string_view rule = item.str();
    if (rule.ends_with('*')) return path.starts_with(rule.substr(0, rule.size() - 1));
    return rule == path;
  });
}

bool subject_matches(const Value& subject, const User& user, std::string_view binding_ns) {
  const std::string_view kind = subject.at("kind").str();
  const std::string_view name = subject.at("name").str();
  if (kind == "User") return name == user.name;
  if (kind == "Group") return std::ranges::find(user.groups, name) != user.groups.end();
  if (kind != "ServiceAccount") return false;
  const std::string_view own = subject.at("namespace").str();
  return user.name == fmt::format("system:serviceaccount:{}:{}", own.empty() ? binding_ns : own, name);
}

bool binds(const Object& binding, const User& user) {
  return std::ranges::any_of(binding.at("subjects").items(),
                             [&](const Value& subject) { return subject_matches(subject, user, binding.ns()); });
}

bool show_rules(const Object& role, const std::function<bool(const Value&)>& visit) {
  return std::ranges::all_of(role.at("rules").items(), visit);
}

/// Shows the rules of the role that `binding` refers to; a missing role allows nothing.
bool show_bound(const Api& api, const Object& binding, const std::function<bool(const Value&)>& visit) {
  const Value& reference = binding.at("roleRef");
  const bool cluster_role = reference.at("kind").str() == "ClusterRole";
  const ObjectPtr role = api.get(api.schema().resource(kRbacGroup, cluster_role ? "clusterroles" : "roles"),
                                 cluster_role ? std::string_view() : binding.ns(), reference.at("name").str());
  return !role || each_rule_of(api, *role, visit);
}

}  // namespace

bool rule_allows(const Value& rule, const Attributes& asked) {
  if (!holds(rule.at("verbs"), asked.verb)) return false;
  if (!asked.is_resource) return path_matches(rule.at("nonResourceURLs"), asked.path);
  if (!holds(rule.at("apiGroups"), asked.group) || !resource_matches(rule.at("resources"), asked)) return false;
  const Value& names = rule.at("resourceNames");
  return names.empty() || std::ranges::any_of(names.items(), [&](const Value& n) { return n.str() == asked.name; });
}

bool each_rule_of(const Api& api, const Object& role, const std::function<bool(const Value&)>& visit) {
  const Value& selectors = role.at("aggregationRule", "clusterRoleSelectors");
  if (selectors.empty()) return show_rules(role, visit);
  for (const Value& text : selectors.items()) {
    const auto selector = Selector::from_label_selector(text);
    if (!selector) continue;
    for (const ObjectPtr& part : api.list(role.resource(), {}, *selector)) {
      if (part->name() != role.name() && !show_rules(*part, visit)) return false;
    }
  }
  return true;
}

void each_rule(const Api& api, const User& user, std::string_view ns, const std::function<bool(const Value&)>& visit) {
  bool more = true;
  const auto bindings = [&](std::string_view plural, std::string_view in) {
    api.store().each(api.schema().resource(kRbacGroup, plural), in, [&](const ObjectPtr& binding) {
      if (binds(*binding, user)) more = show_bound(api, *binding, visit);
      return more;
    });
  };
  bindings("clusterrolebindings", {});
  if (more && !ns.empty()) bindings("rolebindings", ns);
}

bool authorized(const Api& api, const User& user, const Attributes& attributes) {
  if (std::ranges::find(user.groups, kMasters) != user.groups.end()) return true;
  bool allowed = false;
  each_rule(api, user, attributes.is_resource ? std::string_view(attributes.ns) : std::string_view(),
            [&](const Value& rule) {
              allowed = rule_allows(rule, attributes);
              return !allowed;
            });
  return allowed;
}

Value subject_rules(const Api& api, const User& user, std::string_view ns) {
  Value::Array resources;
  Value::Array paths;
  const auto add = [&](const Value& rule) {
    Value::Array& to = rule.at("nonResourceURLs").empty() ? resources : paths;
    if (std::ranges::find(to, rule) == to.end()) to.push_back(rule);
    return true;
  };
  if (std::ranges::find(user.groups, kMasters) != user.groups.end()) {
    const Value all = Value::array({"*"});
    add(Value::object({{"verbs", all}, {"apiGroups", all}, {"resources", all}}));
    add(Value::object({{"verbs", all}, {"nonResourceURLs", all}}));
  }
  each_rule(api, user, ns, add);
  return Value::object(
      {{"resourceRules", std::move(resources)}, {"nonResourceRules", std::move(paths)}, {"incomplete", false}});
}

}  // namespace fairlead::api
