#include "engine/gitops/program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

namespace fairlead::gitops {
namespace {

constexpr std::size_t kLong = std::size_t{1} << 20U;

TEST(Program, what_it_reads_comes_back_however_long) {
  const std::string text(kLong, 'x');
  const auto result = run_program({"cat"}, {.directory = "", .input = text});
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(result->exit_code, 0);
  EXPECT_EQ(result->output, text);
}

TEST(Program, one_that_does_not_read_its_input_ends_all_the_same) {
  const auto result = run_program({"true"}, {.directory = "", .input = std::string(kLong, 'x')});
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(result->exit_code, 0);
}

TEST(Program, arguments_environment_and_directory_arrive_as_they_are) {
  const auto result = run_program({"sh", "-c", "printf '%s|%s|%s' \"$1\" \"$COLOUR\" \"$PWD\"", "sh", "a b; $(rm) 'c'"},
                                  {.directory = "/usr", .env = {{"COLOUR", "sea green"}}});
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(result->output, "a b; $(rm) 'c'|sea green|/usr");
}

TEST(Program, lines_of_both_streams_are_handed_on_and_the_last_needs_no_end) {
  std::vector<std::string> lines;
  const auto result =
      run_program({"sh", "-c", "echo one; echo two >&2; printf three; exit 7"},
                  {.directory = "", .on_line = [&](std::string_view line) { lines.emplace_back(line); }});
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(result->exit_code, 7);
  EXPECT_EQ(result->error, "two\n");
  std::ranges::sort(lines);
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "three", "two"}));
}

TEST(Program, failures_say_which_program_and_what_it_said) {
  const auto missing = check_program({"no-such-program"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().to_string(), "no-such-program is not installed: tools/setup installs what is needed here");
  ProgramOptions nowhere;
  nowhere.directory = "/no/such/folder";
  const auto lost = check_program({"sh"}, nowhere);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().to_string(), "cannot run sh: No such file or directory");
  const auto failed = check_program({"sh", "-c", "echo why >&2; exit 3"});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().to_string(), "`sh -c echo why >&2; exit 3` failed (exit code 3): why");
  const auto killed = run_program({"sh", "-c", "kill -9 $$"});
  ASSERT_TRUE(killed);
  EXPECT_EQ(killed->exit_code, 128 + SIGKILL);
}

}  // namespace
}  // namespace fairlead::gitops
