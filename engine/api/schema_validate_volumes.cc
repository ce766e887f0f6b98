// Volumes. Source: pkg/apis/core/validation/validation.go, ValidateVolumes and validateVolumeSource.
#include <set>

#include "engine/api/schema_names.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

constexpr std::int64_t kMostMode = 0777;

void check_mode(const Value& mode, const std::string& path, Findings& findings) {
  if (!mode.is_int() || (mode.int_or(0) >= 0 && mode.int_or(0) <= kMostMode)) return;
  findings.invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive");
}

void check_relative_path(const Value& path_value, const std::string& path, Findings& findings) {
  const std::string_view text = path_value.str();
  if (text.starts_with('/')) findings.invalid(path, path_value, "must be a relative path");
  if (text == ".." || text.starts_with("../") || text.ends_with("/..") || text.contains("/../")) {
    findings.invalid(path, path_value, "must not contain '..'");
  }
}

void check_items(const Value& items, const std::string& path, Findings& findings) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string where = index_path(path, i);
    if (items.at(i, "key").str().empty()) findings.required(where + ".key");
    if (items.at(i, "path").str().empty()) {
      findings.required(where + ".path");
    } else {
      check_relative_path(items.at(i, "path"), where + ".path", findings);
    }
    check_mode(items.at(i, "mode"), where + ".mode", findings);
  }
}

void require(const Value& source, std::string_view field, const std::string& path, Findings& findings) {
  if (source.at(field).str().empty()) findings.required(child_path(path, field));
}

void check_projected(const Value& sources, const std::string& path, Findings& findings) {
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::string where = index_path(path, i);
    if (sources.at(i).size() > 1) findings.forbidden(where, "may not specify more than 1 volume type");
    for (const Member& member : sources.at(i).members()) {
      const std::string inner = child_path(where, member.key);
      if (member.key == "secret" || member.key == "configMap") {
        require(member.value, "name", inner, findings);
        check_items(member.value.at("items"), inner + ".items", findings);
      } else if (member.key == "serviceAccountToken") {
        require(member.value, "path", inner, findings);
        const std::int64_t seconds = member.value.at("expirationSeconds").int_or(3600);
        if (seconds < 600)
          findings.invalid(inner + ".expirationSeconds", Value(seconds),
                           "may not specify a duration less than 10 minutes");
      }
    }
  }
}

void check_source(std::string_view kind, const Value& source, const std::string& path, Findings& findings) {
  if (kind == "secret") require(source, "secretName", path, findings);
  if (kind == "configMap") require(source, "name", path, findings);
  if (kind == "hostPath") require(source, "path", path, findings);
  if (kind == "persistentVolumeClaim") require(source, "claimName", path, findings);
  if (kind == "projected") check_projected(source.at("sources"), path + ".sources", findings);
  if (kind == "secret" || kind == "configMap") check_items(source.at("items"), path + ".items", findings);
  check_mode(source.at("defaultMode"), path + ".defaultMode", findings);
}

}  // namespace

void check_volumes(const Value& volumes, const std::string& path, Findings& findings) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    const Value& volume = volumes.at(i);
    const std::string where = index_path(path, i);
    bool first = true;
    for (const Member& member : volume.members()) {
      if (member.key == "name") continue;
      if (!first) {
        findings.forbidden(child_path(where, member.key), "may not specify more than 1 volume type");
        continue;
      }
      first = false;
      check_source(member.key, member.value, child_path(where, member.key), findings);
    }
    const Value& name = volume.at("name");
    if (name.str().empty()) {
      findings.required(where + ".name");
    } else if (const std::string why = bad_label(name.str()); !why.empty()) {
      findings.invalid(where + ".name", name, why);
    } else if (!names.insert(name.str()).second) {
      findings.duplicate(where + ".name", name);
    }
  }
}

}  // namespace fairlead::api
