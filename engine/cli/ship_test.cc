#include "engine/cli/ship.h"

#include <gtest/gtest.h>

#include "engine/cli/exit_code.h"

namespace fairlead::cli {
namespace {

Followed ended(RolloutOutcome outcome) {
  Followed out;
  out.outcome = outcome;
  out.status.name = "web";
  out.status.ns = "shop";
  out.commit = "1111111000000000000000000000000000000000";
  out.newest = "2222222000000000000000000000000000000000";
  return out;
}

Shipped commit(bool changed) {
  Shipped out;
  out.sha = "1111111000000000000000000000000000000000";
  out.changed = changed;
  return out;
}

TEST(Ship, says_what_to_do_when_the_image_was_rolled_back_before) {
  const std::string text = outcome_text(ended(RolloutOutcome::kAborted), commit(false));
  EXPECT_NE(text.find("nothing has changed since"), std::string::npos) << text;
  EXPECT_NE(text.find("kubectl argo rollouts retry rollout web -n shop\n"), std::string::npos) << text;
  const std::string fresh = outcome_text(ended(RolloutOutcome::kAborted), commit(true));
  EXPECT_NE(fresh.find("was rolled back: every request gets the stable version"), std::string::npos) << fresh;
  EXPECT_EQ(fresh.find("retry"), std::string::npos) << fresh;
}

TEST(Ship, of_what_is_there_already_commits_nothing) {
  EXPECT_EQ(committed_text(commit(false), ""), "– nothing to commit: 1111111 holds all of HEAD\n");
  Shipped same = commit(false);
  same.image = "r/web:1";
  EXPECT_EQ(committed_text(same, "web"), "– nothing to commit: 1111111 holds this very image\n");
}

TEST(Ship, says_whose_rollouts_a_commit_causes_beyond_the_one_that_was_asked_for) {
  Shipped shipped = commit(true);
  EXPECT_EQ(committed_text(shipped, ""), "✓ committed 1111111 to .fairlead/git\n– no service changes\n");
  shipped.services = {{"web"}};
  EXPECT_EQ(committed_text(shipped, "web"), "✓ committed 1111111 to .fairlead/git\n");
  EXPECT_EQ(committed_text(shipped, ""), "✓ committed 1111111 to .fairlead/git\n– it changes the pods of web\n");
  shipped.services = {{"api"}, {"web"}};
  EXPECT_EQ(committed_text(shipped, "web"),
            "✓ committed 1111111 to .fairlead/git\n– it changes the pods of api, web\n");
  shipped.services = {{"api", false}, {"web"}};
  EXPECT_EQ(committed_text(shipped, "web"),
            "✓ committed 1111111 to .fairlead/git\n– it changes the pods of web\n– it changes objects of api, not the "
            "pods\n");
}

TEST(Ship, names_the_commit_that_took_its_place_and_the_one_that_goes_on) {
  const std::string replaced = outcome_text(ended(RolloutOutcome::kReplaced), {});
  EXPECT_NE(replaced.find("newer commit 2222222, which takes the place of 1111111"), std::string::npos) << replaced;
  const std::string left = outcome_text(ended(RolloutOutcome::kLeft), {});
  EXPECT_NE(left.find("1111111 is committed and its rollout goes on"), std::string::npos) << left;
}

TEST(Ship, has_an_exit_code_for_each_end_that_a_script_must_tell_apart) {
  const auto code = [](const std::vector<RolloutOutcome>& outcomes) {
    std::vector<Followed> all;
    for (const RolloutOutcome outcome : outcomes) all.push_back(ended(outcome));
    return outcome_code(all);
  };
  using enum RolloutOutcome;
  EXPECT_EQ(code({}), kOk) << "no rollout";
  EXPECT_EQ(code({kPromoted, kSynced}), kOk);
  EXPECT_EQ(code({kPromoted, kAborted, kReplaced}), kRolledBack);
  EXPECT_EQ(code({kReplaced, kPromoted}), kSuperseded);
  EXPECT_EQ(code({kPromoted, kLeft, kAborted}), kInterrupted);
  EXPECT_EQ(code({kTimedOut, kReplaced}), kFailed);
  EXPECT_EQ(code({kNotSynced, kPromoted}), kFailed);
}

}  // namespace
}  // namespace fairlead::cli
