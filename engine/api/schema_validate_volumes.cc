// Volumes. Source: pkg/apis/core/validation/validation.go, ValidateVolumes and validateVolumeSource.
#include <set>

#include "base/quantity.h"
#include "engine/api/schema_names.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

constexpr std::int64_t kMostMode = 0777;

bool leads_out(std::string_view path) {
  return path == ".." || path.starts_with("../") || path.ends_with("/..") || path.contains("/../");
}

void check_items(const Value& items, const std::string& path, Findings& findings) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string where = index_path(path, i);
    if (items.at(i, "key").str().empty()) findings.required(where + ".key");
    if (items.at(i, "path").str().empty()) {
      findings.required(where + ".path");
    } else {
      check_local_path(items.at(i, "path"), where + ".path", findings);
    }
    check_mode(items.at(i, "mode"), where + ".mode", findings);
  }
}

void require(const Value& source, std::string_view field, const std::string& path, Findings& findings) {
  if (source.at(field).str().empty()) findings.required(child_path(path, field));
}

void check_token(const Value& token, const std::string& path, const std::string& volume, Findings& findings) {
  constexpr std::int64_t kLeast = 600;
  constexpr std::int64_t kMost = std::int64_t{1} << 32;
  const std::int64_t seconds = token.at("expirationSeconds").int_or(3600);
  if (seconds < kLeast)
    findings.invalid(path + ".expirationSeconds", Value(seconds), "may not specify a duration less than 10 minutes");
  if (seconds > kMost) {
    findings.invalid(path + ".expirationSeconds", Value(seconds),
                     "may not specify a duration larger than 2^32 seconds");
  }
  if (token.at("path").str().empty()) findings.required(volume + ".path");
  check_local_path(token.at("path"), volume + ".path", findings);
}

/// Upstream finds the paths of a token in the volume as a whole.
void check_projected(const Value& sources, const std::string& volume, Findings& findings) {
  std::set<std::string_view> paths;
  const auto claim = [&](const Value& items, const Value& named) {
    for (const Value& item : items.items()) {
      const Value& path = item.at("path");
      if (path.str().empty() || paths.insert(path.str()).second) continue;
      findings.invalid(volume, named.is_null() ? path : named, "conflicting duplicate paths");
    }
  };
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::string where = index_path(volume + ".sources", i);
    std::size_t count = 0;
    for (const Member& member : sources.at(i).members()) {
      if (member.value.is_null()) continue;
      ++count;
      const std::string inner = child_path(where, member.key);
      if (member.key == "secret" || member.key == "configMap") {
        require(member.value, "name", inner, findings);
        check_items(member.value.at("items"), inner + ".items", findings);
        claim(member.value.at("items"), Value(member.value.at("name").str()));
      } else if (member.key == "serviceAccountToken") {
        check_token(member.value, inner, volume, findings);
      } else if (member.key == "downwardAPI") {
        for (const Value& file : member.value.at("items").items()) check_downward_file(file, inner, findings);
        claim(member.value.at("items"), Value());
      }
    }
    if (count > 1) findings.forbidden(where, "may not specify more than 1 volume type per source");
  }
}

void check_host_path(const Value& source, const std::string& path, Findings& findings) {
  const Value& place = source.at("path");
  if (place.str().empty()) return findings.required(path + ".path");
  if (leads_out(place.str())) findings.invalid(path + ".path", place, "must not contain '..'");
  check_one_of(source.at("type"),
               {"", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"},
               path + ".type", findings);
}

void check_driver(const Value& source, const std::string& path, Findings& findings) {
  constexpr std::size_t kMostName = 63;
  const Value& driver = source.at("driver");
  std::string lower(driver.str());
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (lower.empty()) {
    findings.required(path + ".driver");
  } else {
    if (lower.size() > kMostName) findings.too_long(path + ".driver", kMostName);
    if (const std::string why = bad_subdomain(lower); !why.empty()) findings.invalid(path + ".driver", driver, why);
  }
  const Value& secret = source.at("nodePublishSecretRef");
  if (!secret.is_null()) require(secret, "name", path + ".nodePublishSecretRef", findings);
}

void check_ephemeral(const Value& source, const std::string& path, Findings& findings) {
  const std::string where = path + ".volumeClaimTemplate";
  if (source.at("volumeClaimTemplate").is_null()) return findings.required(where);
  check_claim_spec(source.at("volumeClaimTemplate", "spec"), where + ".spec", findings);
}

}  // namespace

void check_volume_source(std::string_view kind, const Value& source, const std::string& path, Findings& findings) {
  if (kind == "secret") require(source, "secretName", path, findings);
  if (kind == "configMap") require(source, "name", path, findings);
  if (kind == "hostPath") check_host_path(source, path, findings);
  if (kind == "persistentVolumeClaim") require(source, "claimName", path, findings);
  if (kind == "projected") check_projected(source.at("sources"), path, findings);
  if (kind == "csi") check_driver(source, path, findings);
  if (kind == "ephemeral") check_ephemeral(source, path, findings);
  if (kind == "emptyDir" && Quantity::of(source.at("sizeLimit")).nano < 0)
    findings.forbidden(path + ".sizeLimit", "SizeLimit field must be a valid resource quantity");
  if (kind == "nfs") {
    require(source, "server", path, findings);
    require(source, "path", path, findings);
    if (!source.at("path").str().starts_with('/'))
      findings.invalid(path + ".path", Value(source.at("path").str()), "must be an absolute path");
  }
  if (kind == "azureFile") {
    require(source, "secretName", path, findings);
    require(source, "shareName", path, findings);
  }
  if (kind == "downwardAPI") {
    for (const Value& file : source.at("items").items()) check_downward_file(file, path, findings);
  }
  if (kind == "secret" || kind == "configMap") check_items(source.at("items"), path + ".items", findings);
  check_mode(source.at("defaultMode"), path + ".defaultMode", findings);
}

void check_mode(const Value& mode, const std::string& path, Findings& findings) {
  if (!mode.is_int() || (mode.int_or(0) >= 0 && mode.int_or(0) <= kMostMode)) return;
  findings.invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive");
}

void check_descending_path(const Value& value, const std::string& path, Findings& findings) {
  if (value.str().starts_with('/')) findings.invalid(path, value, "must be a relative path");
  if (leads_out(value.str())) findings.invalid(path, value, "must not contain '..'");
}

void check_local_path(const Value& value, const std::string& path, Findings& findings) {
  check_descending_path(value, path, findings);
  const std::string_view text = value.str();
  if (text.starts_with("..") && text != ".." && !text.starts_with("../"))
    findings.invalid(path, value, "must not start with '..'");
}

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
      check_volume_source(member.key, member.value, child_path(where, member.key), findings);
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
