// ConfigMaps, Secrets and RBAC. Source: pkg/apis/{core,rbac}/validation.
#include <algorithm>
#include <array>

#include "base/base64.h"
#include "base/json.h"
#include "engine/api/schema_names.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kRbac = "rbac.authorization.k8s.io";
constexpr std::size_t kMaxData = 1024UL * 1024;  ///< Bytes of a Secret or ConfigMap.

void check_frozen(const Value& object, const Value* before, std::initializer_list<std::string_view> fields,
                  Findings& findings) {
  if (before == nullptr || !before->at("immutable").bool_or(false)) return;
  if (!object.at("immutable").bool_or(false))
    findings.forbidden("immutable", "field is immutable when `immutable` is set");
  for (const std::string_view field : fields) {
    if (object.at(field) != before->at(field))
      findings.forbidden(std::string(field), "field is immutable when `immutable` is set");
  }
}

void check_keys(const Value& data, std::string_view field, Findings& findings) {
  for (const Member& member : data.members()) {
    if (const std::string why = bad_config_key(member.key); !why.empty())
      findings.invalid(key_path(field, member.key), member.key, why);
  }
}

void check_size(const Value& first, const Value& second, Findings& findings) {
  std::size_t size = 0;
  for (const Value* data : {&first, &second}) {
    for (const Member& member : data->members()) size += member.value.str().size();
  }
  if (size > kMaxData) findings.too_long("", static_cast<std::int64_t>(kMaxData));
}

void check_policy_rule(const Value& rule, const std::string& where, bool namespaced, Findings& findings) {
  if (rule.at("verbs").empty()) findings.required(where + ".verbs", "verbs must contain at least one value");
  const Value& urls = rule.at("nonResourceURLs");
  if (!urls.empty()) {
    if (namespaced)
      return findings.invalid(where + ".nonResourceURLs", urls, "namespaced rules cannot apply to non-resource URLs");
    if (!rule.at("apiGroups").empty() || !rule.at("resources").empty() || !rule.at("resourceNames").empty()) {
      findings.invalid(where + ".nonResourceURLs", urls,
                       "rules cannot apply to both regular resources and non-resource URLs");
    }
    return;
  }
  if (rule.at("apiGroups").empty())
    findings.required(where + ".apiGroups", "resource rules must supply at least one api group");
  if (rule.at("resources").empty())
    findings.required(where + ".resources", "resource rules must supply at least one resource");
}

void check_subject(const Value& subject, const std::string& where, bool namespaced, Findings& findings) {
  const Value& name = subject.at("name");
  if (name.str().empty()) findings.required(where + ".name");
  const std::string_view kind = subject.at("kind").str();
  if (kind == "ServiceAccount") {
    const std::string why = name.str().empty() ? std::string() : bad_subdomain(name.str());
    if (!why.empty()) findings.invalid(where + ".name", name, why);
    if (!subject.at("apiGroup").str().empty())
      findings.not_supported(where + ".apiGroup", subject.at("apiGroup"), {""});
    if (!namespaced && subject.at("namespace").str().empty()) findings.required(where + ".namespace");
  } else if (kind == "User" || kind == "Group") {
    check_one_of(subject.at("apiGroup"), {kRbac}, where + ".apiGroup", findings);
  } else {
    findings.not_supported(where + ".kind", subject.at("kind"), {"ServiceAccount", "User", "Group"});
  }
}

