// Who is let in, and what they may do, over HTTP.
#include <algorithm>

#include <gtest/gtest.h>

#include "engine/api/testing_client.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kPods = "/api/v1/namespaces/default/pods";
constexpr std::string_view kRobot = "system:serviceaccount:default:robot";

std::string review(std::string_view group, std::string_view kind, std::string_view spec) {
  return fmt::format(R"({{"apiVersion":"{}/v1","kind":"{}","spec":{}}})", group, kind, spec);
}

/// A service account "robot" with a token, and a pod that runs as it.
class AccessTest : public ServerTest {
 protected:
  void SetUp() override {
    for (const auto* name : {"default", "robot"}) {
      ASSERT_EQ(
          post("/api/v1/namespaces/default/serviceaccounts", fmt::format(R"({{"metadata":{{"name":"{}"}}}})", name))
              .code,
          201);
    }
    const auto pod = post(kPods, R"({"metadata":{"name":"bot"},"spec":{"serviceAccountName":"robot",
                                     "containers":[{"name":"c","image":"example/c:1"}]}})");
    ASSERT_EQ(pod.code, 201) << pod.text;
  }

  Answer ask_token(std::string_view spec = "{}", std::string_view account = "robot") {
    return post(fmt::format("/api/v1/namespaces/default/serviceaccounts/{}/token", account),
                review("authentication.k8s.io", "TokenRequest", spec));
  }
  std::string token(std::string_view spec = "{}") {
    const auto given = ask_token(spec);
    EXPECT_EQ(given.code, 201) << given.text;
    return std::string(given.body.at("status", "token").str());
  }
  Answer as(const std::string& bearer, std::string method, std::string_view target, std::string body = {}) {
    auto wanted = request(std::move(method), target, std::move(body));
    wanted.headers.add("Authorization", "Bearer " + bearer);
    return send(nobody_, std::move(wanted));
  }
  /// Lets the robot read pods of its namespace.
  void grant() {
    ASSERT_EQ(post("/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
                   R"({"metadata":{"name":"reader"},"rules":[{"verbs":["get","list"],"apiGroups":[""],
                       "resources":["pods"]}]})")
                  .code,
              201);
    ASSERT_EQ(post("/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
                   R"({"metadata":{"name":"robot"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role",
                       "name":"reader"},"subjects":[{"kind":"ServiceAccount","name":"robot","namespace":"default"}]})")
                  .code,
              201);
  }
};

TEST_F(AccessTest, ATokenSaysWhoSomebodyIs) {
  const auto me = as(token(), "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                     review("authentication.k8s.io", "SelfSubjectReview", "{}"));
  ASSERT_EQ(me.code, 201) << me.text;
  EXPECT_EQ(me.body.at("status", "userInfo", "username").str(), kRobot);
  const Value groups =
      Value::array({"system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"});
  EXPECT_EQ(me.body.at("status", "userInfo", "groups"), groups);
}

TEST_F(AccessTest, RefusesInUpstreamsWordsUntilARoleAllows) {
  const auto robot = token();
  const auto refused = as(robot, "GET", kPods);
  EXPECT_EQ(refused.code, 403);
  EXPECT_EQ(refused.body.at("reason").str(), "Forbidden");
  EXPECT_EQ(refused.body.at("message").str(),
            "pods is forbidden: User \"system:serviceaccount:default:robot\" cannot list resource \"pods\" in API "
            "group \"\" in the namespace \"default\"");
  grant();
  EXPECT_EQ(as(robot, "GET", kPods).code, 200);
  EXPECT_EQ(as(robot, "GET", fmt::format("{}/bot", kPods)).code, 200);
  EXPECT_EQ(as(robot, "GET", fmt::format("{}?watch=true", kPods)).code, 403);
  EXPECT_EQ(as(robot, "GET", fmt::format("{}/bot/log", kPods)).code, 403);
  EXPECT_EQ(as(robot, "DELETE", fmt::format("{}/bot", kPods)).code, 403);
  EXPECT_EQ(as(robot, "GET", "/api/v1/pods").body.at("message").str(),
            "pods is forbidden: User \"system:serviceaccount:default:robot\" cannot list resource \"pods\" in API "
            "group \"\" at the cluster scope");
  EXPECT_EQ(as(robot, "GET", "/metrics").body.at("message").str(),
            "forbidden: User \"system:serviceaccount:default:robot\" cannot get path \"/metrics\"");
  EXPECT_EQ(as(robot, "GET", "/apis").code, 200) << "everybody who is known may discover";
}

TEST_F(AccessTest, AggregatedRolesGrantWhatTheirPartsGrant) {
  ASSERT_EQ(post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
                 R"({"metadata":{"name":"robot"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io",
                     "kind":"ClusterRole","name":"view"},"subjects":[{"kind":"ServiceAccount","name":"robot",
                     "namespace":"default"}]})")
                .code,
            201);
  const auto robot = token();
  EXPECT_EQ(as(robot, "GET", "/api/v1/pods").code, 200);
  EXPECT_EQ(as(robot, "GET", "/apis/argoproj.io/v1alpha1/rollouts").code, 200);
  EXPECT_EQ(as(robot, "GET", "/api/v1/secrets").code, 403);
}

