#include "engine/control/application_options.h"

#include <algorithm>
#include <array>
#include <string>

namespace fairlead::control {
namespace {

std::optional<std::string_view> behind(std::string_view entry, std::string_view name) {
  if (!entry.starts_with(name) || !entry.substr(name.size()).starts_with('=')) return std::nullopt;
  return entry.substr(name.size() + 1);
}

std::optional<std::string_view> said_of(const Value& object, const Value& options, std::string_view name) {
  const auto own = annotation_value(object, kSyncOptions, name);
  return own ? own : option_value(options, name);
}

const Value& options_of(const Value& application) { return application.at("spec", "syncPolicy", "syncOptions"); }

}  // namespace

bool has_option(const Value& options, std::string_view option) {
  return std::ranges::any_of(options.items(), [&](const Value& o) { return o.str() == option; });
}

std::optional<std::string_view> option_value(const Value& options, std::string_view name) {
  for (const Value& option : options.items())
    if (const auto value = behind(option.str(), name)) return value;
  return std::nullopt;
}

std::vector<std::string_view> annotation_entries(const Value& object, std::string_view annotation) {
  std::string_view text = object.at("metadata", "annotations", annotation).str();
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    std::string_view entry = text.substr(0, comma);
    entry.remove_prefix(std::min(entry.find_first_not_of(" \t\n"), entry.size()));
    entry = entry.substr(0, entry.find_last_not_of(" \t\n") + 1);
    if (!entry.empty()) out.push_back(entry);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

bool annotation_has(const Value& object, std::string_view annotation, std::string_view option) {
  const auto entries = annotation_entries(object, annotation);
  return std::ranges::find(entries, option) != entries.end();
}

std::optional<std::string_view> annotation_value(const Value& object, std::string_view annotation,
                                                 std::string_view name) {
  for (const std::string_view entry : annotation_entries(object, annotation))
    if (const auto value = behind(entry, name)) return value;
  return std::nullopt;
}

Removal pruning_of(const Value& live, const Value& options) {
  const auto said = said_of(live, options, "Prune");
  return said == "false" ? Removal::kNo : said == "confirm" ? Removal::kConfirm : Removal::kYes;
}

bool asks_for_confirmation(const Value& object, const Value& application) {
  const Value& options = options_of(application);
  return said_of(object, options, "Delete") == "confirm" || said_of(object, options, "Prune") == "confirm";
}

Removal deletion_of(const Value& live, const Value& application) {
  const bool kept = annotation_has(live, "helm.sh/resource-policy", "keep");
  if (kept || said_of(live, options_of(application), "Delete") == "false") return Removal::kNo;
  return asks_for_confirmation(live, application) ? Removal::kConfirm : Removal::kYes;
}

bool removal_approved(const api::Object& application, Time since) {
  const auto at = parse_time(application.annotation("argocd.argoproj.io/deletion-approved"));
  return at && *at >= since;
}

bool option_followed(std::string_view option) {
  constexpr std::array<std::string_view, 9> kFollowed = {"CreateNamespace",
                                                         "RespectIgnoreDifferences",
                                                         "Prune",
                                                         "Delete",
                                                         "PrunePropagationPolicy",
                                                         "PruneLast",
                                                         "FailOnSharedResource",
                                                         "ApplyOutOfSyncOnly",
                                                         "SkipDryRunOnMissingResource"};
  const std::string_view name = option.substr(0, option.find('='));
  if (name == "Replace" || name == "ServerSideApply" || name == "Force") return option.ends_with("=false");
  // Nothing that was applied here ever had a manager of fields to be taken over from.
  if (name == "ClientSideApplyMigration" || option == "Validate=true") return true;
  return std::ranges::find(kFollowed, name) != kFollowed.end();
}

}  // namespace fairlead::control