/// What Go's decoder says of a text that should be a JSON object; empty when it is one.
std::string bad_json_object(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return "unexpected end of JSON input";
  const char first = text[start];
  if (!std::string_view("{[\"-0123456789tfn").contains(first))
    return fmt::format("invalid character '{}' looking for beginning of value", first);
  const Result<Value> read = parse_json(text);
  if (!read) return read.error().message;
  if (read->is_object() || read->is_null()) return {};
  return fmt::format("json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                     read->is_bool() ? "bool" : read->kind_name());
}

void check_secret_type(const Value& object, Findings& findings) {
  constexpr std::string_view kAccount = "kubernetes.io/service-account.name";
  struct Need {
    std::string_view type;
    std::string_view key;
    bool json = false;
  };
  constexpr std::array<Need, 4> kNeeds{{{"kubernetes.io/tls", "tls.crt"},
                                        {"kubernetes.io/tls", "tls.key"},
                                        {"kubernetes.io/dockercfg", ".dockercfg", true},
                                        {"kubernetes.io/dockerconfigjson", ".dockerconfigjson", true}}};
  const std::string_view type = object.at("type").str();
  const Value& data = object.at("data");
  for (const Need& need : kNeeds) {
    if (type != need.type) continue;
    const std::string where = key_path("data", need.key);
    if (!data.has(need.key)) {
      findings.required(where);
    } else if (need.json) {
      const std::string why = bad_json_object(base64_decode(data.at(need.key).str()).value_or(""));
      if (!why.empty()) findings.invalid(where, "<secret contents redacted>", why);
    }
  }
  if (type == "kubernetes.io/basic-auth" && !data.has("username") && !data.has("password")) {
    findings.required("data[username]");
    findings.required("data[password]");
  }
  if (type == "kubernetes.io/ssh-auth" && data.at("ssh-privatekey").str().empty())
    findings.required("data[ssh-privatekey]");
  if (type == "kubernetes.io/service-account-token" && object.at("metadata", "annotations", kAccount).str().empty())
    findings.required(key_path("metadata.annotations", kAccount));
}

}  // namespace

void check_config_map(const Value& object, const Value* before, Findings& findings) {
  check_keys(object.at("data"), "data", findings);
  for (const Member& member : object.at("data").members()) {
    if (object.at("binaryData").has(member.key))
      findings.invalid(key_path("data", member.key), member.key, "duplicate of key present in binaryData");
  }
  check_keys(object.at("binaryData"), "binaryData", findings);
  check_size(object.at("data"), object.at("binaryData"), findings);
  check_frozen(object, before, {"data", "binaryData"}, findings);
}

void check_secret(const Value& object, const Value* before, Findings& findings) {
  check_keys(object.at("data"), "data", findings);
  check_size(object.at("data"), Value(), findings);
  check_secret_type(object, findings);
  if (before != nullptr) check_immutable(object.at("type"), before->at("type"), "type", findings);
  check_frozen(object, before, {"data"}, findings);
}

void check_role(const Value& object, const Value*, Findings& findings) {
  const bool namespaced = object.at("kind").str() == "Role";
  for (std::size_t i = 0; i < object.at("rules").size(); ++i) {
    check_policy_rule(object.at("rules", i), index_path("rules", i), namespaced, findings);
  }
}

void check_binding(const Value& object, const Value* before, Findings& findings) {
  const bool namespaced = object.at("kind").str() == "RoleBinding";
  const Value& role = object.at("roleRef");
  check_one_of(role.at("apiGroup"), {kRbac}, "roleRef.apiGroup", findings);
  if (namespaced) {
    check_one_of(role.at("kind"), {"Role", "ClusterRole"}, "roleRef.kind", findings);
  } else {
    check_one_of(role.at("kind"), {"ClusterRole"}, "roleRef.kind", findings);
  }
  if (role.at("name").str().empty()) {
    findings.required("roleRef.name");
  } else if (const std::string why = bad_path_segment(role.at("name").str()); !why.empty()) {
    findings.invalid("roleRef.name", role.at("name"), why);
  }
  for (std::size_t i = 0; i < object.at("subjects").size(); ++i) {
    check_subject(object.at("subjects", i), index_path("subjects", i), namespaced, findings);
  }
  if (before != nullptr && role != before->at("roleRef")) findings.invalid("roleRef", role, "cannot change roleRef");
}

}  // namespace fairlead::api