TEST_F(AccessTest, ATokenDiesWithWhatItIsBoundTo) {
  const auto bound = token(R"({"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"bot"}})");
  const auto free = token();
  EXPECT_EQ(as(bound, "GET", "/apis").code, 200);
  ASSERT_EQ(send(admin_, request("DELETE", fmt::format("{}/bot?gracePeriodSeconds=0", kPods))).code, 200);
  EXPECT_EQ(as(bound, "GET", "/apis").code, 401);
  EXPECT_EQ(as(free, "GET", "/apis").code, 200);
  ASSERT_EQ(send(admin_, request("DELETE", "/api/v1/namespaces/default/serviceaccounts/robot")).code, 200);
  EXPECT_EQ(as(free, "GET", "/apis").code, 401);
}

TEST_F(AccessTest, TokensOfOthersAreNotAccepted) {
  TestingServer other;
  other.with_api([](Api& api) {
    for (const auto* name : {"default", "robot"}) {
      const auto account = Value::object({{"metadata", Value::object({{"name", name}})}});
      FAIRLEAD_ASSERT(api.create(api.schema().resource("", "serviceaccounts"), "default", account).has_value());
    }
  });
  const auto foreign = other.with_api([&](Api&) { return other.tokens().issue("default", "robot", Value::object()); });
  ASSERT_TRUE(foreign.has_value());
  EXPECT_EQ(as(std::string(foreign->at("status", "token").str()), "GET", "/apis").code, 401);
  EXPECT_EQ(as(token(R"({"audiences":["vault"]})"), "GET", "/apis").code, 401);
}

TEST_F(AccessTest, TokenRequestsAreChecked) {
  EXPECT_EQ(ask_token("{}", "nobody").code, 404);
  const auto brief = ask_token(R"({"expirationSeconds":10})");
  EXPECT_EQ(brief.code, 422);
  EXPECT_EQ(brief.body.at("details", "causes", 0, "field").str(), "spec.expirationSeconds");
  const auto lost = ask_token(R"({"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"gone"}})");
  EXPECT_EQ(lost.code, 404);
}

TEST_F(AccessTest, TokenReviewTellsWhoseATokenIs) {
  const auto path = "/apis/authentication.k8s.io/v1/tokenreviews";
  const auto known =
      post(path, review("authentication.k8s.io", "TokenReview", fmt::format(R"({{"token":"{}"}})", token())));
  ASSERT_EQ(known.code, 201) << known.text;
  EXPECT_TRUE(known.body.at("status", "authenticated").bool_or(false));
  EXPECT_EQ(known.body.at("status", "user", "username").str(), kRobot);
  EXPECT_EQ(known.body.at("status", "audiences", 0).str(), kTokenIssuer);
  const auto unknown = post(path, review("authentication.k8s.io", "TokenReview", R"({"token":"abc"})"));
  EXPECT_FALSE(unknown.body.at("status", "authenticated").bool_or(false));
  EXPECT_FALSE(unknown.body.at("status", "error").str().empty());
  EXPECT_EQ(as(token(), "POST", path, review("authentication.k8s.io", "TokenReview", R"({"token":"abc"})")).code, 403);
}

