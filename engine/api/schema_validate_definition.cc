// CustomResourceDefinitions. Source: apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go.
#include <algorithm>
#include <set>

#include "engine/api/conditions.h"
#include "engine/api/schema_names.h"
#include "engine/api/schema_structural.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

constexpr std::size_t kMaxSelectableFields = 8;
constexpr std::string_view kApproval = "api-approved.kubernetes.io";

/// Upstream keeps what all versions have in common at the top, and names it so.
std::string version_path(const Value& spec, std::size_t version) {
  return spec.at("versions").size() == 1 ? "spec" : index_path("spec.versions", version);
}

void check_name(const Value& name, const std::string& path, Findings& findings) {
  const std::string why = name.str().empty() ? std::string() : bad_1035_label(name.str());
  if (!why.empty()) findings.invalid(path, name, why);
}

void check_kind_name(const Value& kind, const std::string& path, Findings& findings) {
  const std::string why = kind.str().empty() ? std::string() : bad_kind(kind.str());
  if (!why.empty()) findings.invalid(path, kind, why);
}

void check_names(const Value& names, const std::string& path, Findings& findings) {
  check_name(names.at("plural"), path + ".plural", findings);
  check_name(names.at("singular"), path + ".singular", findings);
  check_kind_name(names.at("kind"), path + ".kind", findings);
  check_kind_name(names.at("listKind"), path + ".listKind", findings);
  for (const std::string_view list : {"shortNames", "categories"}) {
    for (std::size_t i = 0; i < names.at(list).size(); ++i) {
      const std::string why = bad_1035_label(names.at(list, i).str());
      if (!why.empty()) findings.invalid(index_path(child_path(path, list), i), names.at(list, i), why);
    }
  }
  if (!names.at("kind").str().empty() && names.at("kind") == names.at("listKind"))
    findings.invalid(path + ".listKind", names.at("listKind"), "kind and listKind may not be the same");
}

void check_group(const Value& group, Findings& findings) {
  if (group.str().empty()) return findings.required("spec.group");
  if (const std::string why = bad_subdomain(group.str()); !why.empty())
    return findings.invalid("spec.group", group, why);
  if (!group.str().contains('.')) findings.invalid("spec.group", group, "should be a domain with at least one dot");
}

/// `roots`: ".spec." or ".status.", whichever the path may begin with.
void check_scale_path(const Value& path, const std::string& where, const std::vector<std::string_view>& roots,
                      std::string_view below, Findings& findings) {
  if (!path.str().starts_with('.')) return findings.invalid(where, path, "must be a simple json path starting with .");
  const auto begins = [&](std::string_view root) { return path.str().starts_with(root); };
  if (std::ranges::none_of(roots, begins))
    findings.invalid(where, path, fmt::format("should be a json path under {}", below));
}

void check_scale(const Value& scale, const std::string& path, Findings& findings) {
  for (const auto& [field, root] : {std::pair<std::string_view, std::string_view>{"specReplicasPath", ".spec."},
                                    std::pair<std::string_view, std::string_view>{"statusReplicasPath", ".status."}}) {
    const std::string where = child_path(path, field);
    if (scale.at(field).str().empty()) {
      findings.required(where);
    } else {
      check_scale_path(scale.at(field), where, {root}, root.substr(0, root.size() - 1), findings);
    }
  }
  if (scale.at("labelSelectorPath").str().empty()) return;
  check_scale_path(scale.at("labelSelectorPath"), path + ".labelSelectorPath", {".spec.", ".status."},
                   "either .spec or .status", findings);
}

void check_column(const Value& column, const std::string& path, Findings& findings) {
  const std::set<std::string_view> types{"boolean", "date", "integer", "number", "string"};
  const std::set<std::string_view> formats{"byte",  "date",  "date-time", "double",
                                           "float", "int32", "int64",     "password"};
  const std::string_view type = column.at("type").str();
  const std::string one_of_types = fmt::format("must be one of {}", fmt::join(types, ","));
  if (column.at("name").str().empty()) findings.required(path + ".name");
  if (type.empty()) {
    findings.required(path + ".type", one_of_types);
  } else if (!types.contains(type)) {
    findings.invalid(path + ".type", column.at("type"), one_of_types);
  }
  const Value& format = column.at("format");
  if (!format.str().empty() && !formats.contains(format.str()))
    findings.invalid(path + ".format", format, fmt::format("must be one of {}", fmt::join(formats, ",")));
  const Value& json_path = column.at("jsonPath");
  if (json_path.str().empty()) {
    findings.required(path + ".JSONPath");
  } else if (!json_path.str().starts_with('.')) {
    findings.invalid(path + ".JSONPath", json_path, "must be a simple json path starting with .");
  }
}

