#include "engine/api/route.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/json.h"
#include "engine/api/accept.h"
#include "engine/api/discovery.h"
#include "engine/api/json_path.h"

namespace fairlead::api {
namespace {

/// "verb group/version ns resource name", or "verb path" for what names no resource.
std::string read(std::string_view method, std::string_view path, std::string_view query = {}) {
  const auto route = parse_route(method, path, Query::parse(query));
  if (!route.is_resource) return route.verb + " " + route.path;
  return fmt::format("{} {}/{} {} {} {}", route.verb, route.group, route.version, route.ns, route.full_resource(),
                     route.name);
}

TEST(Route, ReadsPathsAsUpstream) {
  EXPECT_EQ(read("GET", "/api/v1/namespaces/a/pods/b"), "get /v1 a pods b");
  EXPECT_EQ(read("GET", "/api/v1/namespaces/a/pods/b/log"), "get /v1 a pods/log b");
  EXPECT_EQ(read("GET", "/api/v1/pods"), "list /v1  pods ");
  EXPECT_EQ(read("GET", "/api/v1/pods", "watch=true"), "watch /v1  pods ");
  EXPECT_EQ(read("GET", "/api/v1/pods", "watch=0"), "list /v1  pods ");
  EXPECT_EQ(read("GET", "/api/v1/watch/pods"), "watch /v1  pods ");
  EXPECT_EQ(read("GET", "/api/v1/namespaces/a/pods", "fieldSelector=metadata.name%3Db"), "list /v1 a pods b");
  EXPECT_EQ(read("DELETE", "/apis/apps/v1/namespaces/a/deployments"), "deletecollection apps/v1 a deployments ");
  EXPECT_EQ(read("POST", "/apis/apps/v1/namespaces/a/deployments"), "create apps/v1 a deployments ");
  EXPECT_EQ(read("PATCH", "/apis/apps/v1/namespaces/a/deployments/d/scale"), "patch apps/v1 a deployments/scale d");
  EXPECT_EQ(read("PUT", "/api/v1/namespaces/a/status"), "update /v1 a namespaces/status a");
  EXPECT_EQ(read("PUT", "/api/v1/namespaces/a/finalize"), "update /v1 a namespaces/finalize a");
  EXPECT_EQ(read("GET", "/api/v1/namespaces/a"), "get /v1 a namespaces a");
  EXPECT_EQ(read("GET", "/api/v1/namespaces"), "list /v1  namespaces ");
  EXPECT_EQ(read("GET", "/apis/apps/v1"), "get /apis/apps/v1");
  EXPECT_EQ(read("GET", "/healthz"), "get /healthz");
  EXPECT_EQ(read("GET", "/api/v1/namespaces/a/pods/b%2Fc"), "get /v1 a pods/c b");
}

TEST(Accept, PicksTheFirstFormOffered) {
  const auto table = negotiate("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", false).value();
  EXPECT_EQ(table.form, Form::kTable);
  EXPECT_EQ(table.version, "v1");
  const auto object = negotiate("application/vnd.kubernetes.protobuf, application/json", false).value();
  EXPECT_EQ(object.form, Form::kObject);
  EXPECT_EQ(negotiate("application/vnd.kubernetes.protobuf;q=1, */*;q=0.1", false).value().form, Form::kObject);
  EXPECT_TRUE(negotiate("application/yaml", false).value().yaml);
  EXPECT_FALSE(negotiate("application/vnd.kubernetes.protobuf", false));
  EXPECT_FALSE(negotiate("text/html", false));
  EXPECT_TRUE(negotiate("", false));
  const auto discovery =
      negotiate("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json", true).value();
  EXPECT_EQ(discovery.content_type(), "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
}

TEST(Discovery, OrdersVersionsAsKubernetesDoes) {
  std::vector<std::string> versions = {"v1alpha1", "foo1", "v1", "v2beta1", "v10", "v1beta2", "v2"};
  std::ranges::sort(versions, better_version);
  EXPECT_EQ(fmt::format("{}", fmt::join(versions, " ")), "v10 v2 v1 v2beta1 v1beta2 v1alpha1 foo1");
}

TEST(Discovery, SaysTheSameInEveryForm) {
  const Schema schema;
  const Discovery discovery(schema.resources());
  ASSERT_NE(discovery.document("/apis/apps/v1"), nullptr);
  EXPECT_EQ(discovery.document("/apis/apps/v2"), nullptr);
  EXPECT_TRUE(discovery.serves("v1"));
  EXPECT_TRUE(discovery.serves("metrics.k8s.io/v1beta1"));
  const auto list = parse_json(discovery.document("/apis/apps/v1")->json);
  const auto aggregated = parse_json(discovery.aggregated("/apis", "v2")->json);
  std::size_t old_resources = 0;
  for (const auto& entry : list->at("resources").items())
    old_resources += entry.at("name").str().find('/') == std::string_view::npos;
  for (const auto& group : aggregated->at("items").items()) {
    if (group.at("metadata", "name").str() == "apps") {
      EXPECT_EQ(group.at("versions", 0, "resources").size(), old_resources);
    }
  }
  EXPECT_EQ(old_resources, 5U);
  const auto autoscaling = parse_json(discovery.document("/apis/autoscaling")->json);
  EXPECT_EQ(autoscaling->at("preferredVersion", "version").str(), "v2");
}

std::string find(std::string_view path, const Value& root) {
  const auto parsed = JsonPath::parse(path);
  if (!parsed) return parsed.error().to_string();
  std::string out;
  for (const Value* value : parsed->find(root)) out += to_json(*value) + ";";
  return out;
}

TEST(JsonPath, SelectsWhatColumnsName) {
  const auto root = *parse_json(R"({"a":{"b.c":1,"d":[10,11,12]},"s":{"conditions":[{"type":"X","status":"False"},
                                   {"type":"Ready","status":"True"}]}})");
  EXPECT_EQ(find(".a.d", root), "[10,11,12];");
  EXPECT_EQ(find("{.a.d[1]}", root), "11;");
  EXPECT_EQ(find(".a.d[-1]", root), "12;");
  EXPECT_EQ(find(".a.d[*]", root), "10;11;12;");
  EXPECT_EQ(find(".a.b\\.c", root), "1;");
  EXPECT_EQ(find(".a['b.c']", root), "1;");
  EXPECT_EQ(find(R"(.s.conditions[?(@.type=="Ready")].status)", root), "\"True\";");
  EXPECT_EQ(find(R"(.s.conditions[?(@.type!='Ready')].status)", root), "\"False\";");
  EXPECT_EQ(find(".nope.d", root), "");
  EXPECT_EQ(find("..a", root), "JSONPath '..a': recursive descent is not supported");
  EXPECT_EQ(find(".a[", root), "JSONPath '.a[' has an unterminated [");
}

}  // namespace
}  // namespace fairlead::api
