#include "engine/cli/load_report.h"

#include <gtest/gtest.h>

namespace fairlead::cli {
namespace {

net::VersionReport seen(std::uint64_t requests, std::map<std::string, std::uint64_t> errors) {
  net::VersionReport out;
  out.requests = requests;
  out.errors = std::move(errors);
  return out;
}

TEST(LoadReport, tells_an_answer_without_a_version_from_no_answer) {
  net::LoadReport report;
  report.versions = {{"", seen(3, {{"4xx", 3}})}, {"v1", seen(5, {})}};
  report.unanswered = seen(2, {{"connect", 2}});
  report.total = seen(10, {{"4xx", 3}, {"connect", 2}});
  const std::string text = to_text(report);
  for (const char* line : {"(no version)   3          100.0 % (3 4xx)", "(no answer)    2          100.0 % (2 connect)",
                           "v1             5          0 ", "all            10         50.0 %"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << " in\n" << text;
  }
  EXPECT_EQ(to_value(report).at("unanswered", "errors", "connect"), Value(2));
}

TEST(LoadReport, where_nobody_answered_there_is_no_latency) {
  net::LoadReport report;
  report.unanswered = report.total = seen(2, {{"connect", 2}});
  const std::string text = to_text(report);
  EXPECT_EQ(text.find(" ms"), std::string::npos) << text;
  EXPECT_TRUE(to_value(report).at("total", "latencySeconds", "p99").is_null());
  report.unanswered.p99 = report.unanswered.max = std::chrono::milliseconds(5000);
  EXPECT_NE(to_text(report).find("5000.0 ms"), std::string::npos) << "how long was waited for an answer";
}

TEST(LoadReport, of_one_version_has_one_row) {
  net::LoadReport report;
  report.versions = {{"v1", seen(5, {})}};
  report.total = seen(5, {});
  EXPECT_EQ(to_text(report).find("all"), std::string::npos);
  EXPECT_EQ(to_text(report).find("(no answer)"), std::string::npos);
}

}  // namespace
}  // namespace fairlead::cli
