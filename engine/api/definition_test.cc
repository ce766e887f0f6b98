// Kinds that a definition adds, from their first version to the next, and what the API makes of their objects.
#include <map>

#include <gtest/gtest.h>

#include "base/json.h"
#include "engine/api/admission.h"
#include "engine/api/api.h"

namespace fairlead::api {
namespace {

Value json(std::string_view text) {
  auto value = parse_json(text);
  EXPECT_TRUE(value.has_value()) << text << value.error().to_string();
  return value ? *value : Value();
}

struct Version {
  std::string_view name;
  bool served = true;
  std::string_view spec;         ///< Properties of its spec.
  std::string_view more = "{}";  ///< Subresources.
};

/// A definition of boats whose version `stored` is kept.
Value definition(std::initializer_list<Version> versions, std::string_view stored) {
  Value crd = json(R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
    "metadata":{"name":"boats.example.com"},"spec":{"group":"example.com","scope":"Namespaced",
    "names":{"plural":"boats","singular":"boat","kind":"Boat","listKind":"BoatList"},"versions":[]}})");
  for (const Version& version : versions) {
    crd["spec"]["versions"].push_back(
        json(fmt::format(R"({{"name":"{}","served":{},"storage":{},"subresources":{},"schema":{{"openAPIV3Schema":
          {{"type":"object","properties":{{"spec":{{"type":"object","properties":{}}},"status":{{"type":"object",
          "x-kubernetes-preserve-unknown-fields":true}}}}}}}}}})",
                         version.name, version.served, version.name == stored, version.more, version.spec)));
  }
  return crd;
}

/// Remembers what it was told, for a second life.
class RememberingJournal final : public Journal {
 public:
  Result<std::vector<JournalEntry>> load() override {
    std::vector<JournalEntry> out;
    for (const auto& [key, entry] : entries_) out.push_back(entry);
    out.push_back({.revision = revision_, .key = {}, .json = {}});
    return out;
  }
  void append(std::uint64_t revision, std::string key, ObjectPtr object) override {
    revision_ = revision;
    if (object) {
      entries_[key] = {.revision = revision, .key = key, .json = object->json()};
    } else {
      entries_.erase(key);
    }
    if (durable_) durable_(revision);
  }
  void on_durable(std::function<void(std::uint64_t)> callback) override { durable_ = std::move(callback); }
  void on_failure(std::function<void(Error)> /*callback*/) override {}

 private:
  std::map<std::string, JournalEntry> entries_;
  std::uint64_t revision_ = 0;
  std::function<void(std::uint64_t)> durable_;
};

class BoatsTest : public testing::Test {
 protected:
  void define(std::initializer_list<Version> versions, std::string_view stored) {
    const auto added = schema_.add_definition(definition(versions, stored));
    EXPECT_TRUE(added.has_value()) << added.error().to_string();
  }
  const Resource& boats(std::string_view version) {
    const Resource* found = schema_.by_plural("example.com", version, "boats");
    EXPECT_NE(found, nullptr) << version;
    return *found;
  }
  static Value boat(std::string_view name, std::string_view spec) {
    return json(fmt::format(R"({{"metadata":{{"name":"{}"}},"spec":{}}})", name, spec));
  }
  ObjectPtr make(std::string_view version, Value object) {
    auto made = api_.create(boats(version), "default", std::move(object));
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return made ? *made : nullptr;
  }
  Key key(std::string_view name) { return {schema_.stored("example.com", "boats"), "default", std::string(name)}; }

  Schema schema_;
  std::unique_ptr<Journal> journal_ = std::make_unique<RememberingJournal>();
  Store store_{schema_, *journal_};
  seam::ManualClock clock_{*parse_time("2026-11-23T10:00:00Z")};
  Api api_{schema_, store_, clock_, 7};
};

constexpr std::string_view kCrew = R"({"crew":{"type":"integer"}})";
constexpr std::string_view kSails = R"({"crew":{"type":"integer"},"sails":{"type":"integer"}})";

TEST_F(BoatsTest, VersionsShareTheirObjectsThoughTheStoredOneIsNotServed) {
  define({{"v1", true, kCrew}, {"v2", true, kCrew}, {"v3", false, kCrew}}, "v3");
  EXPECT_EQ(schema_.by_plural("example.com", "v3", "boats"), nullptr);
  EXPECT_EQ(boats("v1").storage, boats("v2").storage);
  EXPECT_EQ(boats("v1").storage->version, "v3");
  make("v1", boat("one", R"({"crew":1})"));
  EXPECT_EQ(api_.create(boats("v2"), "default", boat("one", R"({"crew":2})")).error().reason, "AlreadyExists");
  EXPECT_EQ(api_.get(boats("v2"), "default", "one")->at("apiVersion").str(), "example.com/v3");
}

