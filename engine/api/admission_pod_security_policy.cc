// The labels of namespaces. Source: k8s.io/pod-security-admission/api/helpers.go.
#include <array>
#include <charconv>
#include <utility>

#include "engine/api/admission_pod_security.h"
#include "engine/api/schema_type.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kPrefix = "pod-security.kubernetes.io/";
constexpr std::array<std::string_view, 3> kLevels = {"privileged", "baseline", "restricted"};

/// Reads "latest" and "v1.30"; false for anything else.
bool read_version(std::string_view text, int& minor) {
  minor = -1;
  if (text == "latest") return true;
  if (!text.starts_with("v1.")) return false;
  text.remove_prefix(3);
  if (text.empty() || text.front() < '0' || text.front() > '9' || (text.size() > 1 && text.front() == '0'))
    return false;
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  minor = number;
  return true;
}

class Reader {
 public:
  explicit Reader(const Value& labels) : labels_(labels) {}

  /// True when the label is there and well-formed. Otherwise `wrong` takes the place of what is malformed.
  bool level(std::string_view mode, PodSecurityLevel wrong, PodSecurityLevel& out) {
    const Value* const label = labels_.find(fmt::format("{}{}", kPrefix, mode));
    if (label == nullptr) return false;
    for (std::size_t i = 0; i < kLevels.size(); ++i) {
      if (label->str() != kLevels[i]) continue;
      out = static_cast<PodSecurityLevel>(i);
      return true;
    }
    out = wrong;
    refuse(mode, *label, "must be one of privileged, baseline, restricted");
    return false;
  }
  bool version(std::string_view mode, int& minor) {
    const std::string key = fmt::format("{}-version", mode);
    const Value* const label = labels_.find(fmt::format("{}{}", kPrefix, key));
    if (label == nullptr) return false;
    if (!read_version(label->str(), minor)) refuse(key, *label, "must be \"latest\" or \"v1.x\"");
    return true;
  }
  [[nodiscard]] bool has(std::string_view mode) const { return labels_.has(fmt::format("{}{}", kPrefix, mode)); }
  std::vector<FieldError> errors() { return findings_.take(); }

 private:
  void refuse(std::string_view key, const Value& value, std::string_view why) {
    findings_.invalid(key_path("metadata.labels", fmt::format("{}{}", kPrefix, key)), value, why);
  }

  const Value& labels_;
  Findings findings_;
};

}  // namespace

std::string PodSecurityPolicy::to_string() const {
  const std::string_view name = kLevels[static_cast<std::size_t>(level)];
  return minor < 0 ? fmt::format("{}:latest", name) : fmt::format("{}:v1.{}", name, minor);
}

NamespacePolicy namespace_policy(const Value& labels) {
  NamespacePolicy out;
  Reader reader(labels);
  const bool enforced = reader.level("enforce", PodSecurityLevel::kRestricted, out.enforce.level);
  reader.version("enforce", out.enforce.minor);
  PodSecurityPolicy audit;  // There is no audit log here; what is misspelt is said.
  reader.level("audit", PodSecurityLevel::kPrivileged, audit.level);
  reader.version("audit", audit.minor);
  reader.level("warn", PodSecurityLevel::kPrivileged, out.warn.level);
  const bool warn_version = reader.version("warn", out.warn.minor);
  if (!reader.has("warn") && enforced && out.enforce.level > out.warn.level) {
    out.warn.level = out.enforce.level;
    if (!warn_version) out.warn.minor = out.enforce.minor;
  }
  out.errors = reader.errors();
  return out;
}

}  // namespace fairlead::api
