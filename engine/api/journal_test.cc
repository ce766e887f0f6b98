#include "engine/api/journal.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>

#include <gtest/gtest.h>

#include "base/testing_folder.h"
#include "engine/api/store.h"

namespace fairlead::api {
namespace {

/// A control thread: whoever calls `run_until`.
class Loop final : public seam::Executor {
 public:
  void post(std::move_only_function<void()> task) override {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    wake_.notify_one();
  }
  template <class Condition>
  void run_until(Condition condition) {
    while (!condition()) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return !tasks_.empty(); });
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::move_only_function<void()>> tasks_;
};

Schema& schema() {
  static Schema all;
  return all;
}

Key config_map(std::string name) { return {&schema().resource("", "configmaps"), "default", std::move(name)}; }

Value tree(const Key& key, const std::string& data) {
  return Value::object(
      {{"apiVersion", "v1"},
       {"kind", "ConfigMap"},
       {"metadata", Value::object({{"name", key.name}, {"namespace", key.ns}, {"uid", "u-" + key.name}})},
       {"data", Value::object({{"d", data}})}});
}

class JournalTest : public testing::Test {
 protected:
  std::unique_ptr<Journal> open(Loop& loop) {
    auto journal = sqlite_journal(path_, loop);
    EXPECT_TRUE(journal.has_value()) << journal.error().to_string();
    return journal ? std::move(*journal) : nullptr;
  }

