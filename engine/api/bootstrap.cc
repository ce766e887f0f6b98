#include "engine/api/bootstrap.h"

#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::api {
namespace {

constexpr std::string_view kRbac = "rbac.authorization.k8s.io";
constexpr std::array<std::string_view, 4> kNamespaces = {"default", "kube-node-lease", "kube-public", "kube-system"};

struct Role {
  std::string_view name;
  Value rules;
  std::vector<std::string_view> groups;  ///< Whom it is bound to.
};

Value strings(const std::vector<std::string_view>& items) {
  Value::Array out;
  for (const auto item : items) out.emplace_back(item);
  return out;
}

Value path_rule(std::string_view verb, const std::vector<std::string_view>& paths) {
  return Value::object({{"verbs", strings({verb})}, {"nonResourceURLs", strings(paths)}});
}

Value rule(std::string_view verb, std::string_view group, const std::vector<std::string_view>& resources) {
  return Value::object(
      {{"verbs", strings({verb})}, {"apiGroups", strings({group})}, {"resources", strings(resources)}});
}

std::vector<Role> roles() {
  const std::vector<std::string_view> discovery = {"/api",     "/api/*",   "/apis",    "/apis/*",
                                                   "/healthz", "/livez",   "/openapi", "/openapi/*",
                                                   "/readyz",  "/version", "/version/"};
  return {
      {"cluster-admin", Value::array({rule("*", "*", {"*"}), path_rule("*", {"*"})}), {"system:masters"}},
      {"system:discovery", Value::array({path_rule("get", discovery)}), {"system:authenticated"}},
      {"system:basic-user",
       Value::array({rule("create", "authorization.k8s.io", {"selfsubjectaccessreviews", "selfsubjectrulesreviews"}),
                     rule("create", "authentication.k8s.io", {"selfsubjectreviews"})}),
       {"system:authenticated"}},
      {"system:public-info-viewer",
       Value::array({path_rule("get", {"/healthz", "/livez", "/readyz", "/version", "/version/"})}),
       {"system:authenticated", "system:unauthenticated"}},
  };
}

Value binding_of(const Role& role) {
  Value subjects = Value::array();
  for (const auto group : role.groups) {
    subjects.push_back(Value::object({{"apiGroup", kRbac}, {"kind", "Group"}, {"name", group}}));
  }
  return Value::object({{"roleRef", Value::object({{"apiGroup", kRbac}, {"kind", "ClusterRole"}, {"name", role.name}})},
                        {"subjects", std::move(subjects)}});
}

ApiResult<> ensure(Api& api, const Resource& resource, std::string_view name, Value object) {
  if (api.get(resource, {}, name)) return {};
  object.make("metadata").set("name", name);
  if (auto made = api.create(resource, {}, std::move(object)); !made) return std::unexpected(made.error());
  return {};
}

}  // namespace

ApiResult<> bootstrap(Api& api) {
  const auto& schema = api.schema();
  for (const auto name : kNamespaces) {
    if (auto made = ensure(api, schema.resource("", "namespaces"), name, Value::object()); !made) return made;
  }
  for (const auto& role : roles()) {
    auto made = ensure(api, schema.resource(kRbac, "clusterroles"), role.name, Value::object({{"rules", role.rules}}));
    if (!made) return made;
    made = ensure(api, schema.resource(kRbac, "clusterrolebindings"), role.name, binding_of(role));
    if (!made) return made;
  }
  return {};
}

}  // namespace fairlead::api
