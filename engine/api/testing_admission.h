// An API with the standard admission and the namespace "shop", for tests of what it admits.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"
#include "engine/api/admission.h"

namespace fairlead::api {

class AdmissionTest : public testing::Test {
 protected:
  AdmissionTest() {
    add_standard_admission(api_);
    make("namespaces", R"({"metadata":{"name":"shop"}})");
    make("serviceaccounts", R"({"metadata":{"name":"default"}})");
  }
  static Schema& schema() {
    static Schema all;
    return all;
  }
  ApiResult<ObjectPtr> try_make(std::string_view plural, std::string_view text) {
    const std::string_view group = plural.ends_with("jobs")           ? "batch"
                                   : plural == "priorityclasses"      ? "scheduling.k8s.io"
                                   : plural == "poddisruptionbudgets" ? "policy"
                                                                      : "";
    const Resource& resource = schema().resource(group, plural);
    WriteOptions options;
    options.warnings = &warnings_;
    return api_.create(resource, resource.namespaced ? "shop" : "", *parse_json(text), options);
  }
  ObjectPtr make(std::string_view plural, std::string_view text) {
    auto out = try_make(plural, text);
    EXPECT_TRUE(out.has_value()) << out.error().message;
    return out ? *out : nullptr;
  }

  std::vector<std::string> warnings_;
  std::unique_ptr<Journal> journal_ = memory_journal();
  Store store_{schema(), *journal_};
  seam::ManualClock clock_{*parse_time("2026-11-23T10:00:00Z")};
  Api api_{schema(), store_, clock_, 7};
};

}  // namespace fairlead::api
