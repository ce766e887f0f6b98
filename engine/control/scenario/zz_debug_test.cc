// Temporary: plays delivery scenarios with a stand-in for the ReplicaSet controller.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <gtest/gtest.h>
#include "engine/control/scenario/scenario.h"
#include "engine/control/controllers.h"
namespace fairlead::control {
namespace {
class FakeReplicaSets final : public Reconciler {
 public:
  explicit FakeReplicaSets(api::Api& api) : api_(api), rs_(api.schema().resource("apps", "replicasets")) {}
  std::string_view name() const override { return "fake-rs"; }
  void observe(const api::Event& e, Queue& q) override { if (&e.object->resource() == &rs_) q.add(e.object->key()); }
  Result<Again> reconcile(const api::Key& key) override {
    auto rs = api_.get(key);
    if (!rs) return Again::when_changed();
    const auto want = rs->at("spec", "replicas").int_or(0);
    const std::string image(rs->at("spec", "template", "spec", "containers", 0, "image").str());
    auto& since = since_[key];
    if (since.first != want) since = {want, api_.clock().now()};
    const bool ready = api_.clock().now() - since.second >= std::chrono::seconds(2);
    auto r = api_.mutate(key, api::Subresource::kStatus, [&](Value& t) {
      Value& s = t["status"]; if (!s.is_object()) s = Value::object();
      s.set("replicas", want);
      std::int64_t have = std::min<std::int64_t>(want, s.at("availableReplicas").int_or(0));
      if (ready && image.find("stuck") == std::string::npos) have = want;
      s.set("availableReplicas", have); s.set("readyReplicas", have);
      s.set("observedGeneration", t.at("metadata", "generation"));
    });
    if (!r) return fail("{}", r.error().message);
    if (!ready) return Again::in(std::chrono::seconds(2) - (api_.clock().now() - since.second));
    return Again::when_changed();
  }
  api::Api& api_; const api::Resource& rs_;
  std::map<api::Key, std::pair<std::int64_t, Time>> since_;
};
TEST(Debug, Delivery) {
  api::Schema schema;
  const char* only = std::getenv("ONLY");
  std::vector<std::filesystem::path> files;
  for (auto& f : std::filesystem::directory_iterator(FAIRLEAD_SOURCE_DIR "/engine/control/testdata/scenarios/delivery")) files.push_back(f.path());
  std::sort(files.begin(), files.end());
  for (auto& f : files) {
    if (only && f.string().find(only) == std::string::npos) continue;
    std::ifstream in(f); std::stringstream text; text << in.rdbuf();
    auto out = play_scenario(schema, text.str(), f.filename().string(), [](Manager& m, api::Api& a, const Seams& s) {
      add_controllers(m, a, s); m.add(std::make_unique<FakeReplicaSets>(a)); });
    if (!out) { ADD_FAILURE() << out.error().to_string(); continue; }
    std::cout << (out->failures.empty() ? "ok   " : "FAIL ") << f.filename().string() << "\n";
    for (auto& x : out->failures) ADD_FAILURE() << x;
    if (only && std::getenv("HIST")) for (auto& h : out->history) std::cout << h.substr(0, 1500) << "\n";
  }
}
}
}
namespace fairlead::control {
namespace { class Nothing final : public Reconciler { std::string_view name() const override { return "none"; } void observe(const api::Event&, Queue&) override {} Result<Again> reconcile(const api::Key&) override { return Again::when_changed(); } }; }
std::unique_ptr<Reconciler> make_event_expiry(api::Api&) { return std::make_unique<Nothing>(); }
}
