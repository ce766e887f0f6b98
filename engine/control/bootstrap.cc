#include <map>
#include <utility>

#include "engine/api/bootstrap.h"
#include "engine/control/cluster_controllers.h"

namespace fairlead::control {
namespace {

class Bootstrap final : public Reconciler {
 public:
  explicit Bootstrap(api::Api& api) : api_(api) {
    for (api::BootstrapObject& object : api::bootstrap_objects(api.schema())) {
      objects_.emplace(std::move(object.key), std::move(object.tree));
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
  for (api::BootstrapObject& object : api::bootstrap_objects(schema)) out.push_back(std::move(object.key));
  return out;
}

}  // namespace fairlead::control
