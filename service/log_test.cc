#include "service/log.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <future>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/json.h"

namespace fairlead::service {
namespace {

struct Ends {
  ~Ends() {
    ::close(read);
    ::close(write);
  }
  int read = -1;
  int write = -1;
};

void open_pipe(Ends& ends) {
  std::array<int, 2> fds{};
  ASSERT_EQ(::pipe2(fds.data(), O_CLOEXEC), 0);
  ends.read = fds[0];
  ends.write = fds[1];
}

/// A terminal that leaves the bytes as they are.
void open_terminal(Ends& ends) {
  ends.read = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(ends.read, 0);
  ASSERT_EQ(::grantpt(ends.read), 0);
  ASSERT_EQ(::unlockpt(ends.read), 0);
  std::array<char, 64> name{};
  ASSERT_EQ(::ptsname_r(ends.read, name.data(), name.size()), 0);
  ends.write = ::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(ends.write, 0);
  termios raw{};
  ASSERT_EQ(::tcgetattr(ends.write, &raw), 0);
  ::cfmakeraw(&raw);
  ASSERT_EQ(::tcsetattr(ends.write, TCSANOW, &raw), 0);
}

/// Reads on until `text` holds so many lines, or nothing has come for long. A terminal hands on what it was given when
/// it likes to.
void read_lines(int fd, std::uint64_t count, std::string& text) {
  constexpr int kLongMillis = 10'000;
  std::array<char, 4096> piece{};
  while (static_cast<std::uint64_t>(std::ranges::count(text, '\n')) < count) {
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, kLongMillis) != 1 || (ready.revents & POLLIN) == 0) return;
    const auto size = ::read(fd, piece.data(), piece.size());
    if (size <= 0) return;
    text.append(piece.data(), static_cast<std::size_t>(size));
  }
}

/// Fails the test for a line that is no JSON object or is longer than a line may be.
std::vector<Value> lines_of(std::string_view text) {
  std::vector<Value> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    EXPECT_NE(end, std::string_view::npos) << "an unfinished line: " << line;
    EXPECT_LT(line.size(), kMaxLine);
    auto value = parse_json(line);
    EXPECT_TRUE(value.has_value()) << line;
    if (value) lines.push_back(*std::move(value));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

/// Writes to a reader that reads nothing until lines are lost, then reads all, and looks for the loss in the log.
void lose_and_tell(const Ends& ends) {
  const Log log(ends.write, Level::kInfo, "test", "1");
  std::uint64_t count = 0;
  while (log.dropped() < 10) {
    ASSERT_LT(++count, 100'000U) << "nothing is ever lost";
    log.write(Level::kInfo, "before", {{"n", count}});
  }
  std::string text;
  read_lines(ends.read, count / 2, text);
  log.write(Level::kInfo, "after");
  while (text.find("\"after\"") == std::string::npos || !text.ends_with('\n')) {
    const auto lines = std::ranges::count(text, '\n');
    read_lines(ends.read, static_cast<std::uint64_t>(lines) + 1, text);
    ASSERT_GT(std::ranges::count(text, '\n'), lines) << "the last line never comes";
  }
  std::int64_t last = 0;
  std::int64_t lost = 0;
  for (const Value& line : lines_of(text)) {
    if (line.at("level").str() == "warn") lost += line.at("count").int_or(-1);
    if (line.at("message").str() != "before") continue;
    EXPECT_EQ(line.at("n").int_or(-1), last + 1 + std::exchange(lost, 0)) << "the loss is told where it was";
    last = line.at("n").int_or(-1);
  }
  EXPECT_EQ(last + lost, static_cast<std::int64_t>(count));
  EXPECT_EQ(log.dropped(), 10U);
}

TEST(Log, APipeThatNobodyReadsStopsNobody) {
  Ends ends;
  ASSERT_NO_FATAL_FAILURE(open_pipe(ends));
  lose_and_tell(ends);
}

TEST(Log, ATerminalThatNobodyReadsStopsNobody) {
  Ends ends;
  ASSERT_NO_FATAL_FAILURE(open_terminal(ends));
  lose_and_tell(ends);
}

TEST(Log, LinesOfSeveralThreadsNeitherMixNorTear) {
  constexpr std::uint64_t kThreads = 8;
  constexpr std::uint64_t kLines = 200;
  Ends ends;
  ASSERT_NO_FATAL_FAILURE(open_pipe(ends));
  auto reader = std::async(std::launch::async, [&] {
    std::string text;
    std::array<char, 1000> piece{};
    while (text.find("\"the end\"") == std::string::npos || !text.ends_with('\n')) {
      const auto count = ::read(ends.read, piece.data(), piece.size());
      if (count <= 0) break;
      text.append(piece.data(), static_cast<std::size_t>(count));
    }
    return text;
  });
  const Log log(ends.write, Level::kInfo, "test", "1");
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (std::uint64_t n = 0; n < kLines; ++n) {
          log.write(Level::kInfo, "long", {{"n", t * kLines + n}, {"path", std::string(60'000, 'x')}});
        }
      });
    }
  }
  const std::uint64_t lost = log.dropped();
  for (std::uint64_t before = lost;; before = log.dropped()) {  // Until the reader has caught up.
    log.write(Level::kInfo, "the end");
    if (log.dropped() == before) break;
  }
  std::set<std::int64_t> seen;
  for (const Value& line : lines_of(reader.get())) {
    if (line.at("message").str() != "long") continue;
    EXPECT_TRUE(seen.insert(line.at("n").int_or(-1)).second);
    EXPECT_TRUE(line.at("truncated").bool_or(false));
    EXPECT_GT(line.at("path").str().size(), kMaxLine / 2);
  }
  EXPECT_EQ(seen.size() + lost, kThreads * kLines);
}

TEST(Log, ALongTextIsCutBetweenCharacters) {
  for (std::size_t shift = 0; shift < 4; ++shift) {
    Ends ends;
    ASSERT_NO_FATAL_FAILURE(open_pipe(ends));
    const Log log(ends.write, Level::kInfo, "test", "1");
    std::string text(shift, 'x');
    for (int i = 0; i < 3000; ++i) text += "ä\"\n";
    log.write(Level::kInfo, "long", {{"text", text}, {"code", 200}});
    log.write(Level::kInfo, "short", {{"text", "ä"}});
    std::string said;
    read_lines(ends.read, 2, said);
    const auto lines = lines_of(said);
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_TRUE(text.starts_with(lines[0].at("text").str()));
    EXPECT_TRUE(lines[0].at("truncated").bool_or(false));
    EXPECT_FALSE(lines[1].has("truncated"));
  }
}

}  // namespace
}  // namespace fairlead::service
