// The hash of a Rollout's steps, by which changed steps are told from steps that are only written in other words.
// Source: argo-rollouts/utils/conditions/conditions.go (ComputeStepHash), pkg/apis/rollouts/v1alpha1/types.go.
#include <algorithm>
#include <span>

#include "base/hash.h"
#include "base/json.h"
#include "base/json_shape.h"
#include "engine/control/rollout_template.h"

namespace fairlead::control {
namespace {

/// When upstream's struct writes a member.
enum class Writes : std::uint8_t {
  kWhenSet,      ///< A pointer: also a zero.
  kWhenNotZero,  ///< omitempty.
  kAlways,       ///< Text that is missing is "".
};

/// A member of a Go struct. `members` are those of its own struct, or of the elements of its list.
struct GoField {
  std::string_view name;
  Writes writes = Writes::kWhenSet;
  std::span<const GoField> members{};
};

constexpr GoField kPause[] = {{"duration"}};
constexpr GoField kScale[] = {{"weight"}, {"replicas"}, {"matchTrafficWeight", Writes::kWhenNotZero}};
constexpr GoField kTemplate[] = {{"templateName", Writes::kAlways}, {"clusterScope"}};
constexpr GoField kFieldRef[] = {{"fieldPath", Writes::kAlways}};
constexpr GoField kValueFrom[] = {{"podTemplateHashValue"}, {"fieldRef", Writes::kWhenSet, kFieldRef}};
constexpr GoField kArgument[] = {
    {"name", Writes::kAlways}, {"value", Writes::kWhenNotZero}, {"valueFrom", Writes::kWhenSet, kValueFrom}};
constexpr GoField kDryRun[] = {{"metricName", Writes::kAlways}};
constexpr GoField kRetention[] = {{"metricName", Writes::kAlways}, {"limit", Writes::kAlways}};
constexpr GoField kMetadata[] = {{"labels", Writes::kWhenNotZero}, {"annotations", Writes::kWhenNotZero}};
constexpr GoField kAnalysis[] = {{"templates", Writes::kWhenNotZero, kTemplate},
                                 {"args", Writes::kWhenNotZero, kArgument},
                                 {"dryRun", Writes::kWhenNotZero, kDryRun},
                                 {"measurementRetention", Writes::kWhenNotZero, kRetention},
                                 {"analysisRunMetadata", Writes::kWhenSet, kMetadata}};
constexpr GoField kStep[] = {{"setWeight"},
                             {"pause", Writes::kWhenSet, kPause},
                             {"analysis", Writes::kWhenSet, kAnalysis},
                             {"setCanaryScale", Writes::kWhenSet, kScale}};

bool is_zero(const Value& value) {
  if (value.is_bool()) return !value.bool_or(true);
  if (value.is_string()) return value.str().empty();
  return !value.is_number() && value.empty();
}

/// A value as encoding/json writes it: structs in the order of their fields, maps in the order of their keys.
Value written(const Value& value, std::span<const GoField> members) {
  if (value.is_array()) {
    Value out = Value::array();
    for (const Value& item : value.items()) out.push_back(written(item, members));
    return out;
  }
  if (!value.is_object()) return value;
  Value out = Value::object();
  if (members.empty()) {
    Value map = value;
    std::ranges::sort(map.mutable_members(), {}, &Member::key);
    return map;
  }
  for (const GoField& field : members) {
    const Value& member = value.at(field.name);
    const bool absent = field.writes == Writes::kWhenNotZero ? is_zero(member) : member.is_null();
    if (!absent) {
      out.set(field.name, written(member, field.members));
    } else if (field.writes == Writes::kAlways) {
      out.set(field.name, "");
    }
  }
  return out;
}

/// encoding/json hides what HTML would read as its own.
std::string without_html(std::string_view json) {
  std::string out;
  for (const char c : json) {
    if (c == '<' || c == '>' || c == '&') {
      out += fmt::format("\\u00{:02x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out;
}

std::string short_hash(const std::string& text) { return safe_encode(std::to_string(fnv1a32(text))); }

}  // namespace

std::string step_hash(const Value& steps) {
  const std::string json = steps.empty() ? "null" : without_html(to_json(written(steps, kStep)));
  return short_hash(json);
}

bool is_hash_of_steps(std::string_view stored, const Value& steps) {
  return stored == step_hash(steps) || stored == short_hash(to_json(steps)) ||
         stored == short_hash(canonical_json(steps));
}

}  // namespace fairlead::control
