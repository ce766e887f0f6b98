#include <map>
#include <utility>

#include "base/yaml.h"
#include "engine/control/bootstrap_objects.h"
#include "engine/control/cluster_controllers.h"

namespace fairlead::control {
namespace {

struct Initial {
  api::Key key;
  Value object;
};

std::vector<Initial> initial_objects(const api::Schema& schema) {
  const auto documents = parse_yaml(bootstrap_objects(), "bootstrap_objects.cc");
  FAIRLEAD_ASSERT(documents.has_value());
  std::vector<Initial> out;
  for (const Value& document : *documents) {
    const api::Resource* resource = schema.by_kind(document.at("apiVersion").str(), document.at("kind").str());
    FAIRLEAD_ASSERT(resource != nullptr);
    const Value& metadata = document.at("metadata");
    out.push_back(
        {{resource->storage, std::string(metadata.at("namespace").str()), std::string(metadata.at("name").str())},
         document});
  }
  return out;
}

class Bootstrap final : public Reconciler {
 public:
  explicit Bootstrap(api::Api& api) : api_(api) {
    for (Initial& initial : initial_objects(api.schema())) {
      objects_.emplace(std::move(initial.key), std::move(initial.object));
    }
  }

  [[nodiscard]] std::string_view name() const override { return "bootstrap"; }

  void observe(const api::Event& event, Queue& queue) override {
    if (event.type != api::Event::Type::kDeleted) return;
    if (const auto it = objects_.find(event.object->key()); it != objects_.end()) queue.add(it->first);
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const auto it = objects_.find(key);
    if (it == objects_.end() || api_.get(key)) return Again::when_changed();
    const auto made = api_.create(*key.resource, key.ns, it->second);
    if (!made) return fail("{}", made.error().message);
    return Again::when_changed();
  }

 private:
  api::Api& api_;
  std::map<api::Key, Value> objects_;
};

}  // namespace

std::unique_ptr<Reconciler> make_bootstrap(api::Api& api) { return std::make_unique<Bootstrap>(api); }

std::vector<api::Key> bootstrap_keys(const api::Schema& schema) {
  std::vector<api::Key> out;
  for (Initial& initial : initial_objects(schema)) out.push_back(std::move(initial.key));
  return out;
}

}  // namespace fairlead::control