TEST_F(AccessTest, AccessReviewsAnswerAsRequestsWould) {
  grant();
  const auto allowed = [&](std::string_view path, std::string_view kind, std::string_view spec) {
    const auto answer = post(path, review("authorization.k8s.io", kind, spec));
    EXPECT_EQ(answer.code, 201) << answer.text;
    return answer.body.at("status", "allowed").bool_or(false);
  };
  const auto subject = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
  const auto asks = [&](std::string_view verb, std::string_view ns) {
    return allowed(
        subject, "SubjectAccessReview",
        fmt::format(R"({{"user":"{}","resourceAttributes":{{"verb":"{}","resource":"pods","namespace":"{}"}}}})",
                    kRobot, verb, ns));
  };
  EXPECT_TRUE(asks("get", "default"));
  EXPECT_FALSE(asks("delete", "default"));
  EXPECT_FALSE(asks("get", "kube-system"));
  EXPECT_TRUE(allowed(subject, "SubjectAccessReview",
                      R"({"user":"x","groups":["system:authenticated"],
                          "nonResourceAttributes":{"verb":"get","path":"/version"}})"));
  EXPECT_TRUE(allowed("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "SelfSubjectAccessReview",
                      R"({"resourceAttributes":{"verb":"delete","resource":"nodes"}})"))
      << "the administrator asks about itself";
  const auto nobody = post(subject, review("authorization.k8s.io", "SubjectAccessReview",
                                           R"({"resourceAttributes":{"verb":"get","resource":"pods"}})"));
  EXPECT_EQ(nobody.code, 422);
}

TEST_F(AccessTest, RulesReviewListsWhatOneMayDo) {
  grant();
  const auto rules = as(token(), "POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
                        review("authorization.k8s.io", "SelfSubjectRulesReview", R"({"namespace":"default"})"));
  ASSERT_EQ(rules.code, 201) << rules.text;
  const auto& resources = rules.body.at("status", "resourceRules").items();
  EXPECT_TRUE(std::ranges::any_of(resources, [](const Value& rule) {
    return rule.at("resources") == Value::array({"pods"}) && rule.at("verbs") == Value::array({"get", "list"});
  }));
  EXPECT_FALSE(rules.body.at("status", "incomplete").bool_or(true));
}

TEST_F(AccessTest, OnlyThoseWhoMayImpersonate) {
  const auto pretend = [&](net::HttpClient& client, const std::string& bearer) {
    auto wanted = request("GET", kPods);
    if (!bearer.empty()) wanted.headers.add("Authorization", "Bearer " + bearer);
    wanted.headers.add("Impersonate-User", "jane");
    return send(client, std::move(wanted));
  };
  EXPECT_EQ(pretend(nobody_, token()).body.at("message").str(),
            "users \"jane\" is forbidden: User \"system:serviceaccount:default:robot\" cannot impersonate resource "
            "\"users\" in API group \"\" at the cluster scope");
  EXPECT_EQ(pretend(admin_, "").body.at("message").str(),
            "pods is forbidden: User \"jane\" cannot list resource \"pods\" in API group \"\" in the namespace "
            "\"default\"");
}

TEST_F(AccessTest, AnImpersonationIsWhole) {
  const auto me = [&](const std::vector<std::pair<std::string_view, std::string_view>>& headers) {
    auto wanted = request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                          review("authentication.k8s.io", "SelfSubjectReview", "{}"));
    for (const auto& [name, value] : headers) wanted.headers.add(name, value);
    return send(admin_, std::move(wanted));
  };
  EXPECT_EQ(me({{"Impersonate-Group", "devs"}}).code, 400) << "it must not pass for the administrator";
  EXPECT_EQ(me({{"Impersonate-Uid", "1"}}).code, 400);
  const auto jane = me({{"Impersonate-User", "jane"},
                        {"Impersonate-Group", "devs"},
                        {"Impersonate-Uid", "7"},
                        {"Impersonate-Extra-Example.com%2fteam", "a"}});
  ASSERT_EQ(jane.code, 201) << jane.text;
  const Value& user = jane.body.at("status", "userInfo");
  EXPECT_EQ(user.at("groups"), Value::array({"devs", "system:authenticated"}));
  EXPECT_EQ(user.at("uid").str(), "7");
  EXPECT_EQ(user.at("extra", "example.com/team", 0).str(), "a");
  const auto anonymous = me({{"Impersonate-User", "system:anonymous"}});
  EXPECT_EQ(anonymous.code, 403) << "who is not known may review nothing";
}

TEST_F(AccessTest, TheSchemeOfATokenHasNoCase) {
  auto wanted = request("GET", "/apis");
  wanted.headers.add("Authorization", "bearer " + token());
  EXPECT_EQ(send(nobody_, std::move(wanted)).code, 200);
}

/// The robot may write roles and bindings, and holds nothing but reading pods.
class EscalationTest : public AccessTest {
 protected:
  static constexpr std::string_view kRbac = "/apis/rbac.authorization.k8s.io/v1";

