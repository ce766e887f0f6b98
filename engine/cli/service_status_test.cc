#include "engine/cli/service_status.h"

#include <gtest/gtest.h>

#include "base/yaml.h"

namespace fairlead::cli {
namespace {

Value yaml(std::string_view text) {
  auto documents = parse_yaml(text, "test");
  EXPECT_TRUE(documents) << documents.error().to_string();
  return documents->front();
}

ServiceObjects aborted() {
  ServiceObjects out;
  out.rollout = yaml(R"(
metadata: {name: web, namespace: shop, uid: u1}
spec: {strategy: {canary: {steps: [{setWeight: 20}, {analysis: {}}]}}}
status:
  phase: Degraded
  message: "RolloutAborted: metric \"error-rate\" assessed Failed"
  abortedAt: "2026-11-23T10:00:09Z"
  currentStepIndex: 0
  stableRS: aaa
  currentPodHash: bbb
  canary: {weights: {canary: {weight: 0, podTemplateHash: bbb}, stable: {weight: 100, podTemplateHash: aaa}}}
)");
  out.application = yaml(
      "status: {health: {status: Degraded}, sync: {status: Synced, revision: "
      "0123456789abcdef0123456789abcdef01234567}}");
  for (const char* set :
       {"{hash: aaa, image: 'r/web:0123456789abcdef0123456789abcdef01234567@sha256:1', pods: 2}",
        "{hash: bbb, image: 'r/web:bad-1@sha256:2', pods: 0}", "{hash: old, image: 'r/web:0', pods: 0}"}) {
    const Value v = yaml(set);
    Value made = yaml(
        "metadata: {ownerReferences: [{uid: u1}], labels: {}}\nspec: {template: {spec: {containers: [{}]}}}\nstatus: "
        "{}");
    made["metadata"]["labels"].set("rollouts-pod-template-hash", v.at("hash"));
    made["spec"]["template"]["spec"]["containers"].mutable_items()[0].set("image", v.at("image"));
    made["status"].set("replicas", v.at("pods")).set("readyReplicas", v.at("pods"));
    out.replica_sets.push_back(std::move(made));
  }
  out.analysis_runs.push_back(yaml(R"(
metadata: {name: web-bbb-1-1, ownerReferences: [{uid: u1}], labels: {rollouts-pod-template-hash: bbb}}
spec: {metrics: [{name: error-rate, successCondition: "result[0] <= 0.01", provider: {prometheus: {query: "q{{args.hash}}"}}}]}
status:
  metricResults:
  - name: error-rate
    phase: Failed
    metadata: {ResolvedPrometheusQuery: "qbbb"}
    measurements: [{value: "[0.25]", phase: Failed, finishedAt: "2026-11-23T10:00:08Z"}]
  - {name: latency-p99, phase: Successful}
)"));
  return out;
}

TEST(ServiceStatus, tells_whether_a_sync_may_still_succeed) {
  ServiceObjects objects = aborted();
  const auto with = [&](const char* operation) {
    objects.application =
        yaml(std::string("status: {sync: {status: OutOfSync, revision: aaa}, operationState: ") + operation + "}");
    return summarise(objects);
  };
  const ServiceStatus retried =
      with("{phase: Running, retryCount: 1, message: 'no. Retrying', syncResult: {revision: aaa}}");
  EXPECT_FALSE(retried.sync_failed);
  EXPECT_EQ(retried.conditions, std::vector<std::string>{"Sync: no. Retrying"});
  EXPECT_TRUE(with("{phase: Failed, message: 'no', syncResult: {revision: aaa}}").sync_failed);
  EXPECT_TRUE(with("{phase: Error, message: 'no', syncResult: {revision: aaa}}").sync_failed);
  EXPECT_FALSE(with("{phase: Failed, message: 'no', syncResult: {revision: older}}").sync_failed);
  objects.application =
      yaml("status: {sync: {status: Unknown, revision: aaa}, conditions: [{type: ComparisonError, message: no}]}");
  EXPECT_TRUE(summarise(objects).sync_failed);
}

TEST(ServiceStatus, tells_versions_weights_and_why_it_went_back) {
  const ServiceStatus status = summarise(aborted());
  ASSERT_EQ(status.versions.size(), 2U);
  EXPECT_EQ(status.versions[0].role, "stable");
  EXPECT_EQ(status.versions[0].version, "0123456");
  EXPECT_EQ(status.versions[0].weight, 100);
  EXPECT_EQ(status.versions[1].version, "bad-1");
  EXPECT_EQ(status.versions[1].weight, 0);
  EXPECT_EQ(status.step, "0/2");
  ASSERT_EQ(status.evidence.size(), 1U);
  EXPECT_EQ(status.evidence[0].query, "qbbb");
  EXPECT_EQ(status.evidence[0].success_condition, "result[0] <= 0.01");
  ASSERT_EQ(status.evidence[0].measurements.size(), 1U);
  EXPECT_EQ(status.evidence[0].measurements[0].value, "[0.25]");
}

TEST(ServiceStatus, shows_the_query_the_values_and_the_time_of_a_rollback) {
  const std::string text = to_text({summarise(aborted())});
  for (const char* part :
       {"qbbb", "[0.25]", "2026-11-23T10:00:08Z", "aborted at 2026-11-23T10:00:09Z", "must hold: result[0] <= 0.01"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
}

TEST(ServiceStatus, without_a_metric_to_blame_the_rollout_says_why) {
  ServiceObjects objects = aborted();
  objects.analysis_runs.clear();
  const std::string text = to_text({summarise(objects)});
  EXPECT_NE(text.find("web: RolloutAborted"), std::string::npos) << text;
}

TEST(ServiceStatus, blames_nothing_for_what_was_promoted_at_a_second_try) {
  ServiceObjects objects = aborted();
  objects.rollout["status"].set("phase", "Progressing").set("stableRS", "bbb");
  EXPECT_TRUE(summarise(objects).evidence.empty());
}

TEST(ServiceStatus, a_version_whose_replica_set_is_refused_is_not_promoted) {
  ServiceObjects objects = aborted();
  objects.rollout["status"].set("phase", "Healthy").set("stableRS", "aaa").set("currentPodHash", "aaa");
  EXPECT_TRUE(summarise(objects).promoted);
  objects.rollout["status"].set(
      "conditions",
      yaml("[{type: Progressing, status: 'False', reason: ReplicaSetCreateError, message: 'cannot: bad quantity'}]"));
  const ServiceStatus status = summarise(objects);
  EXPECT_FALSE(status.promoted);
  EXPECT_EQ(status.problems, std::vector<std::string>{"ReplicaSetCreateError: cannot: bad quantity"});
}

TEST(ServiceStatus, stands_where_the_stable_version_serves) {
  ServiceObjects objects = aborted();
  EXPECT_EQ(standing(summarise(objects)), "rolled back");
  EXPECT_TRUE(all_ready(summarise(objects)));
  objects.replica_sets[0]["status"].set("readyReplicas", 1);
  EXPECT_EQ(standing(summarise(objects)), "");
  EXPECT_FALSE(all_ready(summarise(objects)));
}

TEST(ServiceStatus, names_what_keeps_it_from_the_wanted_state) {
  ServiceObjects objects = aborted();
  objects.application["status"].set("conditions", yaml("[{type: ComparisonError, message: 'web.yaml:3:1: no'}]"));
  for (const char* name : {"web-1", "web-2"}) {
    Value pod = yaml(
        "metadata: {namespace: shop, labels: {rollouts-pod-template-hash: bbb}}\n"
        "status: {containerStatuses: [{state: {waiting: {reason: ImagePullBackOff, message: none}}}]}");
    pod["metadata"].set("name", name);
    objects.pods.push_back(std::move(pod));
  }
  EXPECT_EQ(summarise(objects).problems, (std::vector<std::string>{"ComparisonError: web.yaml:3:1: no",
                                                                   "canary bad-1, pod web-1: ImagePullBackOff: none"}));
}

TEST(ServiceStatus, says_why_a_version_is_unknown_that_no_application_brings) {
  ServiceObjects objects = aborted();
  objects.application = {};
  const std::string text = to_text({summarise(objects)});
  EXPECT_NE(text.find("web: no Application brings it any more: its objects are left"), std::string::npos) << text;
}

TEST(ServiceStatus, says_why_pods_are_refused) {
  ServiceObjects objects = aborted();
  objects.replica_sets[1]["status"].set("conditions",
                                        yaml(R"([{type: ReplicaFailure, status: "True", reason: FailedCreate,
    message: 'pods "web-1" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'}])"));
  EXPECT_EQ(summarise(objects).problems,
            (std::vector<std::string>{"canary bad-1: FailedCreate: pods \"web-1\" is forbidden: violates PodSecurity "
                                      "\"restricted:latest\": runAsNonRoot != true"}));
  objects.replica_sets[1]["status"]["conditions"].mutable_items()[0].set("status", "False");
  EXPECT_TRUE(summarise(objects).problems.empty());
}

TEST(ServiceStatus, tells_versions_of_one_commit_apart) {
  ServiceObjects objects = aborted();
  objects.replica_sets[1]["spec"]["template"]["spec"]["containers"].mutable_items()[0].set(
      "image", "r/web:0123456789abcdef0123456789abcdef01234567@sha256:2");
  const std::string text = to_text({summarise(objects)});
  for (const char* label : {"0123456 (aaa)", "0123456 (bbb)"}) EXPECT_NE(text.find(label), std::string::npos) << text;
  EXPECT_EQ(to_text({summarise(aborted())}).find("(aaa)"), std::string::npos) << "no noise where versions differ";
}

TEST(ServiceStatus, a_pause_that_nobody_could_judge_comes_with_the_commands_to_have_it_judged) {
  ServiceObjects objects = aborted();
  Value& status = objects.rollout["status"];
  status.set("phase", "Paused").set("controllerPause", true);
  status.set("pauseConditions", yaml("[{reason: InconclusiveAnalysisRun, startTime: '2026-11-23T10:00:09Z'}]"));
  status.erase("abortedAt");
  const std::string text = to_text({summarise(objects)});
  for (const char* command :
       {"kubectl argo rollouts promote|abort web -n shop\n", "fairlead load --rate 60 --duration 3m ",
        "kubectl argo rollouts abort web -n shop && kubectl argo rollouts retry rollout web -n shop\n"}) {
    EXPECT_NE(text.find(command), std::string::npos) << command << " in\n" << text;
  }
  status.set("pauseConditions", yaml("[{reason: CanaryPauseStep}]"));
  EXPECT_EQ(to_text({summarise(objects)}).find("fairlead load"), std::string::npos) << "a planned pause has no fault";
}

TEST(ServiceStatus, a_canary_that_nobody_could_judge_is_measured_against_its_gate) {
  ServiceStatus service = summarise(aborted());
  service.phase = "Paused";
  service.aborted_at.clear();
  service.inconclusive = true;
  service.evidence[0].phase = "Inconclusive";
  service.evidence[0].query = "(a / b) and on() (sum(increase(http_requests_total{app=\"web\"}[15s])) >= 20)";
  service.versions[1].request_rate = 0.4;
  const std::string few = to_text({service});
  EXPECT_NE(few.find("asks for 20 requests to the canary in 15s, and now 6 come in"), std::string::npos) << few;
  EXPECT_NE(few.find("fairlead load"), std::string::npos) << few;
  service.versions[1].request_rate = 12;
  const std::string enough = to_text({service});
  EXPECT_NE(enough.find("180 in 15s, of 20 that"), std::string::npos) << enough;
  EXPECT_NE(enough.find("retry rollout web -n shop\n"), std::string::npos) << enough;
  EXPECT_EQ(enough.find("fairlead load"), std::string::npos) << "that would send people in a circle";
}

TEST(ApplicationStatus, tells_what_keeps_an_application_from_being_well) {
  const auto of = [](const char* text) { return summarise_application(yaml(text)); };
  EXPECT_TRUE(to_text(of("status: {health: {status: Healthy}, sync: {status: Synced}}")).empty());
  EXPECT_NE(to_text(of("metadata: {name: hello}\nstatus: {health: {status: Healthy}, sync: {status: Synced}, "
                       "conditions: [{type: OrphanedResourceWarning, message: m}]}"))
                .find("hello: OrphanedResourceWarning: m"),
            std::string::npos);
  const ApplicationStatus refused =
      of("status: {health: {status: Missing}, sync: {status: OutOfSync, revision: r1}, operationState: {phase: Failed, "
         "message: a.yaml:3 is invalid, syncResult: {revision: r1}}}");
  EXPECT_EQ(refused.problems, std::vector<std::string>{"Sync: a.yaml:3 is invalid"});
  const ApplicationStatus crashing =
      of("status: {health: {status: Degraded}, sync: {status: Synced}, resources: [{kind: Service, name: a, health: "
         "{status: Healthy}}, {kind: Deployment, name: b, health: {status: Degraded, message: no pod runs}}]}");
  EXPECT_EQ(crashing.problems, std::vector<std::string>{"Deployment b is Degraded: no pod runs"});
  EXPECT_EQ(of("status: {}").problems, std::vector<std::string>{"Unknown and Unknown"});
}

TEST(ServiceStatus, names_versions_by_tag_or_digest) {
  EXPECT_EQ(version_of("r:5000/web"), "r:5000/web");
  EXPECT_EQ(version_of("r/web:v1@sha256:00"), "v1");
  EXPECT_EQ(version_of("r/web@sha256:00112233445566778899"), "001122334455");
}

}  // namespace
}  // namespace fairlead::cli
