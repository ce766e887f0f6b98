#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/yaml.h"
#include "engine/api/testing_admission.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kPrefix = "pod-security.kubernetes.io/";

class PodSecurity : public AdmissionTest {
 protected:
  ApiResult<ObjectPtr> try_label(std::string_view name, std::string_view value) {
    Value labels = Value::object({{fmt::format("{}{}", kPrefix, name), value.empty() ? Value() : Value(value)}});
    Value patch = Value::object({{"metadata", Value::object({{"labels", std::move(labels)}})}});
    WriteOptions options;
    options.warnings = &warnings_;
    return api_.patch(kSpace, PatchType::kMerge, patch, Subresource::kNone, options);
  }
  void label(std::string_view name, std::string_view value) {
    const auto out = try_label(name, value);
    EXPECT_TRUE(out.has_value()) << out.error().message;
  }
  /// What is held against a pod that sets `spec` beside a plain container; empty when it is admitted.
  std::string refusal(std::string_view spec = "", std::string_view name = "p") {
    const auto out = try_make("pods", fmt::format(R"({{"metadata":{{"name":"{}"}},"spec":{{{}"containers":[{{"name":"c",
        "image":"i"}}]}}}})",
                                                  name, spec));
    return out ? "" : out.error().message;
  }
  const Key kSpace{&schema().resource("", "namespaces"), "", "shop"};
};

TEST_F(PodSecurity, HoldsAgainstPodsWhatUpstreamDoes) {
  const std::filesystem::path path =
      std::filesystem::path(FAIRLEAD_SOURCE_DIR) / "engine/api/testdata/pod_security.yaml";
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  const Result<std::vector<Value>> read = parse_yaml(text.str(), path.filename().string());
  ASSERT_TRUE(read) << read.error().to_string();
  const Value& cases = read->front().at("cases");
  EXPECT_GT(cases.size(), 40U);
  for (const Value& question : cases.items()) {
    const std::string where = fmt::format("pod_security.yaml:{}: {}", question.line(), question.at("name").str());
    label("enforce", question.at("level").str());
    label("enforce-version", question.at("version").str());
    Value pod = question.at("pod");
    pod.make("metadata").set("name", "p");
    WriteOptions options;
    options.dry_run = true;
    const auto out = api_.create(schema().resource("", "pods"), "shop", pod, options);
    const std::string_view violates = question.at("violates").str();
    const std::string message = out ? "" : out.error().message;
    if (violates.empty()) {
      EXPECT_EQ(message.find("PodSecurity"), std::string::npos) << where << ": " << message;
    } else {
      EXPECT_EQ(message, fmt::format("pods \"p\" is forbidden: violates PodSecurity {}", violates)) << where;
    }
  }
}

TEST_F(PodSecurity, AnAnnotationOfAppArmorCountsAsItsField) {
  label("enforce", "baseline");
  const auto refused = try_make("pods", R"({"metadata":{"name":"p","annotations":
      {"container.apparmor.security.beta.kubernetes.io/c":"unconfined"}},"spec":{"containers":[{"name":"c","image":"i"}]}})");
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("(annotation must not set AppArmor profile type to "), std::string::npos)
      << refused.error().message;
}

TEST_F(PodSecurity, AMisspeltLevelIsRefused) {
  const auto refused = try_label("enforce", "restrict");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message,
            "Namespace \"shop\" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "
            "\"restrict\": must be one of privileged, baseline, restricted");
  EXPECT_EQ(try_label("warn-version", "1.30").error().message,
            "Namespace \"shop\" is invalid: metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "
            "\"1.30\": must be \"latest\" or \"v1.x\"");
  EXPECT_FALSE(try_label("enforce-version", "v1.030").has_value());
  const auto made =
      try_make("namespaces", R"({"metadata":{"name":"n","labels":{"pod-security.kubernetes.io/audit":"x"}}})");
  EXPECT_EQ(made.error().code, 422);
}

TEST_F(PodSecurity, AMisspeltLevelThatIsStoredIsRestrictedAndMayStay) {
  Value space = store_.get(kSpace)->tree();
  space.make("metadata", "labels").set("pod-security.kubernetes.io/enforce", "restrict");
  store_.put(kSpace, std::move(space));
  EXPECT_NE(refusal().find("violates PodSecurity \"restricted:latest\""), std::string::npos);
  const auto other = api_.patch(kSpace, PatchType::kMerge, *parse_json(R"({"metadata":{"labels":{"a":"b"}}})"));
  EXPECT_TRUE(other.has_value()) << other.error().message;
}

TEST_F(PodSecurity, OnlyNewImagesOfAPodAreLookedAt) {
  make("pods", R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}})");
  label("enforce", "restricted");
  const Key pod{&schema().resource("", "pods"), "shop", "p"};
  EXPECT_TRUE(api_.patch(pod, PatchType::kMerge, *parse_json(R"({"spec":{"activeDeadlineSeconds":5}})")));
  const auto image =
      api_.patch(pod, PatchType::kMerge, *parse_json(R"({"spec":{"containers":[{"name":"c","image":"j"}]}})"));
  ASSERT_FALSE(image.has_value());
  EXPECT_EQ(image.error().code, 403);
}

TEST_F(PodSecurity, PodsThatRunAlreadyAreWarnedOf) {
  for (const char* name : {"q", "p", "r"}) EXPECT_EQ(refusal("", name), "");
  EXPECT_EQ(refusal(R"("volumes":[{"name":"v","hostPath":{"path":"/v"}}],)", "h"), "");
  label("enforce", "baseline");
  EXPECT_EQ(warnings_, (std::vector<std::string>{"existing pods in namespace \"shop\" violate the new PodSecurity "
                                                 "enforce level \"baseline:latest\"",
                                                 "h: hostPath volumes"}));
  warnings_.clear();
  label("enforce", "restricted");
  ASSERT_EQ(warnings_.size(), 3U);
  EXPECT_EQ(warnings_[1],
            "h: allowPrivilegeEscalation != false, unrestricted capabilities, restricted volume types, "
            "runAsNonRoot != true, seccompProfile");
  EXPECT_EQ(warnings_[2],
            "p (and 2 other pods): allowPrivilegeEscalation != false, unrestricted capabilities, "
            "runAsNonRoot != true, seccompProfile");
  warnings_.clear();
  label("enforce", "baseline");
  EXPECT_TRUE(warnings_.empty()) << "it was relaxed";
}

TEST_F(PodSecurity, TemplatesAreWarnedOf) {
  label("enforce", "baseline");
  const std::string pods =
      R"({"spec":{"restartPolicy":"Never","hostPID":true,"containers":[{"name":"c","image":"i"}]}})";
  make("cronjobs", fmt::format(R"({{"metadata":{{"name":"c"}},"spec":{{"schedule":"* * * * *","jobTemplate":{{"spec":
      {{"template":{}}}}}}}}})",
                               pods));
  ASSERT_FALSE(warnings_.empty());
  EXPECT_EQ(warnings_.back(), "would violate PodSecurity \"baseline:latest\": host namespaces (hostPID=true)");
  warnings_.clear();
  label("warn", "privileged");
  make("jobs", fmt::format(R"({{"metadata":{{"name":"j"}},"spec":{{"template":{}}}}})", pods));
  for (const std::string& warning : warnings_) EXPECT_EQ(warning.find("PodSecurity"), std::string::npos) << warning;
}

}  // namespace
}  // namespace fairlead::api