  void SetUp() override {
    AccessTest::SetUp();
    grant();
    may("writer", R"([{"verbs":["create","update","patch"],"apiGroups":["rbac.authorization.k8s.io"],
                       "resources":["roles","rolebindings","clusterroles"]}])");
    robot_ = token();
  }
  /// Gives the robot a ClusterRole of these rules.
  void may(std::string_view name, std::string_view rules) {
    ASSERT_EQ(post(fmt::format("{}/clusterroles", kRbac),
                   fmt::format(R"({{"metadata":{{"name":"{}"}},"rules":{}}})", name, rules))
                  .code,
              201);
    ASSERT_EQ(post(fmt::format("{}/clusterrolebindings", kRbac),
                   fmt::format(R"({{"metadata":{{"name":"{0}"}},"subjects":[{{"kind":"ServiceAccount","name":"robot",
                       "namespace":"default"}}],"roleRef":{{"apiGroup":"rbac.authorization.k8s.io",
                       "kind":"ClusterRole","name":"{0}"}}}})",
                               name))
                  .code,
              201);
  }
  Answer make_role(std::string_view name, std::string_view rules) {
    return as(robot_, "POST", fmt::format("{}/namespaces/default/roles", kRbac),
              fmt::format(R"({{"metadata":{{"name":"{}"}},"rules":{}}})", name, rules));
  }
  Answer bind(std::string_view name, std::string_view role) {
    return as(robot_, "POST", fmt::format("{}/namespaces/default/rolebindings", kRbac),
              fmt::format(R"({{"metadata":{{"name":"{}"}},"subjects":[{{"kind":"User","name":"eve"}}],
                  "roleRef":{{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"{}"}}}})",
                          name, role));
  }

  std::string robot_;
};

TEST_F(EscalationTest, NobodyWritesARoleThatHoldsMoreThanHe) {
  EXPECT_EQ(
      make_role("less", R"([{"verbs":["get"],"apiGroups":[""],"resources":["pods"],"resourceNames":["a"]}])").code,
      201);
  const auto more =
      make_role("more", R"([{"verbs":["get","delete"],"apiGroups":[""],"resources":["pods","pods/log"]}])");
  EXPECT_EQ(more.code, 403);
  EXPECT_EQ(more.body.at("message").str(),
            "roles.rbac.authorization.k8s.io \"more\" is forbidden: user \"system:serviceaccount:default:robot\" "
            "(groups=[\"system:serviceaccounts\" \"system:serviceaccounts:default\" \"system:authenticated\"]) is "
            "attempting to grant RBAC permissions not currently held:\n"
            "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"delete\"]}\n"
            "{APIGroups:[\"\"], Resources:[\"pods/log\"], Verbs:[\"get\" \"delete\"]}");
  const auto grown =
      as(robot_, "PUT", fmt::format("{}/namespaces/default/roles/less", kRbac),
         R"({"metadata":{"name":"less"},"rules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"]}]})");
  EXPECT_EQ(grown.code, 403) << grown.text;
}

TEST_F(EscalationTest, NobodyBindsARoleThatHoldsMoreThanHe) {
  EXPECT_EQ(bind("top", "cluster-admin").code, 403);
  EXPECT_EQ(bind("nowhere", "no-such-role").code, 404);
  may("binder", R"([{"verbs":["bind"],"apiGroups":["rbac.authorization.k8s.io"],"resources":["clusterroles"],
                     "resourceNames":["cluster-admin"]}])");
  EXPECT_EQ(bind("top", "cluster-admin").code, 201);
}

TEST_F(EscalationTest, AnAggregatedRoleAsksForEverything) {
  const auto gather = [&] {
    return as(robot_, "POST", fmt::format("{}/clusterroles", kRbac),
              R"({"metadata":{"name":"sum"},"rules":[],"aggregationRule":{"clusterRoleSelectors":[
                  {"matchLabels":{"a":"b"}}]}})");
  };
  const auto refused = gather();
  EXPECT_EQ(refused.code, 403);
  EXPECT_EQ(
      refused.body.at("message").str(),
      "clusterroles.rbac.authorization.k8s.io \"sum\" is forbidden: must have cluster-admin privileges to use the "
      "aggregationRule");
  may("escalator",
      R"([{"verbs":["escalate"],"apiGroups":["rbac.authorization.k8s.io"],"resources":["clusterroles"]}])");
  EXPECT_EQ(gather().code, 201);
}

}  // namespace
}  // namespace fairlead::api