TEST_F(BoatsTest, ARestartFindsWhatTwoVersionsWrote) {
  const Resource& definitions = schema_.resource("apiextensions.k8s.io", "customresourcedefinitions");
  Value crd = definition({{"v1", true, kCrew}, {"v2", true, kCrew}, {"v3", false, kCrew}}, "v3");
  ASSERT_TRUE(schema_.add_definition(crd));
  ASSERT_TRUE(api_.create(definitions, "", crd));
  Value rival = crd;  // The same kind under another name: it never got it.
  rival["metadata"].set("name", "ships.example.com");
  rival["spec"]["names"].set("plural", "ships").set("singular", "ship");
  ASSERT_TRUE(api_.create(definitions, "", rival));
  ASSERT_TRUE(api_.patch({&definitions, "", "ships.example.com"}, PatchType::kMerge,
                         json(R"({"status":{"conditions":[{"type":"NamesAccepted","status":"False","reason":"x",
                              "message":"x","lastTransitionTime":"2026-11-23T10:00:00Z"}]}})"),
                         Subresource::kStatus));
  make("v1", boat("one", R"({"crew":1})"));
  make("v2", boat("two", R"({"crew":2})"));
  Schema schema;
  Store store(schema, *journal_);
  const auto strangers =
      store.load([&](const Value& stored) { EXPECT_TRUE(schema.add_definition(stored).has_value()); });
  ASSERT_TRUE(strangers.has_value());
  EXPECT_TRUE(strangers->empty());
  const Resource* kept = schema.stored("example.com", "boats");
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(store.count(*kept), 2U);
  EXPECT_EQ(schema.by_kind("example.com/v1", "Boat")->plural, "boats");
  EXPECT_EQ(schema.by_plural("example.com", "v1", "ships"), nullptr);
}

TEST_F(BoatsTest, ObjectsAreFoundAgainWhenAnotherVersionIsStored) {
  define({{"v1", true, kCrew}}, "v1");
  const ObjectPtr old = make("v1", boat("one", R"({"crew":1})"));
  define({{"v1", true, kCrew}, {"v2", true, kSails}}, "v2");
  EXPECT_EQ(api_.get(boats("v2"), "default", "one"), old);
  EXPECT_EQ(api_.list(boats("v1"), "default").size(), 1U);
  // Whoever holds its key from before writes to the same place, by what holds now.
  const auto changed = api_.patch(old->key(), PatchType::kMerge, json(R"({"spec":{"sails":2}})"));
  ASSERT_TRUE(changed.has_value()) << changed.error().message;
  EXPECT_EQ((*changed)->at("apiVersion").str(), "example.com/v2");
  EXPECT_EQ((*changed)->at("spec"), json(R"({"crew":1,"sails":2})"));
  EXPECT_EQ(store_.count(boats("v1")) + store_.count(*boats("v1").storage), 1U);
}

TEST_F(BoatsTest, AChangedDefinitionHoldsForTheNextWrite) {
  define({{"v1", true, kCrew}}, "v1");
  const Resource& before = boats("v1");
  EXPECT_EQ(api_.create(before, "default", boat("one", R"({"sails":1})")).error().code, 400);
  define({{"v1", true, kSails}}, "v1");
  EXPECT_EQ(make("v1", boat("one", R"({"sails":1})"))->at("spec", "sails"), Value(1));
  EXPECT_EQ(before.kind, "Boat") << "what others may still read stays as it was";
  EXPECT_EQ(before.ordinal, boats("v1").ordinal);
  const Resource& same = boats("v1");
  define({{"v1", true, kSails}}, "v1");
  EXPECT_EQ(&boats("v1"), &same) << "nothing is made anew when nothing changed";
}

TEST_F(BoatsTest, EachVersionIsHeldToItsOwnSchema) {
  define({{"v1", true, kCrew}, {"v2", true, kSails}}, "v1");
  Value next = make("v2", boat("one", R"({"sails":1})"))->tree();
  next.erase("apiVersion");
  next["spec"].set("sails", 2);
  WriteOptions options;
  options.served = &boats("v2");
  const auto written = api_.update(key("one"), next, Subresource::kNone, options);
  ASSERT_TRUE(written.has_value()) << written.error().message;
  EXPECT_EQ((*written)->at("spec", "sails"), Value(2));
  options.served = &boats("v1");
  EXPECT_EQ(api_.update(key("one"), next, Subresource::kNone, options).error().code, 400);
}

constexpr std::string_view kScale =
    R"({"status":{},"scale":{"specReplicasPath":".spec.fleet.size","statusReplicasPath":".status.afloat",
        "labelSelectorPath":".status.labels"}})";
constexpr std::string_view kFleet = R"({"fleet":{"type":"object","properties":{"size":{"type":"integer"}}}})";

