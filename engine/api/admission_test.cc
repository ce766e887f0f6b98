#include <set>

#include "engine/api/testing_admission.h"

namespace fairlead::api {
namespace {

TEST_F(AdmissionTest, NothingIsCreatedInMissingNamespaces) {
  const auto refused =
      api_.create(schema().resource("", "configmaps"), "none", *parse_json(R"({"metadata":{"name":"a"}})"));
  EXPECT_EQ(refused.error().message, "namespaces \"none\" not found");
}

// Clients, kubectl among them, know the refusal by its cause.
TEST_F(AdmissionTest, NothingIsCreatedInNamespacesThatGo) {
  const Key shop{&schema().resource("", "namespaces"), "", "shop"};
  ASSERT_TRUE(api_.remove(shop).has_value());
  const auto refused = try_make("configmaps", R"({"metadata":{"name":"a"}})");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, 403);
  EXPECT_EQ(refused.error().to_value().at("details", "causes", 0),
            *parse_json(R"({"reason":"NamespaceTerminating","message":"namespace shop is being terminated",
                            "field":"metadata.namespace"})"));
}

TEST_F(AdmissionTest, PodsGetTheirAccountAndItsToken) {
  const ObjectPtr pod = make("pods", R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i",
      "resources":{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"1","memory":"1Gi"}}}]}})");
  EXPECT_EQ(pod->at("spec", "serviceAccountName").str(), "default");
  const std::string_view volume = pod->at("spec", "volumes", 0, "name").str();
  EXPECT_TRUE(volume.starts_with("kube-api-access-"));
  EXPECT_EQ(
      pod->at("spec", "volumes", 0, "projected", "sources", 0, "serviceAccountToken", "expirationSeconds").int_or(0),
      kPodTokenSeconds);
  EXPECT_EQ(pod->at("spec", "containers", 0, "volumeMounts", 0, "name").str(), volume);
  EXPECT_EQ(pod->at("status", "qosClass").str(), "Guaranteed");
  EXPECT_EQ(pod->at("spec", "priority").int_or(-1), 0);
  const ObjectPtr bare = make("pods", R"({"metadata":{"name":"q"},"spec":{"automountServiceAccountToken":false,
      "priorityClassName":"system-node-critical","containers":[{"name":"c","image":"i"}]}})");
  EXPECT_TRUE(bare->at("spec", "volumes").empty());
  EXPECT_EQ(bare->at("spec", "priority").int_or(0), 2'000'001'000);
  EXPECT_EQ(bare->at("status", "qosClass").str(), "BestEffort");
  for (const char* extra : {R"("serviceAccountName":"none")", R"("priorityClassName":"none")"}) {
    const auto refused = try_make("pods", fmt::format(R"({{"metadata":{{"name":"r"}},"spec":{{{},
        "containers":[{{"name":"c","image":"i"}}]}}}})",
                                                      extra));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, 403);
  }
}

TEST_F(AdmissionTest, APriorityIsItsClasss) {
  const auto refusal = [&](std::string_view spec) {
    const auto out = try_make("pods", fmt::format(R"({{"metadata":{{"name":"p"}},"spec":{{{},
        "containers":[{{"name":"c","image":"i"}}]}}}})",
                                                  spec));
    return out ? "" : out.error().message;
  };
  EXPECT_EQ(refusal(R"("priority":5)"),
            "pods \"p\" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority "
            "admission controller computed 0 from the given PriorityClass name");
  EXPECT_EQ(refusal(R"("preemptionPolicy":"Never")"),
            "pods \"p\" is forbidden: the string value of PreemptionPolicy (Never) must not be provided in pod spec; "
            "priority admission controller computed PreemptLowerPriority from the given PriorityClass name");
  EXPECT_EQ(refusal(R"("overhead":{"cpu":"1"})"),
            "pods \"p\" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined "
            "Overhead");
  EXPECT_EQ(refusal(R"("priorityClassName":"system-node-critical","priority":2000001000)"), "");
  const auto kept = api_.patch({&schema().resource("", "pods"), "shop", "p"}, PatchType::kMerge,
                               *parse_json(R"({"spec":{"priority":null,"activeDeadlineSeconds":9}})"));
  ASSERT_TRUE(kept.has_value()) << kept.error().message;
  EXPECT_EQ((*kept)->at("spec", "priority").int_or(0), 2'000'001'000);
}

