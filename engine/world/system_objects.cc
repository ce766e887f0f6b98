#include "engine/world/system_objects.h"

#include <stdexcept>
#include <string_view>

#include "base/yaml.h"
#include "engine/control/application_diff.h"

// A file of system/ as it stands in the source tree, put into the program by the assembler.
// NOLINTNEXTLINE(bugprone-macro-parentheses): the pieces of one literal cannot have any.
#define FAIRLEAD_EMBED(symbol, file)                                                                     \
  asm(".pushsection .rodata\n.global " #symbol "\n" #symbol ":\n.incbin \"" FAIRLEAD_SYSTEM_DIR "/" file \
      "\"\n.global " #symbol "_end\n" #symbol "_end:\n.byte 0\n.popsection\n");                          \
  extern "C" const char symbol[];                                                                        \
  extern "C" const char symbol##_end[];

FAIRLEAD_EMBED(fairlead_system_dns, "dns.yaml")
FAIRLEAD_EMBED(fairlead_system_prometheus, "prometheus.yaml")
FAIRLEAD_EMBED(fairlead_system_edge, "edge.yaml")
FAIRLEAD_EMBED(fairlead_system_argocd, "argocd.yaml")

namespace fairlead::world {

namespace {

/// Gives the first port of a Deployment's container its place on the host.
void place_on_host(Value& object, std::string_view ns, std::string_view name, std::uint16_t port) {
  if (object.at("kind").str() != "Deployment" || object.at("metadata", "namespace").str() != ns ||
      object.at("metadata", "name").str() != name) {
    return;
  }
  Value& container = object["spec"]["template"]["spec"]["containers"].mutable_items().at(0);
  container["ports"].mutable_items().at(0).set("hostPort", port);
}

std::string as_sentence(std::string text) {
  if (!text.ends_with('.')) text += '.';
  return text;
}

}  // namespace

std::vector<Value> system_objects(const HostPorts& ports) {
  struct File {
    std::string_view name;
    std::string_view text;
  };
  const File files[] = {{"dns.yaml", {fairlead_system_dns, fairlead_system_dns_end}},
                        {"edge.yaml", {fairlead_system_edge, fairlead_system_edge_end}},
                        {"prometheus.yaml", {fairlead_system_prometheus, fairlead_system_prometheus_end}},
                        {"argocd.yaml", {fairlead_system_argocd, fairlead_system_argocd_end}}};
  std::vector<Value> out;
  for (const File& file : files) {
    auto documents = parse_yaml(file.text, file.name);
    if (!documents) throw std::runtime_error(documents.error().to_string());
    for (Value& document : *documents) {
      place_on_host(document, "gateway", "edge", ports.edge);
      place_on_host(document, "monitoring", "prometheus", ports.prometheus);
      out.push_back(std::move(document));
    }
  }
  return out;
}

Result<> apply_object(api::Api& api, Value object, std::string_view file) {
  const api::Resource* resource = api.schema().by_kind(object.at("apiVersion").str(), object.at("kind").str());
  if (resource == nullptr)
    return std::unexpected(object.error(fmt::format("no kind {}", object.at("kind").str()), file));
  for (const api::FieldError& e : api.schema().decode(*resource, object)) {
    return std::unexpected(Error{e.message, std::string(file), e.line, e.column});
  }
  const std::string ns(object.at("metadata", "namespace").str());
  const api::ObjectPtr live = api.get(*resource->storage, ns, object.at("metadata", "name").str());
  Value target = control::with_last_applied(std::move(object));
  if (live == nullptr) {
    const auto created = api.create(*resource, ns, std::move(target));
    if (!created) return fail("{}", created.error().message);
    return {};
  }
  auto merged = control::three_way_merge(api.schema(), live->resource(), live->tree(), target);
  if (!merged) return std::unexpected(merged.error());
  const auto updated = api.update(live->key(), std::move(*merged));
  if (!updated) {
    return fail(
        "{} as .fairlead stores it is refused: {} If another version of fairlead wrote it: `fairlead down`, remove "
        ".fairlead (or .fairlead/state.db* alone, which keeps what was shipped), and `fairlead up` starts anew",
        live->key().to_string(), as_sentence(updated.error().message));
  }
  return {};
}

Result<> apply_objects(api::Api& api, const std::vector<Value>& objects) {
  for (const Value& object : objects) {
    if (auto applied = apply_object(api, object, "the built-in manifests"); !applied) {
      return std::unexpected(
          wrap(fmt::format("{} {}", object.at("kind").str(), object.at("metadata", "name").str()), applied.error()));
    }
  }
  return {};
}

}  // namespace fairlead::world