TEST_F(BoatsTest, ScaleFollowsThePathsOfTheDefinition) {
  define({{"v1", true, kFleet, kScale}}, "v1");
  make("v1", boat("one", R"({"fleet":{"size":3}})"));
  const auto said = api_.patch(key("one"), PatchType::kMerge, json(R"({"status":{"afloat":2,"labels":"a=b"}})"),
                               Subresource::kStatus);
  ASSERT_TRUE(said.has_value()) << said.error().message;
  const auto scale = api_.get(key("one"), Subresource::kScale);
  ASSERT_TRUE(scale.has_value()) << scale.error().message;
  EXPECT_EQ((*scale)->at("spec", "replicas"), Value(3));
  EXPECT_EQ((*scale)->at("status"), json(R"({"replicas":2,"selector":"a=b"})"));
  const auto scaled =
      api_.patch(key("one"), PatchType::kMerge, json(R"({"spec":{"replicas":7}})"), Subresource::kScale);
  ASSERT_TRUE(scaled.has_value()) << scaled.error().message;
  EXPECT_EQ((*scaled)->at("spec", "replicas"), Value(7));
  EXPECT_EQ(store_.get(key("one"))->at("spec"), json(R"({"fleet":{"size":7}})"));
}

TEST_F(BoatsTest, AnObjectThatDoesNotSayHowManyHasNoScaleUntilItIsScaled) {
  define({{"v1", true, kFleet, kScale}}, "v1");
  make("v1", boat("one", "{}"));
  EXPECT_EQ(api_.get(key("one"), Subresource::kScale).error().message,
            "Internal error occurred: the spec replicas field \".spec.fleet.size\" does not exist");
  EXPECT_EQ(api_.patch(key("one"), PatchType::kMerge, json(R"({"metadata":{}})"), Subresource::kScale).error().message,
            "the spec replicas field \".spec.fleet.size\" cannot be empty");
  const auto scaled =
      api_.patch(key("one"), PatchType::kMerge, json(R"({"spec":{"replicas":2}})"), Subresource::kScale);
  ASSERT_TRUE(scaled.has_value()) << scaled.error().message;
  EXPECT_EQ(store_.get(key("one"))->at("spec", "fleet", "size"), Value(2));
  EXPECT_EQ(
      api_.patch(key("one"), PatchType::kMerge, json(R"({"spec":{"replicas":-1}})"), Subresource::kScale)
          .error()
          .message,
      "Boat.example.com \"one\" is invalid: .spec.fleet.size: Invalid value: -1: should be a non-negative integer");
}

/// What is said of a boat whose one field, of this format, holds `text`.
std::string said_of(std::string_view format, std::string_view text) {
  Schema schema;
  const std::string property = fmt::format(R"({{"x":{{"type":"string","format":"{}"}}}})", format);
  const auto added = schema.add_definition(definition({{"v1", true, property}}, "v1"));
  EXPECT_TRUE(added.has_value());
  const Value boat =
      Value::object({{"metadata", Value::object({{"name", "one"}})}, {"spec", Value::object({{"x", text}})}});
  const auto findings = schema.validate(*schema.by_plural("example.com", "v1", "boats"), boat, nullptr);
  return findings.empty() ? "" : findings.front().message;
}

