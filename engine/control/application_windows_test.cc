#include "engine/control/application_windows.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/yaml.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kApplication =
    "{metadata: {name: web}, spec: {destination: {server: https://kubernetes.default.svc, namespace: shop}}}";

Value one(const std::string& text) {
  const auto documents = parse_yaml(text, "test");
  EXPECT_TRUE(documents.has_value()) << text;
  return documents ? documents->front() : Value();
}

/// "yes", "no", or why the windows cannot be read.
std::string permitted(const std::string& windows, std::string_view now, bool manual = false,
                      std::string_view started = {}) {
  const Value project = one("{spec: {syncWindows: [" + windows + "]}}");
  const auto at = parse_time(now);
  const auto since = parse_time(started);
  const auto out = sync_permitted(project, one(std::string(kApplication)), manual, *at,
                                  since ? std::optional(*since) : std::nullopt);
  return !out ? out.error().message : *out ? "yes" : "no";
}

std::string denied(const std::string& schedule, const std::string& duration, std::string_view now) {
  return permitted("{kind: deny, schedule: \"" + schedule + "\", duration: " + duration + ", namespaces: [shop]}", now);
}

TEST(ApplicationWindows, Hours) {
  EXPECT_EQ(denied("0 22 * * *", "1h", "2026-01-05T22:00:00Z"), "yes") << "it begins after the minute has struck";
  EXPECT_EQ(denied("0 22 * * *", "1h", "2026-01-05T22:00:01Z"), "no");
  EXPECT_EQ(denied("0 22 * * *", "1h", "2026-01-05T22:59:59Z"), "no");
  EXPECT_EQ(denied("0 22 * * *", "1h", "2026-01-05T23:00:00Z"), "yes");
  EXPECT_EQ(denied("0 22 * * *", "30h", "2026-01-05T12:00:00Z"), "no") << "over midnight, and over the next";
  EXPECT_EQ(denied("*/15 9-17/4 * * *", "5m", "2026-01-05T13:47:00Z"), "no");
  EXPECT_EQ(denied("*/15 9-17/4 * * *", "5m", "2026-01-05T14:02:00Z"), "yes");
}

TEST(ApplicationWindows, Days) {
  EXPECT_EQ(denied("0 0 * * MON-fri", "24h", "2026-01-05T12:00:00Z"), "no");
  EXPECT_EQ(denied("0 0 * * 1-5", "24h", "2026-01-04T12:00:00Z"), "yes");
  EXPECT_EQ(denied("0 0 13 * fri", "24h", "2026-02-06T12:00:00Z"), "no") << "either, where both are restricted";
  EXPECT_EQ(denied("0 0 13 * fri", "24h", "2026-01-13T12:00:00Z"), "no");
  EXPECT_EQ(denied("0 0 13 * *", "24h", "2026-02-06T12:00:00Z"), "yes");
  EXPECT_EQ(denied("0 0 24 dec ?", "72h", "2026-12-26T12:00:00Z"), "no");
}

TEST(ApplicationWindows, WhatCannotBeRead) {
  EXPECT_EQ(denied("0 22 * *", "1h", "2026-01-05T12:00:00Z"),
            "cannot parse schedule '0 22 * *': five fields are expected");
  for (const char* broken : {"60 * * * *", "0 5-3 * * *", "0 0 0 * *", "0 0 * * 7", "*/0 * * * *", "a * * * *"})
    EXPECT_TRUE(denied(broken, "1h", "2026-01-05T12:00:00Z").starts_with("cannot parse schedule")) << broken;
  EXPECT_TRUE(denied("0 22 * * *", "1x", "2026-01-05T12:00:00Z").starts_with("cannot parse duration"));
}

TEST(ApplicationWindows, AllowAndDeny) {
  const std::string allow = "{kind: allow, schedule: '0 9 * * *', duration: 8h, applications: [w*], manualSync: true}";
  const std::string overrun = "{kind: allow, schedule: '0 9 * * *', duration: 8h, clusters: ['*'], syncOverrun: true}";
  const std::string deny = "{kind: deny, schedule: '0 12 * * *', duration: 1h, namespaces: [shop]}";
  EXPECT_EQ(permitted(allow, "2026-01-05T10:00:00Z"), "yes");
  EXPECT_EQ(permitted(allow, "2026-01-05T20:00:00Z"), "no");
  EXPECT_EQ(permitted(allow, "2026-01-05T20:00:00Z", true), "yes");
  EXPECT_EQ(permitted(allow + "," + deny, "2026-01-05T12:30:00Z"), "no");
  EXPECT_EQ(permitted(allow + "," + deny, "2026-01-05T12:30:00Z", true), "no");
  EXPECT_EQ(permitted(overrun, "2026-01-05T17:30:00Z", false, "2026-01-05T16:59:00Z"), "yes");
  EXPECT_EQ(permitted(overrun, "2026-01-05T17:30:00Z", false, "2026-01-05T17:10:00Z"), "no");
}

TEST(ApplicationWindows, OneOfItsWordsOrAllOfThem) {
  const std::string window =
      "kind: deny, schedule: '* * * * *', duration: 1h, applications: [web], namespaces: [other]";
  EXPECT_EQ(permitted("{" + window + "}", "2026-01-05T10:00:00Z"), "no");
  EXPECT_EQ(permitted("{" + window + ", andOperator: true}", "2026-01-05T10:00:00Z"), "yes");
  EXPECT_EQ(permitted("{kind: deny, schedule: '* * * * *', duration: 1h}", "2026-01-05T10:00:00Z"), "yes");
}

}  // namespace
}  // namespace fairlead::control
