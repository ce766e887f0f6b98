// The files of volumes, and the downward API. Source: pkg/volume/{configmap,secret,projected,downwardapi},
// pkg/fieldpath/fieldpath.go, pkg/api/v1/resource/helpers.go (ExtractContainerResourceValue).
#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "base/json.h"
#include "base/quantity.h"
#include "engine/control/pod_inputs.h"

namespace fairlead::control {
namespace {

constexpr std::int64_t kDefaultMode = 0644;

/// Labels or annotations as the downward API writes them: sorted, one per line, values quoted.
std::string format_map(const Value& map) {
  std::vector<std::string> lines;
  for (const Member& m : map.members()) {
    std::string quoted;
    append_json_string(quoted, m.value.str());
    lines.push_back(fmt::format("{}={}", m.key, quoted));
  }
  std::ranges::sort(lines);
  return fmt::format("{}", fmt::join(lines, "\n"));
}

}  // namespace

PodResolver::Failure PodResolver::volume(const Value& volume) {
  const std::string name(volume.at("name").str());
  if (volume.has("configMap")) {
    const Value& source = volume.at("configMap");
    return config_map_files(source, source.at("defaultMode").int_or(kDefaultMode), out_.files[name]);
  }
  if (volume.has("secret")) {
    const Value& source = volume.at("secret");
    return secret_files(source, source.at("defaultMode").int_or(kDefaultMode), out_.files[name]);
  }
  if (volume.has("downwardAPI")) {
    const Value& source = volume.at("downwardAPI");
    return downward_files(source.at("items"), source.at("defaultMode").int_or(kDefaultMode), out_.files[name]);
  }
  if (!volume.has("projected")) return std::nullopt;
  const std::int64_t mode = volume.at("projected", "defaultMode").int_or(kDefaultMode);
  for (const Value& source : volume.at("projected", "sources").items()) {
    if (auto failure = projected_files(source, mode, out_.files[name])) return failure;
  }
  return std::nullopt;
}

PodResolver::Failure PodResolver::projected_files(const Value& source, std::int64_t mode, Files& out) {
  if (source.has("configMap")) return config_map_files(source.at("configMap"), mode, out);
  if (source.has("secret")) return secret_files(source.at("secret"), mode, out);
  if (source.has("downwardAPI")) return downward_files(source.at("downwardAPI", "items"), mode, out);
  if (!source.has("serviceAccountToken")) return std::nullopt;
  const Value& wanted = source.at("serviceAccountToken");
  auto token = tokens_(wanted);
  if (!token) return token.error().message;
  out.push_back({std::string(wanted.at("path").str()), std::move(*token), static_cast<std::uint32_t>(mode)});
  return std::nullopt;
}

PodResolver::Failure PodResolver::config_map_files(const Value& source, std::int64_t mode, Files& out) {
  const std::string name(source.at("name").str());
  const auto object = api_.get(api_.schema().resource("", "configmaps"), pod_.ns(), name);
  return keyed_files(object, source, fmt::format("configmap \"{}\"", name), mode, out);
}

PodResolver::Failure PodResolver::secret_files(const Value& source, std::int64_t mode, Files& out) {
  const std::string name(source.at("secretName").string_or(source.at("name").str()));
  const auto object = api_.get(api_.schema().resource("", "secrets"), pod_.ns(), name);
  return keyed_files(object, source, fmt::format("secret \"{}\"", name), mode, out);
}

PodResolver::Failure PodResolver::keyed_files(const api::ObjectPtr& object, const Value& source,
                                              const std::string& what, std::int64_t mode, Files& out) {
  const bool optional = source.at("optional").bool_or(false);
  if (object == nullptr) return optional ? Failure() : fmt::format("{} not found", what);
  std::vector<std::pair<std::string, std::string>> contents;
  const bool is_secret = object->resource().kind == "Secret";
  for (const Member& m : object->at("data").members()) {
    contents.emplace_back(m.key, is_secret ? base64_decode(m.value.str()).value_or("") : std::string(m.value.str()));
  }
  for (const Member& m : object->at("binaryData").members()) {
    contents.emplace_back(m.key, base64_decode(m.value.str()).value_or(""));
  }
  std::ranges::sort(contents);
  const Value& items = source.at("items");
  if (items.empty()) {
    for (auto& [key, content] : contents) out.push_back({key, std::move(content), static_cast<std::uint32_t>(mode)});
    return std::nullopt;
  }
  for (const Value& item : items.items()) {
    const std::string_view key = item.at("key").str();
    const auto found = std::ranges::find(contents, key, [](const auto& c) { return std::string_view(c.first); });
    if (found == contents.end()) {
      if (optional) continue;
      return fmt::format("references non-existent config key: {}", key);
    }
    out.push_back(
        {std::string(item.at("path").str()), found->second, static_cast<std::uint32_t>(item.at("mode").int_or(mode))});
  }
  return std::nullopt;
}

PodResolver::Failure PodResolver::downward_files(const Value& items, std::int64_t mode, Files& out) {
  for (const Value& item : items.items()) {
    std::optional<std::string> content;
    if (item.has("fieldRef")) {
      content = field(item.at("fieldRef", "fieldPath").str());
    } else {
      const Value& reference = item.at("resourceFieldRef");
      content = resource_field(reference, container_called(reference.at("containerName").str()));
    }
    out.push_back({std::string(item.at("path").str()), content.value_or(""),
                   static_cast<std::uint32_t>(item.at("mode").int_or(mode))});
  }
  return std::nullopt;
}

std::optional<std::string> PodResolver::field(std::string_view path) const {
  const auto quoted = [&](std::string_view prefix) -> std::optional<std::string> {
    if (!path.starts_with(prefix) || !path.ends_with("']")) return std::nullopt;
    return std::string(path.substr(prefix.size(), path.size() - prefix.size() - 2));
  };
  if (const auto key = quoted("metadata.labels['")) return std::string(pod_.label(*key));
  if (const auto key = quoted("metadata.annotations['")) return std::string(pod_.annotation(*key));
  if (path == "metadata.labels") return format_map(pod_.at("metadata", "labels"));
  if (path == "metadata.annotations") return format_map(pod_.at("metadata", "annotations"));
  if (path == "metadata.name") return std::string(pod_.name());
  if (path == "metadata.namespace") return std::string(pod_.ns());
  if (path == "metadata.uid") return std::string(pod_.uid());
  if (path == "spec.nodeName") return std::string(pod_.at("spec", "nodeName").str());
  if (path == "spec.serviceAccountName") return std::string(pod_.at("spec", "serviceAccountName").string_or("default"));
  if (path == "status.hostIP" || path == "status.hostIPs") return host_ip_;
  if (path == "status.podIP" || path == "status.podIPs") return std::string(seam::kPodIpMark);
  return std::nullopt;
}

const Value& PodResolver::container_called(std::string_view name) const {
  static const Value kNone;
  for (const std::string_view list : {"initContainers", "containers"}) {
    for (const Value& container : pod_.at("spec", list).items()) {
      if (container.at("name").str() == name) return container;
    }
  }
  return kNone;
}

/// The amount divided by the divisor, rounded up; limits that are not set are what the node has.
std::string PodResolver::resource_field(const Value& reference, const Value& container) const {
  const std::string_view named = reference.at("containerName").str();
  const Value& of = named.empty() ? container : container_called(named);
  const std::string_view path = reference.at("resource").str();
  const std::size_t dot = path.find('.');
  const std::string_view name = dot == std::string_view::npos ? path : path.substr(dot + 1);
  const Value* amount = of.at("resources", path.substr(0, dot)).find(name);
  Quantity quantity = amount == nullptr ? Quantity{} : Quantity::of(*amount);
  if (quantity.nano == 0 && path.starts_with("limits.")) quantity = Quantity::of(allocatable_.at(name));
  Quantity divisor = Quantity::of(reference.at("divisor"));
  if (divisor.nano == 0) divisor = Quantity::of(1);
  return fmt::format("{}", static_cast<std::int64_t>((quantity.nano + divisor.nano - 1) / divisor.nano));
}

}  // namespace fairlead::control
