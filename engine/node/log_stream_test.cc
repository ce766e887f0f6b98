#include "engine/node/log_stream.h"

#include <gtest/gtest.h>

#include <string>

namespace fairlead::node {
namespace {

std::string line(int number) { return fmt::format("2026-01-01T00:00:0{}.000000000Z stdout F {}", number, number); }

TEST(LogStream, LiveLinesWaitForTheHistory) {
  std::string text;
  LogStream stream({}, [&](std::string_view chunk, bool end) { text += end ? "end" : std::string(chunk); });
  stream.live(line(3));
  stream.live(line(4));
  EXPECT_EQ(text, "");
  stream.history(line(1) + "\n" + line(2) + "\n");
  EXPECT_EQ(text, "1\n2\n3\n4\n");
  stream.live(line(5));
  EXPECT_EQ(text, "1\n2\n3\n4\n5\n");
  stream.live_end();
  EXPECT_EQ(text, "1\n2\n3\n4\n5\nend");
}

TEST(LogStream, AnEndBeforeTheHistoryComesAfterIt) {
  std::string text;
  LogStream stream({}, [&](std::string_view chunk, bool end) { text += end ? "end" : std::string(chunk); });
  stream.live(line(2));
  stream.live_end();
  stream.history(line(1) + "\n");
  EXPECT_EQ(text, "1\n2\nend");
}

}  // namespace
}  // namespace fairlead::node
