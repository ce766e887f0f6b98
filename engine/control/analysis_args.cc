#include "engine/control/analysis_args.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/base64.h"
#include "base/json.h"
#include "base/trim.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kSecretStandIn = "temp-for-secret";

/// fieldpath.FormatMap: a line key="value" for each, by key.
std::string map_text(const Value& map) {
  std::map<std::string_view, std::string_view> sorted;
  for (const Member& member : map.members()) sorted.emplace(member.key, member.value.str());
  std::string out;
  for (const auto& [key, value] : sorted)
    out += fmt::format("{}{}={}", out.empty() ? "" : "\n", key, to_json(Value(value)));
  return out;
}

/// fmt.Sprintf("%v") of what Go reads from JSON, where every number is a float64: 1000000 is "1e+06".
std::string go_text(const Value& scalar) {
  if (!scalar.is_int() || std::abs(scalar.int_or(0)) < 1'000'000) return scalar_text(scalar);
  char buffer[64];
  const auto [end, ec] =
      std::to_chars(buffer, buffer + sizeof buffer, scalar.number_or(0), std::chars_format::scientific);
  return {buffer, end};
}

/// spec.template.spec.containers[0].image and the like; must end in a scalar.
Result<std::string> field_text(const Value& rollout, std::string_view path) {
  const Value* at = &rollout;
  std::size_t start = 0;
  while (start < path.size()) {
    const std::size_t end = std::min(path.find_first_of(".[]", start), path.size());
    const std::string_view section = path.substr(start, end - start);
    start = end + 1;
    if (section.empty()) continue;
    if (at->is_array()) {
      std::size_t index = 0;
      const auto [rest, ec] = std::from_chars(section.data(), section.data() + section.size(), index);
      if (ec != std::errc() || rest != section.data() + section.size()) return fail("invalid index '{}'", section);
      if (index >= at->size()) return fail("index {} out of range", index);
      at = &at->items()[index];
    } else if (at->is_object()) {
      at = &at->at(section);
    } else {
      return fail("invalid path {} in rollout", path);
    }
  }
  if (at->is_null()) return fail("invalid path {} in rollout", path);
  if (at->is_array() || at->is_object()) return fail("path {} in rollout must terminate in a primitive value", path);
  return go_text(*at);
}

Result<std::string> secret_text(const Value& ref, const api::Api& api, std::string_view ns) {
  const std::string_view name = ref.at("name").str();
  const std::string_view key = ref.at("key").str();
  const auto secret = api.get(api.schema().resource("", "secrets"), ns, name);
  if (!secret) return fail("secrets \"{}\" not found", name);
  const Value* data = secret->at("data").find(key);
  if (data == nullptr) return fail("key '{}' does not exist in secret '{}'", key, name);
  auto text = base64_decode(data->str());
  if (!text) return fail("key '{}' of secret '{}' is not base64", key, name);
  return std::move(*text);
}

}  // namespace

Result<std::string> substitute(std::string_view text, const Arguments& arguments) {
  std::string out;
  while (true) {
    const auto open = text.find("{{");
    if (open == std::string_view::npos) return out + std::string(text);
    const auto close = text.find("}}", open);
    if (close == std::string_view::npos) return fail("\"{{{{\" without \"}}}}\" in: {}", text);
    out += text.substr(0, open);
    const std::string_view tag = text.substr(open + 2, close - open - 2);
    const std::string_view name = trimmed(tag, kBlanksAndLineEnds);
    const auto found = name.starts_with("args.") ? arguments.find(std::string(name.substr(5))) : arguments.end();
    if (found == arguments.end()) return fail("failed to resolve {{{{{}}}}}", tag);
    out += found->second;
    text.remove_prefix(close + 2);
  }
}

Result<Value> substitute_all(const Value& tree, const Arguments& arguments) {
  if (tree.is_string()) {
    auto text = substitute(tree.str(), arguments);
    if (!text) return std::unexpected(text.error());
    return Value(std::move(*text));
  }
  Value out = tree;
  if (out.is_array()) {
    for (Value& item : out.mutable_items()) {
      auto resolved = substitute_all(item, arguments);
      if (!resolved) return resolved;
      item = std::move(*resolved);
    }
  } else if (out.is_object()) {
    for (Member& member : out.mutable_members()) {
      auto resolved = substitute_all(member.value, arguments);
      if (!resolved) return resolved;
      member.value = std::move(*resolved);
    }
  }
  return out;
}

Result<Value> merge_arguments(const Value& given, const Value& declared) {
  Value merged = Value::array();
  for (const Value& argument : declared.items()) {
    Value out = argument;
    for (const Value& each : given.items()) {
      if (each.at("name") != argument.at("name")) continue;
      if (each.has("value")) {
        out.set("value", each.at("value"));
      } else if (each.has("valueFrom")) {
        out.set("valueFrom", each.at("valueFrom"));
      }
    }
    if (!out.has("value") && !out.has("valueFrom")) return fail("args.{} was not resolved", out.at("name").str());
    merged.push_back(std::move(out));
  }
  return merged;
}

Result<Arguments> argument_values(const Value& args, const api::Api* api, std::string_view ns,
                                  std::vector<std::string>* secrets) {
  Arguments values;
  for (const Value& argument : args.items()) {
    const std::string name(argument.at("name").str());
    const Value& ref = argument.at("valueFrom", "secretKeyRef");
    if (ref.is_object() && api == nullptr) {
      values[name] = kSecretStandIn;
    } else if (ref.is_object()) {
      auto secret = secret_text(ref, *api, ns);
      if (!secret) return std::unexpected(secret.error());
      if (secrets != nullptr && !secret->empty()) secrets->push_back(*secret);
      values[name] = std::move(*secret);
    } else if (argument.has("value")) {
      values[name] = std::string(argument.at("value").str());
    } else {
      return fail("argument \"{}\" was not supplied", name);
    }
  }
  return values;
}

Result<std::string> metadata_text(const Value& rollout, std::string_view path) {
  for (const std::string_view map : {"annotations", "labels"}) {
    const Value& values = rollout.at("metadata", map);
    const std::string whole = fmt::format("metadata.{}", map);
    if (path == whole) return map_text(values);
    const std::string prefix = whole + "['";
    if (path.starts_with(prefix) && path.ends_with("']"))
      return std::string(values.at(path.substr(prefix.size(), path.size() - prefix.size() - 2)).str());
  }
  for (const std::string_view name : {"name", "namespace", "uid"})
    if (path == fmt::format("metadata.{}", name)) return std::string(rollout.at("metadata", name).str());
  return fail("unsupported fieldPath: {}", path);
}

RolloutArguments rollout_arguments(const Value& args, const Value& rollout, const PodHashes& hashes) {
  RolloutArguments out;
  for (const Value& argument : args.items()) {
    std::string value(argument.at("value").str());
    const Value& from = argument.at("valueFrom");
    const std::string_view path = from.at("fieldRef", "fieldPath").str();
    if (from.has("podTemplateHashValue")) {
      value = from.at("podTemplateHashValue").str() == "Stable" ? hashes.stable : hashes.latest;
    } else if (from.has("fieldRef") && path.starts_with("metadata")) {
      auto text = metadata_text(rollout, path);
      if (!text) return {.problem = text.error().message};
      value = std::move(*text);
      out.problem.clear();
    } else if (from.has("fieldRef")) {
      auto text = field_text(rollout, path);
      value = text ? std::move(*text) : "";
      out.problem = text ? "" : text.error().message;
    }
    out.args.push_back(Value::object({{"name", argument.at("name")}, {"value", std::move(value)}}));
  }
  return out;
}

}  // namespace fairlead::control