/// The schema of the property at the end of ".spec.color"; null where there is none.
const Value* property_at(const Value& schema, std::string_view path) {
  const Value* node = &schema;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view name = path.substr(0, path.find('.'));
    path.remove_prefix(name.size());
    node = node->at("properties").find(name);
    if (node == nullptr) return nullptr;
  }
  return node;
}

void check_selectable(const Value& fields, const Value& schema, const std::string& path, Findings& findings) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const Value& json_path = fields.at(i, "jsonPath");
    const std::string where = index_path(path, i) + ".jsonPath";
    if (json_path.str().empty()) {
      findings.required(where);
      continue;
    }
    const Value* property = json_path.str().starts_with('.') ? property_at(schema, json_path.str()) : nullptr;
    const bool metadata = json_path.str() == ".metadata" || json_path.str().starts_with(".metadata.");
    if (property == nullptr) {
      findings.invalid(where, json_path, "is an invalid path: does not refer to a valid field");
      continue;
    }
    if (metadata) findings.invalid(where, json_path, "must not point to fields in metadata");
    const std::string_view type = property->at("type").str();
    if (type != "string" && type != "boolean" && type != "integer") {
      findings.invalid(where, json_path,
                       "must point to a field of type string, boolean or integer. Enum string fields and strings with "
                       "formats are allowed.");
    }
    if (!seen.insert(json_path.str()).second) findings.duplicate(where, json_path);
  }
  if (seen.size() > kMaxSelectableFields) findings.too_many(path, seen.size(), kMaxSelectableFields);
}

void check_version(const Value& spec, std::size_t i, Findings& findings) {
  const Value& version = spec.at("versions", i);
  const std::string path = version_path(spec, i);
  if (const std::string why = bad_1035_label(version.at("name").str()); !why.empty()) {
    findings.invalid(index_path("spec.versions", i) + ".name", version.at("name"), why);
    if (i == 0) findings.invalid("spec.version", version.at("name"), why);  // Which is the first one's, upstream.
  }
  if (version.at("schema", "openAPIV3Schema").is_null()) findings.required(structural_path(i));
  if (const Value* scale = version.at("subresources").find("scale"))
    check_scale(*scale, path + ".subresources.scale", findings);
  const Value& columns = version.at("additionalPrinterColumns");
  for (std::size_t c = 0; c < columns.size(); ++c)
    check_column(columns.at(c), index_path(path + ".additionalPrinterColumns", c), findings);
  check_selectable(version.at("selectableFields"), version.at("schema", "openAPIV3Schema"), path + ".selectableFields",
                   findings);
}

/// What is already stored may stay as it is.
void check_schemas(const Value& spec, Findings& findings) {
  for (std::size_t i = 0; i < spec.at("versions").size(); ++i) {
    const Value& schema = spec.at("versions", i, "schema", "openAPIV3Schema");
    Schema::Table scratch;
    if (schema.is_object()) static_cast<void>(structural_type(schema, structural_path(i), scratch, findings));
  }
}

void check_versions(const Value& spec, Findings& findings) {
  const Value& versions = spec.at("versions");
  std::size_t stored = 0;
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    stored += versions.at(i, "storage").bool_or(false) ? 1U : 0U;
    names.insert(versions.at(i, "name").str());
    check_version(spec, i, findings);
  }
  if (names.size() != versions.size()) findings.invalid("spec.versions", versions, "must contain unique version names");
  if (stored != 1)
    findings.invalid("spec.versions", versions, "must have exactly one version marked as storage version");
}

void check_stored_versions(const Value& object, Findings& findings) {
  const Value& stored = object.at("status", "storedVersions");
  const std::string path = "status.storedVersions";
  if (stored.empty()) return findings.invalid(path, stored, "must have at least one stored version");
  std::set<std::string_view> names;
  for (const Value& version : object.at("spec", "versions").items()) {
    const Value& name = version.at("name");
    names.insert(name.str());
    if (version.at("storage").bool_or(false) && std::ranges::find(stored.items(), name) == stored.items().end())
      findings.invalid(path, stored, fmt::format("must have the storage version {}", name.str()));
  }
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (names.contains(stored.at(i).str())) continue;
    findings.invalid(index_path(path, i), stored.at(i),
                     fmt::format("missing from spec.versions; {0} was previously a storage version, and must remain in "
                                 "spec.versions until a storage migration ensures no data remains persisted in {0} and "
                                 "removes {0} from status.storedVersions",
                                 stored.at(i).str()));
  }
}

