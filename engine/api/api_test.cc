#include "engine/api/api.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace fairlead::api {
namespace {

class ApiTest : public testing::Test {
 protected:
  const Resource& pods() { return schema().resource("", "pods"); }
  const Resource& deployments() { return schema().resource("apps", "deployments"); }
  const Resource& config_maps() { return schema().resource("", "configmaps"); }
  static Schema& schema() {
    static Schema all;
    return all;
  }
  static Value json(std::string_view text) {
    auto value = parse_json(text);
    EXPECT_TRUE(value.has_value()) << value.error().to_string();
    return value ? *value : Value();
  }
  static Value pod(std::string_view name) {
    return Value::object({{"metadata", Value::object({{"name", name}})},
                          {"spec", json(R"({"containers":[{"name":"c","image":"i"}]})")}});
  }
  static Value deployment(std::string_view name) {
    return Value::object({{"metadata", Value::object({{"name", name}})},
                          {"spec", json(R"({"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":
                            {"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"i"}]}}})")}});
  }
  ObjectPtr made(const Resource& resource, Value object) {
    auto out = api_.create(resource, "default", std::move(object));
    EXPECT_TRUE(out.has_value()) << out.error().message;
    return out ? *out : nullptr;
  }
  static Value binding(std::string_view pod, std::string_view node) {
    return Value::object({{"metadata", Value::object({{"name", pod}})}, {"target", Value::object({{"name", node}})}});
  }
  Key bound_pod(std::string_view name) {
    const Key key = made(pods(), pod(name))->key();
    const auto bound = api_.update(key, binding(name, "n1"), Subresource::kBinding);
    EXPECT_TRUE(bound.has_value()) << bound.error().message;
    return key;
  }

  std::unique_ptr<Journal> journal_ = memory_journal();
  Store store_{schema(), *journal_};
  seam::ManualClock clock_{*parse_time("2026-11-23T10:00:00Z")};
  Api api_{schema(), store_, clock_, 7};
};

TEST_F(ApiTest, CreateStampsMetadata) {
  const ObjectPtr web = made(deployments(), deployment("web"));
  ASSERT_TRUE(web);
  EXPECT_EQ(web->ns(), "default");
  EXPECT_EQ(web->at("metadata", "creationTimestamp").str(), "2026-11-23T10:00:00Z");
  EXPECT_EQ(web->at("metadata", "resourceVersion").str(), "1");
  EXPECT_EQ(web->at("metadata", "generation").int_or(0), 1);
  EXPECT_EQ(web->uid().size(), 36U);
  EXPECT_EQ(api_.store().by_uid(web->uid()), web);
  EXPECT_EQ(api_.create(deployments(), "default", deployment("web")).error().reason, "AlreadyExists");
}

TEST_F(ApiTest, SameSeedAndCallsGiveTheSameNames) {
  std::vector<std::string> names[2];
  for (auto& list : names) {
    const auto journal = memory_journal();
    Store store(schema(), *journal);
    Api api(schema(), store, clock_, 42);
    for (int i = 0; i < 3; ++i) {
      Value p = pod("x");
      p.make("metadata").erase("name");
      p.make("metadata").set("generateName", "web-");
      const auto created = api.create(pods(), "default", std::move(p));
      ASSERT_TRUE(created.has_value()) << created.error().message;
      list.push_back(std::string((*created)->name()) + std::string((*created)->uid()));
      EXPECT_EQ((*created)->name().size(), 9U);
    }
    EXPECT_NE(list[0], list[1]);
  }
  EXPECT_EQ(names[0], names[1]);
}

TEST_F(ApiTest, UnknownFieldsAreRefusedWarnedOfOrIgnored) {
  Value p = pod("a");
  p.make("spec").set("colour", "red");
  const auto strict = api_.create(pods(), "default", p);
  ASSERT_FALSE(strict.has_value());
  EXPECT_EQ(strict.error().code, 400);
  EXPECT_EQ(strict.error().message,
            "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: "
            "unknown field \"spec.colour\"");
  std::vector<std::string> warnings;
  const auto warned = api_.create(pods(), "default", p, {.validation = FieldValidation::kWarn, .warnings = &warnings});
  ASSERT_TRUE(warned.has_value());
  EXPECT_EQ(warnings, std::vector<std::string>{"unknown field \"spec.colour\""});
  EXPECT_FALSE((*warned)->at("spec").has("colour"));
}

TEST_F(ApiTest, GenerationCountsSpecChangesOnly) {
  const Key key = made(deployments(), deployment("web"))->key();
  auto scaled = api_.patch(key, PatchType::kMerge, json(R"({"spec":{"replicas":3},"status":{"replicas":9}})"));
  ASSERT_TRUE(scaled.has_value()) << scaled.error().message;
  EXPECT_EQ((*scaled)->at("metadata", "generation").int_or(0), 2);
  EXPECT_TRUE((*scaled)->at("status", "replicas").is_null()) << "status belongs to its subresource";
  auto labelled = api_.patch(key, PatchType::kMerge, json(R"({"metadata":{"labels":{"a":"b"}}})"));
  EXPECT_EQ((*labelled)->at("metadata", "generation").int_or(0), 2);
  auto status = api_.patch(key, PatchType::kMerge, json(R"({"spec":{"replicas":5},"status":{"replicas":3}})"),
                           Subresource::kStatus);
  ASSERT_TRUE(status.has_value()) << status.error().message;
  EXPECT_EQ((*status)->at("spec", "replicas").int_or(0), 3);
  EXPECT_EQ((*status)->at("status", "replicas").int_or(0), 3);
  EXPECT_EQ((*status)->at("metadata", "generation").int_or(0), 2);
}

TEST_F(ApiTest, UpdateIsOptimisticAndIdempotent) {
  const ObjectPtr first = made(config_maps(), json(R"({"metadata":{"name":"c"},"data":{"a":"1"}})"));
  Value next = first->tree();
  next.make("data").set("a", "2");
  ASSERT_TRUE(api_.update(first->key(), next).has_value());
  const std::uint64_t revision = store_.revision();
  const auto stale = api_.update(first->key(), next);
  ASSERT_FALSE(stale.has_value());
  EXPECT_EQ(stale.error().reason, "Conflict");
  next.make("metadata").erase("resourceVersion");
  EXPECT_TRUE(api_.update(first->key(), next).has_value());
  EXPECT_EQ(store_.revision(), revision) << "nothing changed, nothing is written";
  next.make("metadata").set("uid", "other");
  EXPECT_EQ(api_.update(first->key(), next).error().code, 409);
  EXPECT_EQ(api_.update({&config_maps(), "default", "none"}, first->tree()).error().message,
            "configmaps \"none\" not found");
}

TEST_F(ApiTest, IdentityCannotBeChanged) {
  const ObjectPtr first = made(config_maps(), json(R"({"metadata":{"name":"c"}})"));
  auto patched = api_.patch(first->key(), PatchType::kMerge,
                            json(R"({"data":{"a":"b"},"metadata":{"creationTimestamp":"2001-01-01T00:00:00Z",
                                  "deletionTimestamp":"2001-01-01T00:00:00Z"}})"));
  ASSERT_TRUE(patched.has_value()) << patched.error().message;
  EXPECT_EQ((*patched)->at("metadata", "creationTimestamp"), first->at("metadata", "creationTimestamp"));
  EXPECT_FALSE((*patched)->deleting());
}

TEST_F(ApiTest, DryRunStoresNothing) {
  auto made_up = api_.create(config_maps(), "default", json(R"({"metadata":{"name":"c"}})"), {.dry_run = true});
  ASSERT_TRUE(made_up.has_value());
  EXPECT_EQ(store_.revision(), 0U);
  EXPECT_EQ(api_.get(config_maps(), "default", "c"), nullptr);
}

TEST_F(ApiTest, PodsGetGraceAndOthersGoAtOnce) {
  const Key key = bound_pod("a");
  auto going = api_.remove(key);
  ASSERT_TRUE(going.has_value());
  EXPECT_EQ((*going)->at("metadata", "deletionTimestamp").str(), "2026-11-23T10:00:30Z");
  EXPECT_EQ((*going)->at("metadata", "deletionGracePeriodSeconds").int_or(0), 30);
  going = api_.remove(key, {.grace_seconds = 5});
  EXPECT_EQ((*going)->at("metadata", "deletionTimestamp").str(), "2026-11-23T10:00:05Z");
  going = api_.remove(key, {.grace_seconds = 60});
  EXPECT_EQ((*going)->at("metadata", "deletionGracePeriodSeconds").int_or(0), 5) << "grace is only ever shortened";
  EXPECT_TRUE(store_.get(key));
  ASSERT_TRUE(api_.remove(key, {.grace_seconds = 0}).has_value());
  EXPECT_FALSE(store_.get(key));
  const Key unbound = made(pods(), pod("b"))->key();
  ASSERT_TRUE(api_.remove(unbound).has_value());
  EXPECT_FALSE(store_.get(unbound)) << "a pod that no node runs needs no grace";
}

TEST_F(ApiTest, FinalizersHoldAnObjectBack) {
  const Key key = made(config_maps(), json(R"({"metadata":{"name":"c","finalizers":["x.io/y"]}})"))->key();
  ASSERT_TRUE(api_.remove(key).has_value());
  ASSERT_TRUE(store_.get(key));
  EXPECT_TRUE(store_.get(key)->deleting());
  const auto added = api_.patch(key, PatchType::kMerge, json(R"({"metadata":{"finalizers":["x.io/y","x.io/z"]}})"));
  EXPECT_EQ(added.error().code, 422);
  ASSERT_TRUE(api_.patch(key, PatchType::kMerge, json(R"({"metadata":{"finalizers":[]}})")).has_value());
  EXPECT_FALSE(store_.get(key));
}

TEST_F(ApiTest, PropagationIsAFinalizer) {
  const Key key = made(deployments(), deployment("web"))->key();
  ASSERT_TRUE(api_.remove(key, {.propagation = Propagation::kForeground}).has_value());
  EXPECT_EQ(store_.get(key)->at("metadata", "finalizers", 0).str(), "foregroundDeletion");
  EXPECT_EQ(store_.get(key)->at("metadata", "generation").int_or(0), 2);
  ASSERT_TRUE(api_.remove(key, {.propagation = Propagation::kOrphan}).has_value());
  EXPECT_EQ(store_.get(key)->at("metadata", "finalizers", 0).str(), "orphan");
  ASSERT_TRUE(api_.remove(key, {.propagation = Propagation::kBackground}).has_value());
  EXPECT_FALSE(store_.get(key));
}

TEST_F(ApiTest, DeletePreconditions) {
  const ObjectPtr first = made(config_maps(), json(R"({"metadata":{"name":"c"}})"));
  EXPECT_EQ(api_.remove(first->key(), {.uid = "other"}).error().code, 409);
  EXPECT_EQ(api_.remove(first->key(), {.resource_version = "999"}).error().code, 409);
  EXPECT_TRUE(api_.remove(first->key(), {.uid = std::string(first->uid())}).has_value());
}

TEST_F(ApiTest, ScaleReadsAndWritesReplicas) {
  const Key key = made(deployments(), deployment("web"))->key();
  auto scale = api_.get(key, Subresource::kScale);
  ASSERT_TRUE(scale.has_value());
  EXPECT_EQ((*scale)->at("kind").str(), "Scale");
  EXPECT_EQ((*scale)->at("status", "selector").str(), "app=web");
  scale = api_.patch(key, PatchType::kMerge, json(R"({"spec":{"replicas":4}})"), Subresource::kScale);
  ASSERT_TRUE(scale.has_value()) << scale.error().message;
  EXPECT_EQ((*scale)->at("spec", "replicas").int_or(0), 4);
  EXPECT_EQ(store_.get(key)->at("spec", "replicas").int_or(0), 4);
  EXPECT_EQ(store_.get(key)->at("metadata", "generation").int_or(0), 2);
  EXPECT_EQ(api_.patch(key, PatchType::kMerge, json(R"({"spec":{"replicas":-1}})"), Subresource::kScale).error().code,
            422);
}

TEST_F(ApiTest, BindingHappensOnce) {
  const Key key = bound_pod("a");
  EXPECT_EQ(store_.get(key)->at("spec", "nodeName").str(), "n1");
  EXPECT_EQ(store_.get(key)->at("status", "conditions", 0, "type").str(), "PodScheduled");
  EXPECT_EQ(api_.update(key, binding("a", "n2"), Subresource::kBinding).error().code, 409);
}

TEST_F(ApiTest, AnActionIsOnWhatItsBodyNames) {
  const Key key = made(pods(), pod("a"))->key();
  EXPECT_EQ(api_.update(key, binding("b", "n1"), Subresource::kBinding).error().message,
            "name in URL does not match name in Binding object");
  Value elsewhere = binding("a", "n1");
  elsewhere["metadata"].set("namespace", "other");
  EXPECT_EQ(api_.update(key, elsewhere, Subresource::kBinding).error().message,
            "the namespace of the provided object does not match the namespace sent on the request");
  for (const char* metadata : {R"({"name":"b"})", "{}", R"({"name":"a","namespace":"other"})"}) {
    const Value eviction = Value::object({{"metadata", json(metadata)}});
    EXPECT_EQ(api_.update(key, eviction, Subresource::kEviction).error().code, 400) << metadata;
  }
  EXPECT_EQ(store_.get(key)->at("spec", "nodeName").str(), "");
  EXPECT_FALSE(store_.get(key)->deleting());
}

TEST_F(ApiTest, AGatedPodIsNotBound) {
  Value gated = pod("a");
  gated["spec"].set("schedulingGates", json(R"([{"name":"example.com/wait"}])"));
  const Key key = made(pods(), std::move(gated))->key();
  EXPECT_EQ(api_.update(key, binding("a", "n1"), Subresource::kBinding).error().code, 409);
}

// The journal's reader refuses more, and with it the next start.
TEST_F(ApiTest, NothingDeeperThanCanBeReadBackIsStored) {
  const Resource& revisions = schema().resource("apps", "controllerrevisions");
  const auto nested = [](std::size_t levels) {
    Value out = Value::object();
    for (std::size_t i = 1; i < levels; ++i) out = Value::object({{"n", std::move(out)}});
    return out;
  };
  const auto revision = [&](std::size_t levels) {
    return Value::object({{"metadata", Value::object({{"name", "deep"}})}, {"revision", 1}, {"data", nested(levels)}});
  };
  EXPECT_EQ(api_.create(revisions, "default", revision(100)).error().message,
            "the object is nested deeper than 100 levels");
  EXPECT_TRUE(api_.create(revisions, "default", revision(99)).has_value());
}

TEST_F(ApiTest, EvictionAsksTheBudget) {
  const Resource& budgets = schema().resource("policy", "poddisruptionbudgets");
  Value p = pod("a");
  p.make("metadata", "labels").set("app", "web");
  const Key key = made(pods(), std::move(p))->key();
  ASSERT_TRUE(api_.update(key, binding("a", "n1"), Subresource::kBinding).has_value());
  const auto written = api_.mutate(key, Subresource::kStatus, [&](Value& tree) {
    tree.make("status") = json(R"({"phase":"Running","conditions":[{"type":"Ready","status":"True"}]})");
  });
  ASSERT_TRUE(written.has_value());
  const Key budget = made(budgets, json(R"({"metadata":{"name":"b"},"spec":{"minAvailable":1,
                                            "selector":{"matchLabels":{"app":"web"}}}})"))
                         ->key();
  const Value eviction = json(R"({"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"a"}})");
  EXPECT_EQ(api_.update(key, eviction, Subresource::kEviction).error().code, 429);
  auto allowed = api_.mutate(budget, Subresource::kStatus, [&](Value& tree) {
    tree.make("status") = json(R"({"observedGeneration":1,"disruptionsAllowed":1,"currentHealthy":2,
                                   "desiredHealthy":1,"expectedPods":2})");
  });
  ASSERT_TRUE(allowed.has_value()) << allowed.error().message;
  ASSERT_TRUE(api_.update(key, eviction, Subresource::kEviction).has_value());
  EXPECT_TRUE(store_.get(key)->deleting());
  EXPECT_EQ(store_.get(budget)->at("status", "disruptionsAllowed").int_or(9), 0);
}

