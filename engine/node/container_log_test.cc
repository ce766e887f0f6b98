#include "engine/node/container_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/testing_folder.h"
#include "engine/node/files.h"

namespace fairlead::node {
namespace {

class ContainerLogTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return folder_ + "/pod/0.log"; }

  /// Writes `text` as a container does and waits until it is in the log.
  void log(const std::string& text) {
    Loop loop;
    ContainerLog out(loop, path());
    Descriptor output;
    Descriptor errors;
    ASSERT_TRUE(out.open(output, errors));
    std::jthread writer([&] {
      for (std::size_t at = 0; at < text.size();) {
        const ssize_t put = ::write(output.get(), text.data() + at, text.size() - at);
        if (put <= 0) break;
        at += static_cast<std::size_t>(put);
      }
      output.reset();
      errors.reset();
      loop.post([&] { loop.stop(); });
    });
    loop.run();
    out.finish();
  }

  /// What a reader gets.
  static std::string render(const std::string& lines, const seam::LogRequest& request = {}) {
    LogFilter filter(request);
    std::string out;
    for (std::size_t at = 0; at < lines.size() && !filter.done();) {
      const auto newline = std::min(lines.find('\n', at), lines.size());
      out += filter.render(std::string_view(lines).substr(at, newline - at));
      at = newline + 1;
    }
    return out;
  }

  const TemporaryFolder temporary_{"log"};
  const std::string folder_ = temporary_.path();
};

TEST_F(ContainerLogTest, KeepsTheLatestFilesAndReadsAcrossThem) {
  constexpr int kLines = 700'000;  // Well over what five files hold.
  std::string text;
  for (int i = 0; i < kLines; ++i) text += fmt::format("line {} {}\n", i, std::string(60, 'x'));
  log(text);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/pod")) {
    ++files;
    EXPECT_LE(entry.file_size(), kMaxLogFile + kMaxLogLine + 100) << entry.path();
  }
  EXPECT_EQ(files, kMaxLogFiles);
  const std::string all = render(read_log(path(), std::string::npos));
  EXPECT_TRUE(all.ends_with(fmt::format("line {} {}\n", kLines - 1, std::string(60, 'x'))));
  EXPECT_EQ(all.find("line 0 "), std::string::npos) << "the oldest lines are gone";
  // No line is lost between the oldest kept and the newest.
  const auto first = std::atoi(all.c_str() + 5);
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), kLines - first);
  // A tail longer than the newest file goes on in the one before.
  const std::string tail = render(read_log(path(), 150'000));
  EXPECT_EQ(std::count(tail.begin(), tail.end(), '\n'), 150'000);
  EXPECT_TRUE(tail.starts_with(fmt::format("line {} ", kLines - 150'000)));
}

TEST_F(ContainerLogTest, LongLinesAreSplitAndReadAsOne) {
  const std::string line(40'000, 'y');
  log("before\n" + line + "\nafter\nwithout an end");
  const std::string lines = read_log(path(), std::string::npos);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 6) << "three parts of the long one";
  EXPECT_TRUE(render(lines).starts_with("before\n" + line + "\nafter\nwithout an end"));
}

TEST_F(ContainerLogTest, AHistoryIsWhatWasThereWhenItWasTaken) {
  ASSERT_TRUE(make_directories(folder_ + "/pod"));
  ASSERT_TRUE(write_file(path(), "new one\n"));
  ASSERT_TRUE(write_file(path() + ".1", "old one\nold two\n"));
  const LogHistory history(path());
  std::ofstream(path(), std::ios::app) << "new two\n";
  std::filesystem::rename(path(), path() + ".1");
  ASSERT_TRUE(write_file(path(), "newest\n"));
  EXPECT_EQ(history.read(std::string::npos), "old one\nold two\nnew one\n");
  EXPECT_EQ(history.read(2), "old two\nnew one\n");
}

TEST_F(ContainerLogTest, WhatAnEarlierLifeLeftIsFoundByThePodsUid) {
  const std::string main = folder_ + "/shop_web_uid-1/main";
  ASSERT_TRUE(make_directories(main) && make_directories(folder_ + "/shop_other_uid-11/main"));
  EXPECT_FALSE(find_stored_log(folder_, "uid-1", "main", false)) << "it wrote nothing";
  for (const char* name : {"/9.log", "/10.log", "/10.log.1", "/notes.log"}) ASSERT_TRUE(write_file(main + name, ""));
  EXPECT_EQ(find_stored_log(folder_, "uid-1", "main", false).value_or(""), main + "/10.log");
  EXPECT_EQ(find_stored_log(folder_, "uid-1", "main", true).value_or(""), main + "/9.log");
  std::filesystem::remove(main + "/9.log");
  EXPECT_FALSE(find_stored_log(folder_, "uid-1", "main", true));
  EXPECT_FALSE(find_stored_log(folder_, "uid-2", "main", false));
}

TEST_F(ContainerLogTest, ReadersChooseByTimeAndSize) {
  const std::string lines =
      "2026-01-01T00:00:01.000000000Z stdout F one\n"
      "2026-01-01T00:00:02.000000000Z stderr F two\n"
      "2026-01-01T00:00:03.000000000Z stdout P thr\n"
      "2026-01-01T00:00:03.000000000Z stdout F ee\n";
  EXPECT_EQ(render(lines), "one\ntwo\nthree\n");
  seam::LogRequest request;
  request.since = parse_time("2026-01-01T00:00:02Z").value();
  EXPECT_EQ(render(lines, request), "two\nthree\n");
  request.since.reset();
  request.limit_bytes = 6;
  EXPECT_EQ(render(lines, request), "one\ntw");
  request.limit_bytes.reset();
  request.timestamps = true;
  EXPECT_TRUE(render(lines, request).starts_with("2026-01-01T00:00:01.000000000Z one\n"));
}

}  // namespace
}  // namespace fairlead::node