TEST(Formats, AreCheckedAsUpstreamDoes) {
  struct Case {
    std::string_view format;
    std::vector<std::string_view> good;
    std::vector<std::string_view> bad;
  };
  for (const Case& c :
       std::vector<Case>{{"date-time",
                          {"2026-11-23T10:00:00Z", "2026-11-23t10:00:00.5+01:00"},
                          {"", "2026-11-23", "2026-02-30T10:00:00Z", "2026-11-23T25:00:00Z", "2026-11-23T10:00:60Z"}},
                         {"datetime", {"2026-11-23T10:00:00Z"}, {"now"}},
                         {"date", {"2026-11-23"}, {"2026-13-01", "26-1-1"}},
                         {"uuid",
                          {"01234567-89ab-cdef-0123-456789ABCDEF", "0123456789abcdef0123456789abcdef"},
                          {"x", "01234567-89ab-cdef-0123-456789ABCDE"}},
                         {"uuid4",
                          {"01234567-89ab-4def-8123-456789abcdef"},
                          {"01234567-89ab-3def-8123-456789abcdef", "01234567-89ab-4def-0123-456789abcdef"}},
                         {"byte", {"aGk=", "AAAA"}, {"", "aGk", "a_k="}},
                         {"ipv4", {"10.0.0.1"}, {"::1", "10.0.0.256", "10.0.0"}},
                         {"ipv6", {"::1", "fe80::1"}, {"10.0.0.1", "x:y"}},
                         {"cidr", {"10.0.0.0/8", "fe80::/10"}, {"10.0.0.0", "10.0.0.0/33"}},
                         {"mac",
                          {"00:11:22:33:44:55", "0011.2233.4455", "00-11-22-33-44-55-66-77"},
                          {"00:11:22:33:44", "00:11-22:33:44:55"}},
                         {"uri", {"https://a.b/c?d", "/a/b", "mailto:x@y"}, {"", "a.b/c", "http://a b/", "/%zz"}},
                         {"email", {"a@b.c", "A B <a@b.c>"}, {"a", "@b", "a@b@c"}},
                         {"hostname", {"a.example.com", "localhost"}, {"-a", "a..b", "a_b.example.com"}},
                         {"duration", {"1h30m", "22 ns", "2 weeks"}, {"soon", "5"}},
                         {"hexcolor", {"#fff", "00ff00"}, {"#ff", "red"}},
                         {"rgbcolor", {"rgb(0, 10,255)"}, {"rgb(0,0)", "rgb(256,0,0)"}},
                         {"isbn", {"0321751043", "978-0321751041"}, {"0321751044", "978-0321751042"}},
                         {"creditcard", {"4111 1111 1111 1111"}, {"4111 1111 1111 1112", "1"}},
                         {"ssn", {"123-45-6789"}, {"123-45-678"}},
                         {"k8s-short-name", {"a-b"}, {"a.b", "A"}},
                         {"k8s-long-name", {"a-b.c"}, {"a_b"}},
                         {"bsonobjectid", {"507f1f77bcf86cd799439011"}, {"507f"}},
                         {"password", {"anything"}, {}},
                         {"nonsense", {"anything"}, {}}}) {
    for (const std::string_view text : c.good) EXPECT_EQ(said_of(c.format, text), "") << c.format << " " << text;
    for (const std::string_view text : c.bad) {
      EXPECT_EQ(said_of(c.format, text),
                fmt::format("Invalid value: \"{0}\": spec.x in body must be of type {1}: \"{0}\"", text, c.format));
    }
  }
}

TEST_F(BoatsTest, AnObjectWithinAnObjectIsOne) {
  define({{"v1", true,
           R"({"e":{"type":"object","x-kubernetes-embedded-resource":true,"properties":{"spec":{"type":"object",
             "properties":{"a":{"type":"string"}}}}},"n":{"type":"integer","format":"int32"}})"}},
         "v1");
  const auto refused = [&](std::string_view spec) {
    const auto made = api_.create(boats("v1"), "default", boat("one", spec));
    return made ? std::string() : made.error().message;
  };
  const std::string invalid = "Boat.example.com \"one\" is invalid: ";
  EXPECT_EQ(refused(R"({"e":{}})"), invalid + "[spec.e.apiVersion: Required value, spec.e.kind: Required value]");
  EXPECT_EQ(refused(R"({"e":{"apiVersion":"","kind":""}})"),
            invalid +
                "[spec.e.apiVersion: Invalid value: \"\": must not be empty, spec.e.kind: Invalid value: \"\": must "
                "not be empty]");
  EXPECT_EQ(refused(R"({"e":{"apiVersion":"a/b/c","kind":"Pod"}})"),
            invalid + "spec.e.apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c");
  EXPECT_EQ(refused(R"({"e":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x/y"}}})"),
            invalid + "spec.e.metadata.name: Invalid value: \"x/y\": may not contain '/'");
  const std::string unreadable = "Boat in version \"v1\" cannot be handled as a Boat: ";
  EXPECT_EQ(refused(R"({"e":{"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"a":1}}}})"),
            unreadable +
                "spec.e.metadata: Invalid value: {\"labels\":{\"a\":1}}: json: cannot unmarshal number into Go "
                "struct field ObjectMeta.labels of type string");
  EXPECT_EQ(
      refused(R"({"e":{"apiVersion":"v1","kind":"Pod","metadata":{"odd":1},"other":1}})"),
      unreadable + "strict decoding error: unknown field \"spec.e.other\", unknown field \"spec.e.metadata.odd\"");
  EXPECT_EQ(refused(R"({"n":3000000000})"),
            invalid + "<nil>: Invalid value: \"\": Checked value must be of type integer with format int32 in spec.n");
  WriteOptions ignoring;
  ignoring.validation = FieldValidation::kIgnore;
  const auto pruned = api_.create(
      boats("v1"), "default",
      boat(
          "one",
          R"({"e":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","odd":1,"labels":{"a":"b"}},"spec":{"a":"x"}}})"),
      ignoring);
  ASSERT_TRUE(pruned.has_value()) << pruned.error().message;
  EXPECT_EQ((*pruned)->at("spec", "e", "metadata"), json(R"({"name":"x","labels":{"a":"b"}})"));
}

}  // namespace
}  // namespace fairlead::api
