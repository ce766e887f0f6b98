// Holds the schema to what a real kube-apiserver answered: testdata/conformance/*.yaml are the questions, the .json
// beside them the answers, written by tools/conformance-record. gaps.txt names the cases where we still differ, and
// why.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/yaml.h"
#include "engine/api/admission.h"

namespace fairlead::api {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(FAIRLEAD_SOURCE_DIR) / "engine/api/testdata/conformance";

const Schema& schema() {
  static const Schema instance;
  return instance;
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

/// Upstream prints values that are structs in Go's spelling; those are not compared.
std::string without_struct(std::string_view message) {
  message = message.substr(0, message.find('\n'));  // What follows is a diff of Go structs.
  if (message.starts_with("Duplicate value: {")) return "Duplicate value: …";
  for (const std::string_view open : {"value: {", "value: [", "value: null"}) {
    const std::size_t at = message.find(open);
    if (at == std::string_view::npos) continue;
    std::size_t rest = at + open.size();
    for (const std::string_view close : {"]: ", "}: "}) {
      const std::size_t end = message.rfind(close);
      if (end != std::string_view::npos) rest = std::max(rest, end + 1);
    }
    return fmt::format("{}…{}", message.substr(0, at), message.substr(rest));
  }
  return std::string(message);
}

/// What we answer: the object, or why not.
struct Outcome {
  Value object;
  std::set<std::string> causes;  ///< "field: message"
  std::string message;           ///< Of what could not be decoded.
};

void refuse(Outcome& outcome, const std::vector<FieldError>& findings) {
  for (const FieldError& finding : findings) {
    if (!outcome.message.empty()) outcome.message += ", ";
    outcome.message += finding.message;
  }
}

/// What the registry of a kind sets and refuses before validation, in a cluster that has nothing else.
ApiResult<> register_object(const Resource& resource, Value& object, const Value* before) {
  static const std::unique_ptr<Journal> journal = memory_journal();
  static Store store(schema(), *journal);
  static const seam::ManualClock clock(*parse_time("2026-11-23T10:00:00Z"));
  static const Api api(schema(), store, clock, 7);
  Admission admission;
  admission.operation = before == nullptr ? Admission::Operation::kCreate : Admission::Operation::kUpdate;
  admission.resource = &resource;
  admission.object = &object;
  admission.before = before;
  return admit_service(api, admission);
}

/// Everything was asked of the namespace "default".
void settle(const Resource& resource, Value& object) {
  if (resource.namespaced && object.at("metadata", "namespace").is_null())
    object["metadata"].set("namespace", "default");
}

/// Decodes, sets defaults and validates, as a write does.
Outcome write(const Resource& resource, Value object, const Value* before) {
  Outcome outcome;
  refuse(outcome, schema().decode(resource, object));
  if (!outcome.message.empty()) return outcome;
  settle(resource, object);
  schema().apply_defaults(resource, object);
  const ApiResult<> registered = register_object(resource, object, before);
  for (const FieldError& finding :
       registered ? schema().validate(resource, object, before) : registered.error().causes) {
    outcome.causes.insert(finding.field + ": " + without_struct(finding.message));
  }
  outcome.object = std::move(object);
  return outcome;
}

/// Without what is allocated, unless it is asked for.
void clean_service(Value& spec, const Value& wanted) {
  for (const std::string_view field :
       {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"}) {
    if (!wanted.has(field)) spec.erase(field);
  }
  for (std::size_t i = 0; i < spec.at("ports").size(); ++i) {
    if (!wanted.at("ports", i).has("nodePort")) spec["ports"].mutable_items()[i].erase("nodePort");
  }
}

/// Without what answers leave out, too: see cleaned() in tools/conformance-record.
void clean(Value& object, const Value& wanted) {
  for (const std::string_view key : {"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"}) {
    object["metadata"].erase(key);
  }
  if (!wanted.at("metadata").has("namespace")) object["metadata"].erase("namespace");
  object.erase("status");
  const std::string_view kind = object.at("kind").str();
  if (kind == "Service") clean_service(object["spec"], wanted.at("spec"));
  if (kind == "DaemonSet") object["metadata"].erase("annotations");
  if (kind == "Namespace") object["spec"].erase("finalizers");
  if (kind == "Job") {
    if (!wanted.at("metadata").has("labels")) object["metadata"].erase("labels");
    if (!wanted.at("spec", "template").has("metadata")) object["spec"]["template"].erase("metadata");
  }
}

Outcome answer(const Value& question, const Value& expected) {
  const Value& wanted = question.at("object");
  const Resource* resource = schema().by_kind(wanted.at("apiVersion").str(), wanted.at("kind").str());
  if (resource == nullptr) return {.object = {}, .causes = {}, .message = "no such kind"};
  if (!question.has("patch") && !question.has("update")) return write(*resource, wanted, nullptr);
  Value before = expected.at("before");
  settle(*resource, before);
  if (question.has("update")) return write(*resource, question.at("update"), &before);
  Result<Value> merged = schema().strategic_merge(*resource, before, question.at("patch"));
  if (!merged) return {.object = {}, .causes = {}, .message = merged.error().message};
  return write(*resource, *std::move(merged), &before);
}

/// Why our answer is not upstream's; empty when it is.
std::string difference(const Value& question, const Value& expected) {
  Outcome ours = answer(question, expected);
  const auto together = [](const std::set<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) out += "\n    " + line;
    return out;
  };
  if (expected.has("object")) {
    if (!ours.message.empty() || !ours.causes.empty()) return "we refuse it: " + ours.message + together(ours.causes);
    clean(ours.object, question.at("object"));
    if (ours.object == expected.at("object")) return {};
    return "\n  ours:   " + to_json(ours.object) + "\n  theirs: " + to_json(expected.at("object"));
  }
  // Upstream's words about a bad patch print Go maps; that we refuse it is enough.
  if (question.has("patch") && !ours.message.empty()) return {};
  const Value& status = expected.at("status");
  std::set<std::string> causes;
  for (const Value& cause : status.at("causes").items()) {
    // CEL rules are not evaluated, so they are never left out either.
    if (cause.at("field").str() == "<nil>") continue;
    causes.insert(fmt::format("{}: {}", cause.at("field").str(), without_struct(cause.at("message").str())));
  }
  if (causes.empty()) {
    if (!ours.message.empty() && status.at("message").str().ends_with(ours.message)) return {};
    return fmt::format("\n  ours:   {}{}\n  theirs: {}", ours.message, together(ours.causes),
                       status.at("message").str());
  }
  if (ours.causes == causes) return {};
  std::set<std::string> extra;
  std::set<std::string> missing;
  std::ranges::set_difference(ours.causes, causes, std::inserter(extra, extra.end()));
  std::ranges::set_difference(causes, ours.causes, std::inserter(missing, missing.end()));
  return fmt::format("\n  only ours: {}{}\n  only theirs: {}", ours.message, together(extra), together(missing));
}

/// Case -> reason, of gaps.txt.
std::map<std::string, std::string, std::less<>> known_gaps() {
  std::map<std::string, std::string, std::less<>> out;
  std::istringstream lines(read(kFolder / "gaps.txt"));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    out[line.substr(0, line.find(' '))] = line.substr(std::min(line.find(' '), line.size() - 1) + 1);
  }
  return out;
}

TEST(Conformance, AnswersAsKubeApiserverDoes) {
  const auto gaps = known_gaps();
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".yaml") continue;
    const Result<std::vector<Value>> questions = parse_yaml(read(entry.path()), entry.path().filename().string());
    ASSERT_TRUE(questions) << questions.error().to_string();
    const Result<Value> answers = parse_json(read(std::filesystem::path(entry.path()).replace_extension(".json")));
    ASSERT_TRUE(answers) << entry.path() << answers.error().to_string();
    const Value& cases = questions->front().at("cases");
    ASSERT_EQ(cases.size(), answers->size()) << entry.path() << ": run tools/conformance-record cases";
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const Value& question = cases.at(i);
      const std::string name(question.at("name").str());
      ASSERT_EQ(name, answers->at(i).at("name").str()) << "run tools/conformance-record cases";
      const std::string why = difference(question, answers->at(i));
      ++count;
      if (gaps.contains(name)) {
        EXPECT_FALSE(why.empty()) << name << " is in gaps.txt but passes: take it out";
      } else {
        EXPECT_TRUE(why.empty()) << entry.path().filename().string() << ":" << question.line() << ": " << name << ": "
                                 << why;
      }
    }
  }
  EXPECT_GT(count, 70U);
}

