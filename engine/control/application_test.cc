// What a scenario does not see of an Application: how often it is looked at, how often Git is asked, what is refused.
#include "engine/control/application.h"

#include <gtest/gtest.h>

#include "base/yaml.h"
#include "engine/seam/virtual_time.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kCluster = R"(
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: default, namespace: argocd}
spec: {sourceRepos: ["*"], destinations: [{server: "*", namespace: "*"}], clusterResourceWhitelist: [{group: "*", kind: "*"}]}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec:
  project: default
  source: {repoURL: https://git.example/shop.git, targetRevision: main, path: web}
  destination: {server: https://kubernetes.default.svc, namespace: default}
  syncPolicy: {automated: {prune: true}}
)";

/// Answers what it is told to, and tells of a change only when told to.
class ToldSource final : public seam::Source {
 public:
  explicit ToldSource(seam::VirtualTime& time) : time_(time) {}
  void manifests(seam::SourceRequest /*request*/, seam::Done<seam::Manifests> done) override {
    ++asked;
    time_.post([answer = answer, done = std::move(done)]() mutable { done(std::move(answer)); });
  }
  void on_change(std::function<void(const std::string&)> callback) override { changed = std::move(callback); }

  Result<seam::Manifests> answer = fail("the repository cannot be read");
  int asked = 0;
  std::function<void(const std::string&)> changed;

 private:
  seam::VirtualTime& time_;
};

class ApplicationTest : public testing::Test {
 protected:
  ApplicationTest() {
    EXPECT_TRUE(store_.load().has_value());
    manager_.add(std::make_unique<ApplicationReconciler>(api_, manager_, source_, std::chrono::milliseconds(1)));
    manager_.on_error([&](std::string_view name, const api::Key& /*key*/, const Error& error) {
      errors_.push_back(fmt::format("{}: {}", name, error.message));
    });
    for (const Value& tree : documents(kCluster)) {
      const api::Resource& resource = *schema_.by_kind(tree.at("apiVersion").str(), tree.at("kind").str());
      EXPECT_TRUE(api_.create(resource, "argocd", tree).has_value());
    }
    manager_.start();
  }

  static std::vector<Value> documents(std::string_view text) {
    auto out = parse_yaml(text, "test");
    EXPECT_TRUE(out.has_value());
    return *out;
  }
  void commit(char digit, std::string_view files) {
    seam::Manifests content{std::string(40, digit), "", "", std::vector<seam::Manifest>()};
    for (const Value& tree : documents(files)) content.manifests->push_back({"web/all.yaml", tree});
    source_.answer = std::move(content);
  }
  /// How many moments of this time had something to do.
  int run_for(Duration length, Duration step = Duration(50)) {
    int busy = 0;
    for (const Time end = time_.now() + length; time_.now() < end; time_.move_to(time_.now() + step)) {
      bool any = false;
      while (time_.run_due() || manager_.next_due().value_or(Time::max()) <= time_.now()) {
        manager_.run(10);
        any = true;
      }
      while (manager_.run(10)) any = true;
      busy += any ? 1 : 0;
    }
    return busy;
  }
  api::ObjectPtr map(std::string_view name) { return api_.get(schema_.resource("", "configmaps"), "default", name); }
  Value status() { return api_.get(schema_.resource("argoproj.io", "applications"), "argocd", "web")->at("status"); }

  const api::Schema schema_;
  seam::VirtualTime time_{Time(std::chrono::hours(1))};
  std::unique_ptr<api::Journal> journal_ = api::memory_journal();
  api::Store store_{schema_, *journal_};
  api::Api api_{schema_, store_, time_, 1};
  Manager manager_{api_};
  ToldSource source_{time_};
  std::vector<std::string> errors_;
};

TEST_F(ApplicationTest, RestsWhilePruningWaitsForAConfirmation) {
  commit('a', R"(
{apiVersion: v1, kind: ConfigMap, metadata: {name: asks, annotations: {argocd.argoproj.io/sync-options: Prune=confirm}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: kept}}
)");
  run_for(std::chrono::seconds(1));
  ASSERT_NE(map("asks"), nullptr);
  commit('b', R"(
{apiVersion: v1, kind: ConfigMap, metadata: {name: kept}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: later, annotations: {argocd.argoproj.io/sync-wave: "1"}}}
)");
  source_.changed("");
  run_for(std::chrono::seconds(1));
  ASSERT_EQ(status().at("operationState", "message").str(), "waiting for pruning confirmation of /ConfigMap/asks");
  EXPECT_LE(run_for(std::chrono::milliseconds(500), Duration(1)), 1);
}

TEST_F(ApplicationTest, AsksAgainWhatCouldNotBeRead) {
  run_for(std::chrono::seconds(1));
  EXPECT_EQ(source_.asked, 1);
  commit('a', "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}");
  run_for(kApplicationResync - std::chrono::seconds(2));
  EXPECT_EQ(source_.asked, 1);
  run_for(std::chrono::seconds(3));
  EXPECT_NE(map("a"), nullptr);
  run_for(2 * kApplicationResync);
  EXPECT_EQ(source_.asked, 2);
}

TEST_F(ApplicationTest, AStatusThatIsRefusedIsAnErrorAndTriedAgain) {
  bool refuses = true;
  api_.add_admission("test", [&](api::Admission& admission) -> api::ApiResult<> {
    if (refuses && admission.resource->kind == "Application") return std::unexpected(api::Status::forbidden("not now"));
    return {};
  });
  commit('a', "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}");
  run_for(std::chrono::seconds(1));
  ASSERT_FALSE(errors_.empty());
  EXPECT_EQ(errors_.front(), "application: not now");
  EXPECT_TRUE(status().at("sync").is_null());
  refuses = false;
  run_for(std::chrono::seconds(5));
  EXPECT_EQ(status().at("sync", "status").str(), "Synced");
}

}  // namespace
}  // namespace fairlead::control
