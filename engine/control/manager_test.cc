#include <gtest/gtest.h>

#include "engine/control/reconciler.h"
#include "engine/seam/virtual_time.h"

namespace fairlead::control {
namespace {

using Log = std::vector<std::string>;

/// Notes each look with its moment, and answers as told.
class Probe final : public Reconciler {
 public:
  Probe(std::string name, seam::VirtualTime& time, Log& log, std::function<Result<Again>()> answer)
      : name_(std::move(name)), time_(time), log_(log), answer_(std::move(answer)) {}
  [[nodiscard]] std::string_view name() const override { return name_; }
  void observe(const api::Event& event, Queue& queue) override {
    if (event.object->resource().kind == "ConfigMap") queue.add(event.object->key());
  }
  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    log_.push_back(fmt::format("{} {} {}", time_.now().time_since_epoch().count(), name_, key.name));
    return answer_();
  }

 private:
  std::string name_;
  seam::VirtualTime& time_;
  Log& log_;
  std::function<Result<Again>()> answer_;
};

const api::Schema& schema() {
  static const api::Schema the_schema;
  return the_schema;
}

class ManagerTest : public testing::Test {
 protected:
  ManagerTest() { EXPECT_TRUE(store_.load().has_value()); }

  void add(const std::string& name, std::function<Result<Again>()> answer) {
    manager_.add(std::make_unique<Probe>(name, time_, log_, std::move(answer)));
  }
  void create(const std::string& name) {
    const Value tree = Value::object({{"apiVersion", "v1"},
                                      {"kind", "ConfigMap"},
                                      {"metadata", Value::object({{"name", name}, {"namespace", "default"}})}});
    store_.put(key(name), tree);
  }
  static api::Key key(const std::string& name) { return {&schema().resource("", "configmaps"), "default", name}; }
  void run_at(int milliseconds) {
    time_.move_to(Time(Duration(milliseconds)));
    while (manager_.run(10)) {
    }
  }

  seam::VirtualTime time_{Time()};
  std::unique_ptr<api::Journal> journal_ = api::memory_journal();
  api::Store store_{schema(), *journal_};
  api::Api api_{schema(), store_, time_, 1};
  Manager manager_{api_};
  Log log_;
};

TEST_F(ManagerTest, RunsReconcilersInTheirOrderAndEachKeyOnce) {
  create("old");
  add("first", [] { return Again::when_changed(); });
  add("second", [] { return Again::when_changed(); });
  manager_.start();
  create("new");
  manager_.wake("first", key("old"));
  run_at(0);
  EXPECT_EQ(log_, (Log{"0 first old", "0 first new", "0 second old", "0 second new"}));
}

TEST_F(ManagerTest, ErrorsAreTriedAgainEverLaterUntilOneSucceeds) {
  int failures = 3;
  add("a", [&]() -> Result<Again> {
    if (failures-- > 0) return fail("not yet");
    return Again::when_changed();
  });
  std::string heard;
  manager_.on_error([&](std::string_view name, const api::Key&, const Error& error) {
    heard += fmt::format("{}: {};", name, error.message);
  });
  manager_.start();
  create("x");
  run_at(0);
  EXPECT_EQ(manager_.next_due(), Time(Duration(5)));
  for (const int at : {4, 5, 14, 15, 34, 35, 1000}) run_at(at);
  EXPECT_EQ(log_, (Log{"0 a x", "5 a x", "15 a x", "35 a x"}));
  EXPECT_EQ(heard, "a: not yet;a: not yet;a: not yet;");
  EXPECT_EQ(manager_.next_due(), std::nullopt);
}

TEST_F(ManagerTest, BackOffStopsGrowingAtItsLimit) {
  add("a", []() -> Result<Again> { return fail("never"); });
  manager_.start();
  create("x");
  run_at(0);
  for (int i = 0; i < 30; ++i) {
    time_.move_to(*manager_.next_due());
    manager_.run(10);
  }
  EXPECT_EQ(*manager_.next_due() - time_.now(), kLongestRetry);
}

TEST_F(ManagerTest, TheLastAnswerPlansTheNextLook) {
  std::vector<Again> answers = {Again::in(Duration(100)), Again::in(Duration(10)), Again::when_changed()};
  add("a", [&, i = std::size_t{0}]() mutable -> Result<Again> { return answers.at(i++); });
  manager_.start();
  create("x");
  run_at(0);
  EXPECT_EQ(manager_.next_due(), Time(Duration(100)));
  create("x");  // An event in between is looked at once, and its answer takes the place of the plan.
  run_at(1);
  EXPECT_EQ(manager_.next_due(), Time(Duration(11)));
  run_at(200);
  EXPECT_EQ(log_, (Log{"0 a x", "1 a x", "200 a x"}));
  EXPECT_EQ(manager_.next_due(), std::nullopt);
}

TEST_F(ManagerTest, SaysThatThereIsMoreAndThatWorkAppeared) {
  add("a", [] { return Again::when_changed(); });
  int calls = 0;
  manager_.on_work([&] { ++calls; });
  manager_.start();
  create("x");
  create("y");
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(manager_.run(1));
  EXPECT_FALSE(manager_.run(1));
  create("z");
  EXPECT_EQ(calls, 2);
}

TEST_F(ManagerTest, EventsAfterItsEndReachNobody) {
  {
    Manager brief(api_);
    brief.add(std::make_unique<Probe>("gone", time_, log_, [] { return Again::when_changed(); }));
    brief.start();
  }
  create("x");
  EXPECT_TRUE(log_.empty());
}

/// A controller whose every look marks its own key again.
void chase() {
  seam::VirtualTime time{Time()};
  const auto journal = api::memory_journal();
  api::Store store(schema(), *journal);
  (void)store.load();
  api::Api api(schema(), store, time, 1);
  Manager manager(api);
  Log log;
  const api::Key key{&schema().resource("", "configmaps"), "default", "x"};
  manager.add(std::make_unique<Probe>("loop", time, log, [&]() -> Result<Again> {
    manager.wake("loop", key);
    return Again::when_changed();
  }));
  manager.start();
  manager.wake("loop", key);
  manager.run(2 * kMaxLooksPerInstant);
}

TEST(ManagerDeathTest, AControllerThatChasesItselfIsCaught) {
  EXPECT_DEATH(chase(), "controller loop looks at .*default/x over and over");
}

}  // namespace
}  // namespace fairlead::control
