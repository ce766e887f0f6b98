#include "engine/api/delete_options.h"

namespace fairlead::api {
namespace {

std::optional<Propagation> parse_propagation(std::string_view text) {
  if (text == "Background") return Propagation::kBackground;
  if (text == "Foreground") return Propagation::kForeground;
  if (text == "Orphan") return Propagation::kOrphan;
  return std::nullopt;
}

}  // namespace

FieldError unsupported_value(std::string field, std::string_view value, std::string_view supported) {
  return {FieldError::Reason::kNotSupported, std::move(field),
          fmt::format("Unsupported value: {}: supported values: {}", value, supported)};
}

ApiResult<bool> parse_dry_run(std::string_view kind, const std::vector<std::string_view>& values) {
  bool dry = false;
  for (const auto value : values) {
    if (value == "All")
      dry = true;
    else if (!value.empty()) {
      return std::unexpected(
          Status::invalid_options(kind, unsupported_value("dryRun", fmt::format("[\"{}\"]", value), "\"All\"")));
    }
  }
  return dry;
}

ApiResult<> read_delete_options(const Value& tree, DeleteOptions& options) {
  if (const auto policy = tree.at("propagationPolicy").str(); !policy.empty()) {
    options.propagation = parse_propagation(policy);
    if (!options.propagation) {
      return std::unexpected(Status::invalid_options(
          "DeleteOptions", unsupported_value("propagationPolicy", fmt::format("\"{}\"", policy),
                                             R"("Foreground", "Background", "Orphan", "nil")")));
    }
  }
  if (tree.at("orphanDependents").is_bool()) {
    if (options.propagation && !tree.at("propagationPolicy").str().empty()) {
      return std::unexpected(Status::invalid_options(
          "DeleteOptions",
          {FieldError::Reason::kInvalid, "propagationPolicy",
           fmt::format("Invalid value: \"{}\": orphanDependents and deletionPropagation cannot be both set",
                       tree.at("propagationPolicy").str())}));
    }
    options.propagation = tree.at("orphanDependents").bool_or(false) ? Propagation::kOrphan : Propagation::kBackground;
  }
  if (tree.at("gracePeriodSeconds").is_int()) options.grace_seconds = tree.at("gracePeriodSeconds").int_or(0);
  options.uid = std::string(tree.at("preconditions", "uid").str());
  options.resource_version = std::string(tree.at("preconditions", "resourceVersion").str());
  std::vector<std::string_view> dry;
  for (const auto& item : tree.at("dryRun").items()) dry.push_back(item.str());
  const auto parsed = parse_dry_run("DeleteOptions", dry);
  if (!parsed) return std::unexpected(parsed.error());
  options.dry_run = options.dry_run || *parsed;
  return {};
}

}  // namespace fairlead::api
