#include "engine/api/server_metrics.h"

#include <gtest/gtest.h>

#include "engine/api/testing_client.h"

namespace fairlead::api {
namespace {

TEST(ServerMetrics, CountsVerbsThatNobodyKnowsAsOne) {
  ServerMetrics metrics;
  for (const auto* verb : {"evil", "brew\"", "get"}) metrics.count(verb, "pods", 200, std::chrono::milliseconds(2));
  metrics.stream_begun("watch", "a\"b\\c\nd");
  std::string text;
  metrics.append(text);
  for (const auto* line : {R"(apiserver_request_total{verb="other",resource="pods",code="200"} 2)",
                           R"(apiserver_request_total{verb="get",resource="pods",code="200"} 1)",
                           R"(apiserver_request_total{verb="watch",resource="a\"b\\c\nd",code="200"} 1)",
                           R"(apiserver_request_duration_seconds_count{verb="other",resource="pods"} 2)"}) {
    EXPECT_NE(text.find(std::string(line) + "\n"), std::string::npos) << line << "\n" << text;
  }
  EXPECT_EQ(text.find("evil"), std::string::npos);
}

TEST_F(ServerTest, MetricsNameOnlyWhatExists) {
  for (auto* client : {&nobody_, &admin_}) {
    send(*client, request("GET", "/api/v1/%22%7D%20%0Aevil_metric%7Ba=%22"));
    send(*client, request("GET", "/api/v1/namespaces/default/pods/a/nonsense"));
    send(*client, request("GET", "/apis/nothing/v1/nothings"));
    send(*client, request("NONSENSE", "/api/v1/pods"));
    send(*client, request("GET", "/api/v1/namespaces/default/pods/a/log"));
    send(*client, request("GET", "/apis/apps/v1/deployments"));
    send(*client, request("GET", "/healthz"));
  }
  const std::string text = get("/metrics").text;
  EXPECT_EQ(text.find("evil_metric"), std::string::npos);
  EXPECT_EQ(text.find("nothing"), std::string::npos);
  EXPECT_EQ(text.find("nonsense"), std::string::npos);
  for (const auto* line : {R"(apiserver_request_total{verb="list",resource="",code="401"} 2)",
                           R"(apiserver_request_total{verb="other",resource="pods",code="401"} 1)",
                           R"(apiserver_request_total{verb="get",resource="pods/log",code="401"} 1)",
                           R"(apiserver_request_total{verb="get",resource="pods/log",code="404"} 1)",
                           R"(apiserver_request_total{verb="list",resource="deployments",code="200"} 1)"}) {
    EXPECT_NE(text.find(std::string(line) + "\n"), std::string::npos) << line << "\n" << text.substr(0, 2000);
  }
}

}  // namespace
}  // namespace fairlead::api