TEST_F(AdmissionTest, APodBehindGatesSaysSo) {
  const ObjectPtr pod = make("pods", R"({"metadata":{"name":"p"},"spec":{"schedulingGates":[{"name":"a.b/c"}],
      "containers":[{"name":"c","image":"i"}]}})");
  EXPECT_EQ(pod->at("status", "conditions", 0),
            *parse_json(R"({"type":"PodScheduled","status":"False","lastProbeTime":null,
                "lastTransitionTime":"2026-11-23T10:00:00Z","reason":"SchedulingGated",
                "message":"Scheduling is blocked due to non-empty scheduling gates"})"));
}

TEST_F(AdmissionTest, OnePriorityClassIsTheDefault) {
  make("priorityclasses", R"({"metadata":{"name":"a"},"value":1,"globalDefault":true})");
  EXPECT_EQ(try_make("priorityclasses", R"({"metadata":{"name":"b"},"value":2,"globalDefault":true})").error().message,
            "priorityclasses.scheduling.k8s.io \"b\" is forbidden: PriorityClass a is already marked as default. Only "
            "one default can exist");
}

TEST_F(AdmissionTest, PodFieldsThatNothingActsOnAreRefusedWhereTheyChangeWhatRunsAndElseSaid) {
  const auto pod = [](std::string_view spec, std::string_view container = "") {
    return fmt::format(R"({{"metadata":{{"name":"p"}},"spec":{{{}"containers":[{{{}"name":"c","image":"i"}}]}}}})",
                       spec, container);
  };
  for (const char* field : {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"}) {
    const auto refused = try_make("pods", pod(fmt::format(R"("{}":true,)", field)));
    ASSERT_FALSE(refused.has_value()) << field;
    EXPECT_EQ(refused.error().code, 403);
    EXPECT_NE(refused.error().message.find(fmt::format("spec.{} is not acted on here", field)), std::string::npos);
  }
  for (const char* spec : {R"("runtimeClassName":"gvisor",)", R"("os":{"name":"windows"},)",
                           R"("securityContext":{"sysctls":[{"name":"net.core.somaxconn","value":"1"}]},)"})
    EXPECT_EQ(try_make("pods", pod(spec)).error().code, 403) << spec;
  EXPECT_TRUE(warnings_.empty());

  make("pods", pod(R"("hostNetwork":false,"securityContext":{"sysctls":[]},"affinity":{"podAntiAffinity":
      {"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"kubernetes.io/hostname"}]}},
      "topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule"}],)",
                   R"("tty":true,)"));
  ASSERT_EQ(warnings_.size(), 3U);
  EXPECT_EQ(
      warnings_[0],
      "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution is not acted on here: the pod "
      "may share a node with those");
  EXPECT_EQ(warnings_[1],
            "spec.topologySpreadConstraints is not acted on here: the pod is placed without regard to others");
  EXPECT_EQ(warnings_[2], "spec.containers[0].tty is not acted on here: nobody can attach to it here");

  warnings_.clear();
  make("replicationcontrollers", R"({"metadata":{"name":"r"},"spec":{"selector":{"a":"b"},"template":{"metadata":
      {"labels":{"a":"b"}},"spec":{"hostNetwork":true,"containers":[{"name":"c","image":"i"}]}}}})");
  EXPECT_EQ(warnings_.size(), 1U) << "its kind is warned of, which is enough";
}

TEST_F(AdmissionTest, LimitsThatNobodyMeasuresAreWarnedOf) {
  make("pods", R"({"metadata":{"name":"p"},"spec":{"os":{"name":"linux"},
      "volumes":[{"name":"m","emptyDir":{"medium":"Memory","sizeLimit":"1Mi"}},{"name":"d","emptyDir":{"sizeLimit":"1Mi"}}],
      "containers":[{"name":"c","image":"i","resources":{"limits":{"ephemeral-storage":"1Gi"}}}]}})");
  EXPECT_EQ(
      warnings_,
      (std::vector<std::string>{
          "spec.containers[0].resources.limits.ephemeral-storage is not acted on here: what it writes is not measured",
          "spec.volumes[1].emptyDir.sizeLimit is not acted on here: what is written to it is not measured"}));
}