enum class Approval : std::uint8_t { kMissing, kBypassed, kApproved, kInvalid };

Approval approval_of(const Value& object) {
  const std::string_view text = object.at("metadata", "annotations", kApproval).str();
  if (text.empty()) return Approval::kMissing;
  if (text.starts_with("unapproved")) return Approval::kBypassed;
  const std::size_t scheme = text.find("://");
  const bool url =
      scheme != std::string_view::npos && scheme > 0 && text.size() > scheme + 3 && text[scheme + 3] != '/';
  return url ? Approval::kApproved : Approval::kInvalid;
}

/// Groups of the Kubernetes community are not for everybody to add to. Source: validateAPIApproval.
void check_approval(const Value& object, const Value* before, Findings& findings) {
  const std::string_view group = object.at("spec", "group").str();
  const auto within = [&](std::string_view domain) {
    return group == domain || group.ends_with(fmt::format(".{}", domain));
  };
  if (!within("k8s.io") && !within("kubernetes.io")) return;
  const Approval now = approval_of(object);
  if (before != nullptr && approval_of(*before) == now) return;
  const std::string where = key_path("metadata.annotations", kApproval);
  const std::string must = fmt::format("protected groups must have approval annotation \"{}\"", kApproval);
  constexpr std::string_view kSee = "see https://github.com/kubernetes/enhancements/pull/1111";
  if (now == Approval::kMissing) findings.required(where, fmt::format("{}, {}", must, kSee));
  if (now == Approval::kInvalid) {
    findings.invalid(where, object.at("metadata", "annotations", kApproval),
                     fmt::format("{} with either a URL or a reason starting with \"unapproved\", {}", must, kSee));
  }
}

/// What objects are kept by, and found by after a restart.
void check_unchanged(const Value& spec, const Value& before, Findings& findings) {
  const Value& old = before.at("spec");
  if (condition_holds(before.at("status"), "Established")) {
    check_immutable(spec.at("scope"), old.at("scope"), "spec.scope", findings);
    check_immutable(spec.at("names", "kind"), old.at("names", "kind"), "spec.names.kind", findings);
  }
  check_immutable(spec.at("group"), old.at("group"), "spec.group", findings);
  check_immutable(spec.at("names", "plural"), old.at("names", "plural"), "spec.names.plural", findings);
}

}  // namespace

void check_definition(const Value& object, const Value* before, Findings& findings) {
  const Value& spec = object.at("spec");
  const std::string name = fmt::format("{}.{}", spec.at("names", "plural").str(), spec.at("group").str());
  if (before == nullptr && object.at("metadata", "name").str() != name) {
    findings.invalid("metadata.name", object.at("metadata", "name"), "must be spec.names.plural+\".\"+spec.group");
  }
  check_group(spec.at("group"), findings);
  if (spec.at("scope").str().empty()) {
    findings.required("spec.scope");
  } else {
    check_one_of(spec.at("scope"), {"Cluster", "Namespaced"}, "spec.scope", findings);
  }
  check_versions(spec, findings);
  if (before == nullptr || before->at("spec", "versions") != spec.at("versions")) check_schemas(spec, findings);
  for (const std::string_view field : {"plural", "singular", "kind", "listKind"}) {
    if (spec.at("names", field).str().empty()) findings.required(child_path("spec.names", field));
  }
  check_names(spec.at("names"), "spec.names", findings);
  if (before != nullptr) check_unchanged(spec, *before, findings);
  check_names(object.at("status", "acceptedNames"), "status.acceptedNames", findings);
  check_stored_versions(object, findings);
  check_approval(object, before, findings);
  if (spec.at("preserveUnknownFields").bool_or(false) &&
      (before == nullptr || !before->at("spec", "preserveUnknownFields").bool_or(false))) {
    findings.invalid("spec.preserveUnknownFields", true,
                     "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema "
                     "instead");
  }
}

}  // namespace fairlead::api
