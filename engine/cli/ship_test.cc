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
  EXPECT_NE(committed_text(commit(false)).find("nothing to commit: 1111111 "), std::string::npos);
  EXPECT_NE(committed_text(commit(true)).find("committed 1111111 "), std::string::npos);
}

TEST(Ship, names_the_commit_that_took_its_place_and_the_one_that_goes_on) {
  const std::string replaced = outcome_text(ended(RolloutOutcome::kReplaced), {});
  EXPECT_NE(replaced.find("newer commit 2222222, which takes the place of 1111111"), std::string::npos) << replaced;
  const std::string left = outcome_text(ended(RolloutOutcome::kLeft), {});
  EXPECT_NE(left.find("1111111 is committed and its rollout goes on"), std::string::npos) << left;
}

TEST(Ship, has_an_exit_code_for_each_end_that_a_script_must_tell_apart) {
  EXPECT_EQ(outcome_code(RolloutOutcome::kPromoted), kOk);
  EXPECT_EQ(outcome_code(RolloutOutcome::kAborted), kRolledBack);
  EXPECT_EQ(outcome_code(RolloutOutcome::kReplaced), kSuperseded);
  EXPECT_EQ(outcome_code(RolloutOutcome::kLeft), kInterrupted);
  EXPECT_EQ(outcome_code(RolloutOutcome::kTimedOut), kFailed);
}

}  // namespace
}  // namespace fairlead::cli
