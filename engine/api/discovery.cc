#include "engine/api/discovery.h"

#include <algorithm>
#include <charconv>
#include <ranges>
#include <tuple>

#include "base/hash.h"
#include "base/json.h"

namespace fairlead::api {
namespace {

Value strings(const std::vector<std::string>& items) {
  Value::Array out;
  for (const auto& item : items) out.emplace_back(item);
  return out;
}

/// What the server gives without storing it, beside what the schema lists.
std::vector<Resource> metrics_resources() {
  std::vector<Resource> out(2);
  for (auto& resource : out) {
    resource.group = "metrics.k8s.io";
    resource.version = "v1beta1";
    resource.verbs = {"get", "list"};
  }
  out[0].kind = "NodeMetrics";
  out[0].plural = "nodes";
  out[1].kind = "PodMetrics";
  out[1].plural = "pods";
  out[1].namespaced = true;
  return out;
}

struct Group {
  std::string name;
  std::map<std::string, std::vector<const Resource*>> versions;

  [[nodiscard]] std::vector<std::string> ordered_versions() const {
    const auto names = std::views::keys(versions);
    std::vector<std::string> out(names.begin(), names.end());
    std::ranges::sort(out, better_version);
    return out;
  }
};

/// Groups in the order of the schema, which is the order in which clients resolve ambiguous names.
std::vector<Group> collect(std::span<const Resource* const> resources, const std::vector<Resource>& more) {
  std::vector<Group> groups;
  const auto add = [&](const Resource* resource) {
    auto found = std::ranges::find(groups, resource->group, &Group::name);
    if (found == groups.end()) found = groups.insert(groups.end(), Group{resource->group, {}});
    found->versions[resource->version].push_back(resource);
  };
  for (const Resource* resource : resources) add(resource);
  for (const auto& resource : more) add(&resource);
  for (auto& group : groups) {
    for (auto& [version, entries] : group.versions) std::ranges::sort(entries, {}, &Resource::plural);
  }
  return groups;
}

Value kind_reference(std::string_view group, std::string_view version, std::string_view kind) {
  return Value::object({{"group", group}, {"version", version}, {"kind", kind}});
}

Value aggregated_entry(const Resource& entry) {
  Value out = Value::object({{"resource", entry.plural},
                             {"responseKind", kind_reference("", "", entry.kind)},
                             {"scope", entry.namespaced ? "Namespaced" : "Cluster"},
                             {"singularResource", entry.singular},
                             {"verbs", strings(entry.verbs)}});
  if (!entry.short_names.empty()) out.set("shortNames", strings(entry.short_names));
  if (!entry.categories.empty()) out.set("categories", strings(entry.categories));
  for (const auto& sub : entry.subresources) {
    out["subresources"].push_back(Value::object({{"subresource", sub.name},
                                                 {"responseKind", kind_reference(sub.group, sub.version, sub.kind)},
                                                 {"verbs", strings(sub.verbs)}}));
  }
  return out;
}

Value aggregated_list(const std::vector<Group>& groups, bool core, std::string_view version) {
  Value items = Value::array();
  for (const auto& group : groups) {
    if (group.name.empty() != core) continue;
    Value versions = Value::array();
    for (const auto& name : group.ordered_versions()) {
      Value resources = Value::array();
      for (const Resource* entry : group.versions.at(name)) resources.push_back(aggregated_entry(*entry));
      versions.push_back(
          Value::object({{"version", name}, {"resources", std::move(resources)}, {"freshness", "Current"}}));
    }
    Value metadata = Value::object();
    if (!core) metadata.set("name", group.name);
    items.push_back(Value::object({{"metadata", std::move(metadata)}, {"versions", std::move(versions)}}));
  }
  return Value::object({{"kind", "APIGroupDiscoveryList"},
                        {"apiVersion", fmt::format("apidiscovery.k8s.io/{}", version)},
                        {"metadata", Value::object()},
                        {"items", std::move(items)}});
}

Value group_version(std::string_view group, std::string_view version) {
  return Value::object({{"groupVersion", fmt::format("{}/{}", group, version)}, {"version", version}});
}

Value api_group(const Group& group) {
  const auto ordered = group.ordered_versions();
  Value versions = Value::array();
  for (const auto& version : ordered) versions.push_back(group_version(group.name, version));
  return Value::object(
      {{"name", group.name}, {"versions", versions}, {"preferredVersion", group_version(group.name, ordered.front())}});
}

Value resource_list(const Group& group, const std::string& version) {
  Value resources = Value::array();
  for (const Resource* resource : group.versions.at(version)) {
    const Resource& entry = *resource;
    Value item = Value::object({{"name", entry.plural},
                                {"singularName", entry.singular},
                                {"namespaced", entry.namespaced},
                                {"kind", entry.kind},
                                {"verbs", strings(entry.verbs)}});
    if (!entry.short_names.empty()) item.set("shortNames", strings(entry.short_names));
    if (!entry.categories.empty()) item.set("categories", strings(entry.categories));
    resources.push_back(std::move(item));
    for (const auto& sub : entry.subresources) {
      Value line = Value::object(
          {{"name", entry.plural + "/" + sub.name}, {"singularName", ""}, {"namespaced", entry.namespaced}});
      if (!sub.group.empty()) line.set("group", sub.group).set("version", sub.version);
      line.set("kind", sub.kind).set("verbs", strings(sub.verbs));
      resources.push_back(std::move(line));
    }
  }
  Value out = Value::object({{"kind", "APIResourceList"}});
  if (!group.name.empty()) out.set("apiVersion", "v1");
  out.set("groupVersion", group.name.empty() ? version : group.name + "/" + version);
  out.set("resources", std::move(resources));
  return out;
}

/// Generally available before beta before alpha, then by number.
std::tuple<int, long, long> rank(std::string_view version) {
  constexpr std::tuple<int, long, long> kForeign{0, 0, 0};
  if (!version.starts_with('v')) return kForeign;
  const char* at = version.data() + 1;
  const char* end = version.data() + version.size();
  long major = 0;
  auto parsed = std::from_chars(at, end, major);
  if (parsed.ec != std::errc()) return kForeign;
  const std::string_view rest(parsed.ptr, static_cast<std::size_t>(end - parsed.ptr));
  if (rest.empty()) return {3, major, 0};
  const bool beta = rest.starts_with("beta");
  if (!beta && !rest.starts_with("alpha")) return kForeign;
  long minor = 0;
  parsed = std::from_chars(rest.data() + (beta ? 4 : 5), end, minor);
  if (parsed.ec != std::errc() || parsed.ptr != end) return kForeign;
  return {beta ? 2 : 1, major, minor};
}

}  // namespace

bool better_version(std::string_view a, std::string_view b) {
  const auto left = rank(a);
  const auto right = rank(b);
  if (left != right) return left > right;
  return a < b;
}

Discovery::Discovery(std::span<const Resource* const> resources) {
  const auto metrics = metrics_resources();
  const auto groups = collect(resources, metrics);
  for (const std::string_view version : {"v2", "v2beta1"}) {
    for (const std::string_view path : {"/api", "/apis"}) {
      auto json = to_json(aggregated_list(groups, path == "/api", version));
      auto etag = fmt::format("\"{}\"", sha256_hex(json));
      aggregated_.emplace(fmt::format("{}{}", version, path), Document{std::move(json), std::move(etag)});
    }
  }
  Value list = Value::array();
  for (const auto& group : groups) {
    const auto prefix = group.name.empty() ? std::string("/api") : "/apis/" + group.name;
    for (const auto& [version, entries] : group.versions) {
      documents_.emplace(prefix + "/" + version, Document{to_json(resource_list(group, version)), {}});
    }
    if (group.name.empty()) continue;
    Value one = api_group(group);
    list.push_back(one);
    Value with_kind = Value::object({{"kind", "APIGroup"}, {"apiVersion", "v1"}});
    for (auto& member : one.mutable_members()) with_kind.set(member.key, std::move(member.value));
    documents_.emplace(prefix, Document{to_json(with_kind), {}});
  }
  documents_.emplace(
      "/apis",
      Document{to_json(Value::object({{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(list)}})),
               {}});
  documents_.emplace("/api", Document{to_json(Value::object({{"kind", "APIVersions"},
                                                             {"versions", Value::array({"v1"})},
                                                             {"serverAddressByClientCIDRs", Value::array()}})),
                                      {}});
}

const Discovery::Document* Discovery::document(std::string_view path) const {
  const auto found = documents_.find(path);
  return found == documents_.end() ? nullptr : &found->second;
}

const Discovery::Document* Discovery::aggregated(std::string_view path, std::string_view version) const {
  const auto found = aggregated_.find(fmt::format("{}{}", version, path));
  return found == aggregated_.end() ? nullptr : &found->second;
}

bool Discovery::serves(std::string_view group_version_name) const {
  const bool core = group_version_name.find('/') == std::string_view::npos;
  return documents_.contains(fmt::format("/{}/{}", core ? "api" : "apis", group_version_name));
}

std::vector<std::string> Discovery::group_version_paths() const {
  std::vector<std::string> out;
  for (const auto& [path, document] : documents_) {
    const auto slashes = std::ranges::count(path, '/');
    if (slashes == (path.starts_with("/apis") ? 3 : 2)) out.push_back(path.substr(1));
  }
  return out;
}

}  // namespace fairlead::api
