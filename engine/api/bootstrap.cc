#include "engine/api/bootstrap.h"

#include <utility>

#include "base/yaml.h"

namespace fairlead::api {

std::vector<BootstrapObject> bootstrap_objects(const Schema& schema) {
  auto documents = parse_yaml(bootstrap_manifest(), "bootstrap_objects.cc");
  FAIRLEAD_ASSERT(documents.has_value());
  std::vector<BootstrapObject> out;
  for (Value& document : *documents) {
    const Resource* resource = schema.by_kind(document.at("apiVersion").str(), document.at("kind").str());
    FAIRLEAD_ASSERT(resource != nullptr);
    const Value& metadata = document.at("metadata");
    Key key{resource->storage, std::string(metadata.at("namespace").str()), std::string(metadata.at("name").str())};
    out.push_back({std::move(key), std::move(document)});
  }
  return out;
}

ApiResult<> bootstrap(Api& api) {
  for (BootstrapObject& object : bootstrap_objects(api.schema())) {
    if (api.get(object.key)) continue;
    const auto made = api.create(*object.key.resource, object.key.ns, std::move(object.tree));
    if (!made) return std::unexpected(made.error());
  }
  return {};
}

}  // namespace fairlead::api
