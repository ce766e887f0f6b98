#include "engine/api/token.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/json.h"
#include "engine/api/access.h"
#include "engine/api/authorizer.h"

namespace fairlead::api {
namespace {

class TokenTest : public testing::Test {
 protected:
  TokenTest() {
    make("serviceaccounts", R"({"metadata":{"name":"web"}})");
    make("pods",
         R"({"metadata":{"name":"p"},"spec":{"serviceAccountName":"web","containers":[{"name":"c","image":"i"}]}})");
  }
  static Schema& schema() {
    static Schema all;
    return all;
  }
  ObjectPtr make(std::string_view plural, std::string_view text, std::string_view group = "") {
    auto out = api_.create(schema().resource(group, plural), "shop", *parse_json(text));
    EXPECT_TRUE(out.has_value()) << out.error().message;
    return out ? *out : nullptr;
  }
  std::string token(std::string_view request = R"({"spec":{}})") {
    auto out = tokens_.issue("shop", "web", *parse_json(request));
    EXPECT_TRUE(out.has_value()) << out.error().message;
    return out ? std::string(out->at("status", "token").str()) : "";
  }

  std::unique_ptr<Journal> journal_ = memory_journal();
  Store store_{schema(), *journal_};
  seam::ManualClock clock_{*parse_time("2026-11-23T10:00:00Z")};
  Api api_{schema(), store_, clock_, 7};
  ServiceAccountTokens tokens_{api_, *TokenKey::create()};
};

TEST_F(TokenTest, StandsForItsAccountUntilItExpires) {
  const std::string mine = token();
  const auto user = tokens_.user_of(mine);
  ASSERT_TRUE(user.has_value()) << user.error();
  EXPECT_EQ(user->user.name, "system:serviceaccount:shop:web");
  EXPECT_EQ(user->user.groups, (std::vector<std::string>{"system:serviceaccounts", "system:serviceaccounts:shop"}));
  clock_.advance(std::chrono::seconds(kTokenSeconds) - Duration(1));
  EXPECT_TRUE(tokens_.user_of(mine).has_value());
  clock_.advance(Duration(1));
  EXPECT_EQ(tokens_.user_of(mine).error(), "the token has expired");
}

TEST_F(TokenTest, OnlyItsAudienceAcceptsIt) {
  const std::string vault = token(R"({"spec":{"audiences":["api://AzureADTokenExchange"]}})");
  EXPECT_FALSE(tokens_.user_of(vault).has_value());
  const auto known = tokens_.user_of(vault, {"other", "api://AzureADTokenExchange"});
  ASSERT_TRUE(known.has_value()) << known.error();
  EXPECT_EQ(known->audiences, std::vector<std::string>{"api://AzureADTokenExchange"}) << "and not for the other";
}

TEST_F(TokenTest, DiesWithItsPodAndItsAccount) {
  const std::string bound = token(R"({"spec":{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"p"}}})");
  const auto user = tokens_.user_of(bound);
  ASSERT_TRUE(user.has_value()) << user.error();
  EXPECT_EQ(user->user.extra.at("authentication.kubernetes.io/pod-name"), std::vector<std::string>{"p"});
  ASSERT_TRUE(api_.remove({&schema().resource("", "pods"), "shop", "p"}).has_value());
  EXPECT_EQ(tokens_.user_of(bound).error(), "the pod of the token is gone");
  const std::string free = token();
  ASSERT_TRUE(api_.remove({&schema().resource("", "serviceaccounts"), "shop", "web"}).has_value());
  make("serviceaccounts", R"({"metadata":{"name":"web"}})");
  EXPECT_FALSE(tokens_.user_of(free).has_value()) << "a new account of the same name is another account";
}

TEST_F(TokenTest, RefusesRequestsThatUpstreamRefuses) {
  const auto refusal = [&](std::string_view request) {
    return tokens_.issue("shop", "web", *parse_json(request)).error().code;
  };
  EXPECT_EQ(refusal(R"({"spec":{"expirationSeconds":599}})"), 422);
  EXPECT_EQ(refusal(R"({"spec":{"boundObjectRef":{"kind":"Pod","name":"none"}}})"), 404);
  EXPECT_EQ(refusal(R"({"spec":{"boundObjectRef":{"kind":"Pod","name":"p","uid":"other"}}})"), 409);
  EXPECT_EQ(tokens_.issue("shop", "none", Value::object()).error().code, 404);
}

TEST_F(TokenTest, NothingForgedIsAccepted) {
  const std::string good = token();
  const std::string claims = good.substr(good.find('.') + 1, good.rfind('.') - good.find('.') - 1);
  const auto url = [](std::string text) {
    text = base64_encode(text);
    while (text.ends_with('=')) text.pop_back();
    return text;
  };
  EXPECT_FALSE(tokens_.user_of(url(R"({"alg":"none"})") + "." + claims + ".").has_value());
  EXPECT_FALSE(tokens_.user_of(url(R"({"alg":"HS256"})") + good.substr(good.find('.'))).has_value());
  for (std::size_t at = 0; at < good.size(); at += 7) {
    std::string bent = good;
    bent[at] = bent[at] == 'A' ? 'B' : 'A';
    if (bent != good) {
      EXPECT_FALSE(tokens_.user_of(bent).has_value()) << at;
    }
  }
  const ServiceAccountTokens others(api_, *TokenKey::create());
  EXPECT_FALSE(others.user_of(good).has_value());
  for (const char* junk : {"", ".", "..", "a.b.c", "a.b", "a.b.c.d"}) EXPECT_FALSE(tokens_.user_of(junk).has_value());
}

TEST_F(TokenTest, KeysSurviveAsPem) {
  const auto again = TokenKey::read(*tokens_.key().pem());
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->id(), tokens_.key().id());
  EXPECT_TRUE(again->verify(token()).has_value());
  EXPECT_EQ(again->key_set().at("keys", 0, "x").str().size(), 43U);
  EXPECT_FALSE(TokenKey::read("not a key").has_value());
}

class AuthorizerTest : public TokenTest {
 protected:
  bool may(const User& user, std::string verb, const std::string& resource, std::string ns, std::string name = "") {
    Attributes asked;
    asked.is_resource = true;
    asked.verb = std::move(verb);
    const std::size_t slash = resource.find('/');
    asked.subresource = slash == std::string::npos ? "" : resource.substr(slash + 1);
    asked.resource = resource.substr(0, slash);
    asked.ns = std::move(ns);
    asked.name = std::move(name);
    return authorized(api_, user, asked);
  }
  static constexpr std::string_view kRbac = "rbac.authorization.k8s.io";
  User web_{"system:serviceaccount:shop:web", "", {"system:serviceaccounts"}, {}};
};

TEST_F(AuthorizerTest, NothingIsAllowedWithoutARule) {
  EXPECT_FALSE(may(web_, "get", "pods", "shop"));
  EXPECT_TRUE(may({"admin", "", {"system:masters"}, {}}, "delete", "nodes", ""));
}

TEST_F(AuthorizerTest, ARoleBindingCountsInItsNamespace) {
  make("roles", R"({"metadata":{"name":"r"},"rules":[
      {"apiGroups":[""],"resources":["pods","*/log"],"verbs":["get","list"]},
      {"apiGroups":[""],"resources":["secrets"],"resourceNames":["one"],"verbs":["get"]}]})",
       kRbac);
  make("rolebindings", R"({"metadata":{"name":"b"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role",
      "name":"r"},"subjects":[{"kind":"ServiceAccount","name":"web"}]})",
       kRbac);
  EXPECT_TRUE(may(web_, "get", "pods", "shop"));
  EXPECT_TRUE(may(web_, "get", "pods/log", "shop"));
  EXPECT_FALSE(may(web_, "get", "pods/exec", "shop"));
  EXPECT_FALSE(may(web_, "delete", "pods", "shop"));
  EXPECT_FALSE(may(web_, "get", "pods", "other"));
  EXPECT_FALSE(may(web_, "get", "pods", "")) << "all namespaces";
  EXPECT_TRUE(may(web_, "get", "secrets", "shop", "one"));
  EXPECT_FALSE(may(web_, "get", "secrets", "shop", "two"));
  EXPECT_FALSE(may(web_, "list", "secrets", "shop"));
}

