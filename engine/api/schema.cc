// Finding resources. The rest of Schema stands in schema_*.cc, one file per verb.
#include "engine/api/schema.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "engine/api/schema_type.h"

// The table as it stands in the source tree, put into the program by the assembler.
asm(".pushsection .rodata\n"
    ".global fairlead_schema_table\n"
    "fairlead_schema_table:\n"
    ".incbin \"" FAIRLEAD_SCHEMA_TABLE
    "\"\n"
    ".global fairlead_schema_table_end\n"
    "fairlead_schema_table_end:\n"
    ".byte 0\n"
    ".popsection\n");
extern "C" const char fairlead_schema_table[];
extern "C" const char fairlead_schema_table_end[];

namespace fairlead::api {
namespace {

/// Kinds that something in this program acts on; all others can be stored and read, and creating one warns.
constexpr std::array<std::string_view, 44> kActedOn{
    "/ConfigMap",
    "/Event",
    "/Namespace",
    "/Node",
    "/Pod",
    "/Secret",
    "/Service",
    "/ServiceAccount",
    "apps/Deployment",
    "apps/ReplicaSet",
    "authentication.k8s.io/SelfSubjectReview",
    "authentication.k8s.io/TokenReview",
    "authorization.k8s.io/LocalSubjectAccessReview",
    "authorization.k8s.io/SelfSubjectAccessReview",
    "authorization.k8s.io/SelfSubjectRulesReview",
    "authorization.k8s.io/SubjectAccessReview",
    "autoscaling/HorizontalPodAutoscaler",
    "discovery.k8s.io/EndpointSlice",
    "events.k8s.io/Event",
    "apiextensions.k8s.io/CustomResourceDefinition",
    "coordination.k8s.io/Lease",
    "networking.k8s.io/NetworkPolicy",
    "policy/PodDisruptionBudget",
    "rbac.authorization.k8s.io/ClusterRole",
    "rbac.authorization.k8s.io/ClusterRoleBinding",
    "rbac.authorization.k8s.io/Role",
    "rbac.authorization.k8s.io/RoleBinding",
    "argoproj.io/Rollout",
    "argoproj.io/AnalysisTemplate",
    "argoproj.io/ClusterAnalysisTemplate",
    "argoproj.io/AnalysisRun",
    "argoproj.io/Application",
    "argoproj.io/AppProject",
    "gateway.networking.k8s.io/Gateway",
    "gateway.networking.k8s.io/GatewayClass",
    "gateway.networking.k8s.io/HTTPRoute",
    "gateway.networking.k8s.io/ReferenceGrant",
    "/DeleteOptions",
    "/Status",
    "autoscaling/Scale",
    "policy/Eviction",
    "authentication.k8s.io/TokenRequest",
    "/Binding",
    "scheduling.k8s.io/PriorityClass",
};

const Resource* find_in(const auto& map, std::string_view group, std::string_view version, std::string_view name) {
  const auto at = map.find(fmt::format("{}/{}/{}", group, version, name));
  return at == map.end() ? nullptr : at->second;
}

}  // namespace

bool acted_on(const Resource& resource) {
  for (const std::string_view entry : kActedOn) {
    const std::size_t slash = entry.find('/');
    if (entry.substr(0, slash) == resource.group && entry.substr(slash + 1) == resource.kind) return true;
  }
  return false;
}

Schema::Schema() : table_(std::make_unique<Table>()) {
  const char* begin = fairlead_schema_table;
  table_->load({begin, static_cast<std::size_t>(fairlead_schema_table_end - begin)});
  for (Resource& resource : table_->all) {
    resource.acted_on = acted_on(resource);
    table_->built_in.insert(fmt::format("{}.{}", resource.plural, resource.group));
  }
  std::ranges::copy_if(table_->served, std::back_inserter(table_->stored),
                       [](const Resource* resource) { return resource->storage == resource; });
}

Schema::~Schema() = default;

const Resource* Schema::by_kind(std::string_view group, std::string_view version, std::string_view kind) const {
  if (const Resource* found = find_in(table_->by_kind, group, version, kind)) return found;
  // Every group has these two, and they are the same everywhere.
  if (kind == "DeleteOptions" || kind == "Status") return find_in(table_->by_kind, "", "v1", kind);
  return nullptr;
}

const Resource* Schema::by_kind(std::string_view api_version, std::string_view kind) const {
  const std::size_t slash = api_version.find('/');
  if (slash == std::string_view::npos) return by_kind("", api_version, kind);
  return by_kind(api_version.substr(0, slash), api_version.substr(slash + 1), kind);
}

const Resource* Schema::by_plural(std::string_view group, std::string_view version, std::string_view plural) const {
  return find_in(table_->by_plural, group, version, plural);
}

const Resource& Schema::resource(std::string_view group, std::string_view plural) const {
  for (const Resource* candidate : table_->served) {
    if (candidate->group == group && candidate->plural == plural) return *candidate->storage;
  }
  assertion_failed(fmt::format("schema has {}.{}", plural, group).c_str(), __FILE__, __LINE__);
}

std::span<const Resource* const> Schema::resources() const { return table_->served; }

std::span<const Resource* const> Schema::stored() const { return table_->stored; }

const Resource* Schema::stored(std::string_view group, std::string_view plural) const {
  const auto at = std::ranges::find_if(
      table_->stored, [&](const Resource* resource) { return resource->group == group && resource->plural == plural; });
  return at == table_->stored.end() ? nullptr : *at;
}

const Resource& Schema::current(const Resource& storage) const {
  const auto at = std::ranges::lower_bound(table_->stored, storage.ordinal, {}, &Resource::ordinal);
  return at == table_->stored.end() || (*at)->ordinal != storage.ordinal ? storage : **at;
}

std::string child_path(std::string_view parent, std::string_view name) {
  return parent.empty() ? std::string(name) : fmt::format("{}.{}", parent, name);
}

std::string index_path(std::string_view parent, std::size_t index) { return fmt::format("{}[{}]", parent, index); }

std::string key_path(std::string_view parent, std::string_view key) { return fmt::format("{}[{}]", parent, key); }

}  // namespace fairlead::api