TEST(Conformance, ReadsProtobufAsTheSameObject) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".json") continue;
    const Result<Value> answers = parse_json(read(entry.path()));
    ASSERT_TRUE(answers);
    for (const Value& expected : answers->items()) {
      if (!expected.has("protobuf")) continue;
      const std::optional<std::string> bytes = base64_decode(expected.at("protobuf").str());
      ASSERT_TRUE(bytes);
      Result<Value> object = schema().decode_protobuf(bytes.value());
      ASSERT_TRUE(object) << expected.at("name").str() << ": " << object.error().message;
      const Resource* resource = schema().by_kind(object->at("apiVersion").str(), object->at("kind").str());
      schema().apply_defaults(*resource, *object);  // The zero values that JSON has and protobuf leaves out.
      Value without = *object;
      clean(without, expected.at("object"));
      for (const std::string_view key :
           {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"}) {
        if (without.at("kind").str() == "Service" && !expected.at("object", "spec").has(key))
          without["spec"].erase(key);
      }
      if (without.at("kind").str() == "Job") without["spec"].erase("selector");
      EXPECT_EQ(without, expected.at("object")) << expected.at("name").str() << "\n  ours:   " << to_json(without)
                                                << "\n  theirs: " << to_json(expected.at("object"));
      ++count;
    }
  }
  EXPECT_GT(count, 50U);
}

}  // namespace
}  // namespace fairlead::api