TEST_F(AuthorizerTest, AClusterRoleBindingCountsEverywhere) {
  make("clusterroles", R"({"metadata":{"name":"part","labels":{"to":"sum"}},"rules":[
      {"apiGroups":["*"],"resources":["*"],"verbs":["list"]},{"nonResourceURLs":["/metrics","/healthz/*"],"verbs":["get"]}]})",
       kRbac);
  make("clusterroles", R"({"metadata":{"name":"sum"},"aggregationRule":{"clusterRoleSelectors":
      [{"matchLabels":{"to":"sum"}}]}})",
       kRbac);
  make("clusterrolebindings", R"({"metadata":{"name":"b"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io",
      "kind":"ClusterRole","name":"sum"},"subjects":[{"kind":"Group","name":"system:serviceaccounts"}]})",
       kRbac);
  EXPECT_TRUE(may(web_, "list", "anything", "other"));
  EXPECT_FALSE(may(web_, "get", "anything", "other"));
  Attributes path;
  path.verb = "get";
  for (const auto& [text, allowed] : {std::pair("/metrics", true), {"/healthz/a", true}, {"/metrics/b", false}}) {
    path.path = text;
    EXPECT_EQ(authorized(api_, web_, path), allowed) << text;
  }
  EXPECT_EQ(subject_rules(api_, web_, "shop").at("resourceRules").size(), 1U);
}

}  // namespace
}  // namespace fairlead::api