TEST_F(ApiTest, JsonPatchThatFailsIsUnprocessable) {
  const Key key = made(config_maps(), json(R"({"metadata":{"name":"c"},"data":{"a":"1"}})"))->key();
  const auto failed = api_.patch(key, PatchType::kJson, json(R"([{"op":"test","path":"/data/a","value":"2"}])"));
  EXPECT_EQ(failed.error().code, 422);
  const auto done = api_.patch(key, PatchType::kJson, json(R"([{"op":"replace","path":"/data/a","value":"2"}])"));
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ((*done)->at("data", "a").str(), "2");
}

TEST_F(ApiTest, AdmissionStepsRunInOrderAndMayRefuse) {
  std::string order;
  api_.add_admission("first", [&](Admission& admission) -> ApiResult<> {
    order += "1";
    if (admission.object != nullptr) admission.object->make("metadata", "labels").set("seen", "yes");
    return {};
  });
  api_.add_admission("second", [&](Admission& admission) -> ApiResult<> {
    order += "2";
    if (admission.operation == Admission::Operation::kDelete) return std::unexpected(Status::forbidden("no"));
    return {};
  });
  const ObjectPtr first = made(config_maps(), json(R"({"metadata":{"name":"c"}})"));
  EXPECT_EQ(first->label("seen"), "yes");
  EXPECT_EQ(api_.remove(first->key()).error().code, 403);
  EXPECT_EQ(order, "1212");
  EXPECT_EQ(api_.admission_steps(), (std::vector<std::string>{"first", "second"}));
}

}  // namespace
}  // namespace fairlead::api