TEST_F(AdmissionTest, FieldsOfLaterVersionsAreRefusedOrSaid) {
  const auto spec = [](std::string_view pod, std::string_view container = "") {
    return fmt::format(
        R"({{"metadata":{{"generateName":"p-"}},"spec":{{{}"containers":[{{{}"name":"c","image":"i"}}]}}}})", pod,
        container);
  };
  const std::string volume = R"("volumes":[{"name":"v","emptyDir":{}}],)";
  const auto mount = [](std::string_view field) {
    return fmt::format(R"("volumeMounts":[{{"name":"v","mountPath":"/v","readOnly":true,{}}}],)", field);
  };
  const std::vector<std::pair<std::string, std::string>> refused = {
      {spec(R"("hostnameOverride":"other",)"), "spec.hostnameOverride"},
      {spec(volume, mount(R"("recursiveReadOnly":"Enabled")")), "spec.containers[0].volumeMounts[0].recursiveReadOnly"},
      {spec(R"("volumes":[{"name":"v","emptyDir":{"medium":"HugePages-2Mi"}}],)"), "spec.volumes[0].emptyDir.medium"},
      {spec(R"("volumes":[{"name":"v","projected":{"sources":[
          {"clusterTrustBundle":{"name":"ca","path":"ca.pem"}}]}}],)"),
       "spec.volumes[0].projected.sources[0].clusterTrustBundle"},
      {spec(R"("volumes":[{"name":"v","projected":{"sources":[
          {"podCertificate":{"signerName":"example.com/s","keyType":"ED25519","credentialBundlePath":"c.pem"}}]}}],)"),
       "spec.volumes[0].projected.sources[0].podCertificate"},
      {spec(volume, R"("env":[{"name":"A","valueFrom":{"fileKeyRef":{"volumeName":"v","path":"p","key":"A"}}}],)"),
       "spec.containers[0].env[0].valueFrom.fileKeyRef"}};
  for (const auto& [pod, field] : refused) {
    const auto made = try_make("pods", pod);
    ASSERT_FALSE(made.has_value()) << field;
    EXPECT_NE(made.error().message.find(field + " is not acted on here"), std::string::npos) << made.error().message;
  }
  EXPECT_TRUE(warnings_.empty());

  const std::vector<std::pair<std::string, std::string>> said = {
      {spec(R"("hostUsers":false,)"), "spec.hostUsers"},
      {spec(R"("resources":{"limits":{"memory":"1Gi"}},)"), "spec.resources"},
      {spec(R"("securityContext":{"supplementalGroupsPolicy":"Merge"},)"),
       "spec.securityContext.supplementalGroupsPolicy"},
      {spec(volume, mount(R"("mountPropagation":"HostToContainer")")),
       "spec.containers[0].volumeMounts[0].mountPropagation"}};
  for (const auto& [pod, field] : said) {
    warnings_.clear();
    make("pods", pod);
    ASSERT_EQ(warnings_.size(), 1U) << field;
    EXPECT_TRUE(warnings_[0].starts_with(field + " is not acted on here")) << warnings_[0];
  }
  warnings_.clear();
  make("pods", spec(R"("hostUsers":true,"securityContext":{"supplementalGroupsPolicy":"Strict"},)" + volume,
                    mount(R"("mountPropagation":"None","recursiveReadOnly":"Disabled")") +
                        R"("resources":{"limits":{"cpu":"1"}},)"));
  EXPECT_TRUE(warnings_.empty()) << warnings_[0];
}

TEST_F(AdmissionTest, ATokenSecretSaysThatItStaysEmpty) {
  make("secrets", R"({"metadata":{"name":"t","annotations":{"kubernetes.io/service-account.name":"default"}},
      "type":"kubernetes.io/service-account-token"})");
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_NE(warnings_[0].find("kubectl create token"), std::string::npos) << warnings_[0];
  warnings_.clear();
  make("secrets", R"({"metadata":{"name":"o"},"type":"Opaque"})");
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(AdmissionTest, KindsThatNothingActsOnSaySo) {
  make("limitranges", R"({"metadata":{"name":"l"},"spec":{"limits":[{"type":"Pod","max":{"cpu":"1"}}]}})");
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_EQ(warnings_[0], "nothing here acts on LimitRange objects: this one is stored and does nothing");

  warnings_.clear();
  make("endpoints", R"({"metadata":{"name":"e"}})");
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_EQ(warnings_[0], "nothing here acts on Endpoints objects: this one is stored and does nothing")
      << "Services are served from EndpointSlices";
}

}  // namespace
}  // namespace fairlead::api