  const TemporaryFolder temporary_{"journal"};
  const std::string path_ = temporary_.path() + "/state.db";
};

TEST_F(JournalTest, WhatWasDurableIsThereAfterARestart) {
  Loop loop;
  {
    const auto journal = open(loop);
    Store store(schema(), *journal);
    ASSERT_TRUE(store.load().has_value());
    store.put(config_map("a"), tree(config_map("a"), "1"));
    store.put(config_map("b"), tree(config_map("b"), "1"));
    store.put(config_map("a"), tree(config_map("a"), "2"));
    store.remove(config_map("b"));
    bool durable = false;
    store.when_durable(4, [&](Result<> ok) { durable = ok.has_value(); });
    EXPECT_FALSE(durable) << "nothing is answered before the disk has it";
    loop.run_until([&] { return durable; });
    EXPECT_EQ(store.durable_revision(), 4U);
  }
  const auto journal = open(loop);
  Store store(schema(), *journal);
  ASSERT_TRUE(store.load().has_value());
  EXPECT_EQ(store.revision(), 4U) << "the removal's revision is never given out again";
  ASSERT_TRUE(store.get(config_map("a")));
  EXPECT_EQ(store.get(config_map("a"))->at("data", "d").str(), "2");
  EXPECT_EQ(store.get(config_map("a"))->revision(), 3U);
  EXPECT_EQ(store.get(config_map("a"))->at("metadata", "resourceVersion").str(), "3");
  EXPECT_FALSE(store.get(config_map("b")));
  EXPECT_FALSE(store.events_after(3).has_value()) << "events of an earlier life are gone";
  EXPECT_TRUE(store.events_after(4).has_value());
  EXPECT_EQ(store.put(config_map("c"), tree(config_map("c"), "1"))->revision(), 5U);
}

TEST_F(JournalTest, WatchesSeeOnlyWhatIsDurable) {
  Loop loop;
  const auto journal = open(loop);
  Store store(schema(), *journal);
  ASSERT_TRUE(store.load().has_value());
  std::vector<std::uint64_t> noted;
  std::vector<std::uint64_t> watched;
  store.subscribe([&](const Event& event) { noted.push_back(event.revision); });
  const auto watch = store.watch([&](const Event& event) { watched.push_back(event.revision); });
  for (int i = 0; i < 3; ++i) store.put(config_map("a"), tree(config_map("a"), std::to_string(i)));
  EXPECT_EQ(noted.size(), 3U);
  EXPECT_TRUE(watched.empty());
  loop.run_until([&] { return watched.size() == 3; });
  EXPECT_EQ(watched, (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(JournalTest, AForeignFileIsRefused) {
  FILE* file = std::fopen(path_.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fputs("this is not a database, and it is long enough to be recognised as none of ours at all\n", file);
  std::fclose(file);
  Loop loop;
  const auto journal = sqlite_journal(path_, loop);
  ASSERT_FALSE(journal.has_value());
  EXPECT_NE(journal.error().to_string().find(path_), std::string::npos);
  EXPECT_NE(journal.error().message.find("move it aside"), std::string::npos) << journal.error().message;
}

/// What the writer says about one of its writes: first that it will do it, later that it is durable.
struct Said {
  std::uint64_t revision = 0;
  std::uint32_t name = 0;
  std::uint16_t gone = 0;
  std::uint16_t durable = 0;
};

/// Writes, replaces and removes for ever, and tells the pipe what is durable.
[[noreturn]] void write_for_ever(const std::string& path, int pipe, std::uint64_t seed) {
  Loop loop;
  auto journal = sqlite_journal(path, loop);
  if (!journal) _exit(3);
  Store store(schema(), **journal);
  if (!store.load()) _exit(4);
  std::size_t waiting = 0;
  while (true) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    const auto name = static_cast<std::uint32_t>((seed >> 33) % 50);
    const Key key = config_map("c" + std::to_string(name));
    const bool gone = (seed >> 40) % 4 == 0 && store.get(key);
    Said said{store.revision() + 1, name, gone ? std::uint16_t{1} : std::uint16_t{0}, 0};
    if (write(pipe, &said, sizeof said) != sizeof said) _exit(5);
    if (gone) {
      store.remove(key);
    } else {
      store.put(key, tree(key, std::to_string(store.revision() + 1)));
    }
    said.durable = 1;
    ++waiting;
    store.when_durable(said.revision, [&waiting, pipe, said](Result<> ok) {
      --waiting;
      if (ok && write(pipe, &said, sizeof said) != sizeof said) _exit(5);
    });
    if (waiting >= 20) loop.run_until([&] { return waiting < 10; });
  }
}

/// Runs a writer until it has acknowledged `enough` writes, kills it, and returns everything it said.
std::vector<Said> run_and_kill(const std::string& path, std::uint64_t seed, std::uint64_t enough) {
  std::vector<Said> out;
  std::array<int, 2> ends{};
  EXPECT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  EXPECT_GE(child, 0);
  if (child == 0) {
    close(ends[0]);
    write_for_ever(path, ends[1], seed);
  }
  close(ends[1]);
  Said said;
  std::uint64_t count = 0;
  while (read(ends[0], &said, sizeof said) == sizeof said) {
    out.push_back(said);  // What it said before it died is still read from the pipe.
    if (said.durable != 0 && ++count == enough) kill(child, SIGKILL);
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself with " << WEXITSTATUS(status);
  return out;
}

TEST_F(JournalTest, KilledAtAnyMomentItLosesNothingAcknowledged) {
  (void)schema();
  std::uint64_t highest = 0;
  for (const std::uint64_t seed : {11U, 23U, 37U, 58U, 71U, 99U, 140U, 203U}) {
    std::map<std::uint32_t, Said> acknowledged;
    std::map<std::uint32_t, std::uint64_t> last_removal;  // Intended ones too.
    const std::uint64_t floor = highest;
    for (const Said& said : run_and_kill(path_, seed, seed)) {
      ASSERT_GT(said.revision, floor) << "a revision was given out twice";
      if (said.gone != 0) last_removal[said.name] = said.revision;
      if (said.durable == 0) continue;
      acknowledged[said.name] = said;
      highest = std::max(highest, said.revision);
    }
    Loop loop;
    const auto journal = open(loop);
    Store store(schema(), *journal);
    ASSERT_TRUE(store.load().has_value());
    EXPECT_GE(store.revision(), highest);
    for (const auto& [name, said] : acknowledged) {
      const ObjectPtr object = store.get(config_map("c" + std::to_string(name)));
      if (object) {
        EXPECT_GE(object->revision(), said.revision) << "c" << name << " fell back";
      } else {
        EXPECT_GE(last_removal[name], said.revision) << "c" << name << " is lost";
      }
    }
    highest = std::max(highest, store.revision());
  }
  EXPECT_GT(highest, 500U);
}

TEST_F(JournalTest, ADiskThatRefusesStopsEverything) {
  (void)schema();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 20, 1 << 20};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(2);
    Loop loop;
    auto journal = sqlite_journal(path_, loop);
    if (!journal) _exit(3);
    Store store(schema(), **journal);
    if (!store.load()) _exit(4);
    bool failed = false;
    std::uint64_t good = 0;
    for (int i = 0; i < 400 && store.writable(); ++i) {
      const Key key = config_map("c" + std::to_string(i));
      store.put(key, tree(key, std::string(10'000, 'x')));
      bool answered = false;
      store.when_durable(store.revision(), [&](Result<> ok) {
        answered = true;
        failed = !ok;
        if (ok) ++good;
      });
      loop.run_until([&] { return answered; });
    }
    if (!failed || good == 0) _exit(5);
    if (store.durable_revision() != good) _exit(6);
    const auto refused = store.writable();
    if (refused || refused.error().code != 500 || refused.error().message.find(path_) == std::string::npos) _exit(7);
    if (!store.failure()) _exit(8);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  Loop loop;
  const auto journal = open(loop);
  Store store(schema(), *journal);
  ASSERT_TRUE(store.load().has_value()) << "what was durable before can still be read";
  EXPECT_GT(store.count(schema().resource("", "configmaps")), 0U);
}

}  // namespace
}  // namespace fairlead::api
