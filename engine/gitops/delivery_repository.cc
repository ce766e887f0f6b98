#include "engine/gitops/delivery_repository.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <ranges>
#include <utility>

#include <fmt/ranges.h>

#include "base/descriptor.h"
#include "engine/gitops/git_repository.h"
#include "engine/gitops/pin.h"
#include "engine/gitops/program.h"

namespace fairlead::gitops {
namespace {

namespace fs = std::filesystem;

std::string trimmed(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    if (end > start) out.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return out;
}

/// A file that is gone with its owner.
class ScratchFile {
 public:
  explicit ScratchFile(std::string path) : path_(std::move(path)) {}
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Held while one process of this machine commits: others wait, rather than share its scratch index.
Result<Descriptor> take_turn(const std::string& path) {
  Descriptor turn(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!turn) return fail("cannot open {}: {}", path, std::strerror(errno));
  while (::flock(turn.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail("cannot lock {}: {}", path, std::strerror(errno));
  }
  return turn;
}

std::string branch_ref() { return fmt::format("refs/heads/{}", kDeliveryBranch); }

/// The checkout's HEAD that main was made of last: what has become of HEAD since is what the next ship brings.
constexpr const char* kShippedRef = "refs/fairlead/shipped";
constexpr std::size_t kNamedCommits = 3;  ///< More are counted, not named.

}  // namespace

DeliveryRepository::DeliveryRepository(std::string checkout, std::string bare, std::string environment)
    : checkout_(std::move(checkout)), bare_(std::move(bare)), environment_(std::move(environment)) {}

bool DeliveryRepository::exists() const { return fs::exists(bare_ + "/HEAD"); }

Result<std::string> DeliveryRepository::git(std::vector<std::string> arguments, const std::string& input,
                                            const std::string& index) const {
  std::vector<std::string> argv = {"git", "--git-dir", bare_, "-c", "user.useConfigOnly=false"};
  argv.insert(argv.end(), std::make_move_iterator(arguments.begin()), std::make_move_iterator(arguments.end()));
  ProgramOptions options;
  options.input = input;
  if (!index.empty()) options.env.emplace_back("GIT_INDEX_FILE", index);
  auto out = check_program(argv, options);
  if (!out) return out;
  return trimmed(std::move(*out));
}

Result<> DeliveryRepository::create() {
  const std::string fresh = bare_ + ".new";
  std::error_code ignored;
  fs::remove_all(fresh, ignored);
  fs::create_directories(fs::path(bare_).parent_path());
  const auto head = check_program({"git", "-C", checkout_, "rev-parse", "--verify", "HEAD^{commit}"});
  if (!head) {
    return std::unexpected(
        wrap(fmt::format("cannot read the commit that {} is at: fairlead delivers what Git holds", checkout_),
             head.error()));
  }
  const std::string branch(kDeliveryBranch);
  for (const auto& step : std::vector<std::vector<std::string>>{
           {"git", "init", "--quiet", "--bare", "--initial-branch=" + branch, fresh},
           {"git", "--git-dir", fresh, "fetch", "--quiet", "--update-shallow", "--no-tags", checkout_,
            "HEAD:" + branch_ref(), fmt::format("HEAD:{}", kShippedRef)}}) {
    if (auto done = check_program(step); !done) {
      fs::remove_all(fresh, ignored);
      return std::unexpected(done.error());
    }
  }
  fs::rename(fresh, bare_, ignored);
  if (ignored) return fail("cannot create {}: {}", bare_, ignored.message());
  return {};
}

Result<std::vector<std::string>> DeliveryRepository::services(const std::string& revision) const {
  const std::string folder = "infrastructure/rendered/" + environment_;
  const auto listed = git({"ls-tree", "-r", "--name-only", revision, "--", folder + "/", "infrastructure/apps/"});
  if (!listed) return std::unexpected(listed.error());
  const std::vector<std::string> files = lines_of(*listed);
  std::vector<std::string> out;
  for (const std::string& file : files) {
    const std::string name = fs::path(file).parent_path().filename();
    const std::vector<std::string> pinned = pinned_files(name);
    const auto is_there = [&](const std::string& other) { return std::ranges::find(files, other) != files.end(); };
    if (file == pinned.back() && std::ranges::all_of(pinned, is_there)) out.push_back(name);
  }
  if (out.empty()) return fail("{} holds no services at {}", folder, revision);
  return out;
}

std::vector<std::string> DeliveryRepository::pinned_files(const std::string& service) const {
  return {fmt::format("infrastructure/apps/{}/values-{}.yaml", service, environment_),
          fmt::format("infrastructure/rendered/{}/{}/manifests.yaml", environment_, service)};
}

Result<Pins> DeliveryRepository::pins(const std::string& revision) const {
  auto names = services(revision);
  if (!names) return std::unexpected(names.error());
  Pins out;
  for (const std::string& service : *names) {
    const std::string file = pinned_files(service).back();
    auto text = git({"cat-file", "blob", revision + ":" + file});
    if (!text) return std::unexpected(text.error());
    auto image = pinned_image(*text, file, service);
    if (!image) return std::unexpected(image.error());
    out[service] = std::move(*image);
  }
  return out;
}

Result<std::map<std::string, Value>> DeliveryRepository::pod_templates(const std::string& revision) const {
  const auto names = services(revision);
  if (!names) return std::unexpected(names.error());
  std::map<std::string, Value> out;
  for (const std::string& service : *names) {
    const std::string file = pinned_files(service).back();
    const auto text = git({"cat-file", "blob", revision + ":" + file});
    if (!text) return std::unexpected(text.error());
    auto found = pod_template(*text, file, service);
    if (!found) return std::unexpected(found.error());
    out[service] = std::move(*found);
  }
  return out;
}

Result<std::vector<ServiceChange>> DeliveryRepository::changed_by(const std::string& commit) const {
  const auto before = pod_templates(commit + "^1");
  if (!before) return std::unexpected(before.error());
  const auto after = pod_templates(commit);
  if (!after) return std::unexpected(after.error());
  std::vector<ServiceChange> out;
  for (const auto& [service, pods] : *after) {
    const std::string folder = fs::path(pinned_files(service).back()).parent_path();
    const auto files = git({"diff-tree", "-r", "--name-only", commit + "^1", commit, "--", folder});
    if (!files) return std::unexpected(files.error());
    if (files->empty()) continue;
    const auto old = before->find(service);
    out.push_back({service, old == before->end() || old->second != pods});
  }
  return out;
}

Result<std::string> DeliveryRepository::tree_with_pins(const std::string& tree, const Pins& pins) const {
  const ScratchFile index(bare_ + "/fairlead.index");
  if (auto read = git({"read-tree", tree}, {}, index.path()); !read) return read;
  for (const auto& [service, image] : pins) {
    for (const std::string& file : pinned_files(service)) {
      // Byte for byte: `git` above trims the last line end, which a pin must keep.
      auto text = check_program({"git", "--git-dir", bare_, "cat-file", "blob", tree + ":" + file});
      if (!text) return std::unexpected(text.error());
      auto edited = pin_image(*text, file, service, image);
      if (!edited) return edited;
      auto blob = git({"hash-object", "-w", "--stdin"}, *edited);
      if (!blob) return blob;
      if (auto staged = git({"update-index", "--cacheinfo", "100644," + *blob + "," + file}, {}, index.path());
          !staged) {
        return staged;
      }
    }
  }
  return git({"write-tree"}, {}, index.path());
}

Result<std::string> DeliveryRepository::with_equal_pins(const std::string& revision, const Pins& pins,
                                                        const std::string& base) const {
  const auto names = services(revision);
  if (!names) return std::unexpected(names.error());
  Pins there;
  std::ranges::copy_if(pins, std::inserter(there, there.end()),
                       [&](const auto& pin) { return std::ranges::find(*names, pin.first) != names->end(); });
  const auto tree = tree_with_pins(revision + "^{tree}", there);
  return tree ? commit_object(*tree, {base}, "One side of a merge") : tree;
}

Result<std::string> DeliveryRepository::merged_tree(const std::string& ours, const std::string& theirs,
                                                    const std::string& base) const {
  // With the same images on every side no pin can conflict, nor hide that the lines around it do.
  const auto pins_there = pins(base);
  if (!pins_there) return std::unexpected(pins_there.error());
  const auto our_side = with_equal_pins(ours, *pins_there, base);
  if (!our_side) return our_side;
  const auto their_side = with_equal_pins(theirs, *pins_there, base);
  if (!their_side) return their_side;
  const auto merged = run_program({"git", "--git-dir", bare_, "merge-tree", "--write-tree", "--name-only",
                                   "--no-messages", *our_side, *their_side});
  if (!merged) return std::unexpected(merged.error());
  const std::vector<std::string> lines = lines_of(merged->output);
  if (merged->exit_code > 1 || lines.empty()) return fail("git merge-tree failed: {}", trimmed(merged->error));
  if (merged->exit_code == 0) return lines.front();
  return fail(
      "HEAD and what was pushed to {0} both changed {1}: settle it in a clone, which keeps the pins of this machine's "
      "images out of your branch: `git clone {0} DIRECTORY`, there `git pull --no-rebase {2} HEAD`, resolve, commit "
      "and "
      "`git push`; then ship again",
      bare_, fmt::join(lines.begin() + 1, lines.end(), ", "), checkout_);
}

Result<std::string> DeliveryRepository::commit_object(const std::string& tree, const std::vector<std::string>& parents,
                                                      const std::string& message) const {
  std::vector<std::string> argv = {"git", "--git-dir", bare_, "commit-tree", tree};
  for (const std::string& parent : parents) {
    argv.emplace_back("-p");
    argv.push_back(parent);
  }
  ProgramOptions options;
  options.input = message + "\n";
  // Nobody is asked who they are in order to try this on one machine.
  const auto name = run_program({"git", "-C", checkout_, "config", "user.email"});
  if (!name || name->exit_code != 0 || name->output.empty()) {
    for (const char* role : {"AUTHOR", "COMMITTER"}) {
      options.env.emplace_back(fmt::format("GIT_{}_NAME", role), "Fairlead");
      options.env.emplace_back(fmt::format("GIT_{}_EMAIL", role), "fairlead@localhost");
    }
  }
  auto sha = check_program(argv, options);
  if (!sha) return sha;
  return trimmed(std::move(*sha));
}

Result<std::string> DeliveryRepository::commit(const std::string& tree, const std::vector<std::string>& parents,
                                               const std::string& message, const std::string& expected_head,
                                               const std::string& shipped) const {
  auto sha = commit_object(tree, parents, message);
  if (!sha) return sha;
  // Both or neither.
  std::string moves = fmt::format("update {} {} {}\n", branch_ref(), *sha, expected_head);
  if (!shipped.empty()) moves += fmt::format("update {} {}\n", kShippedRef, shipped);
  const auto moved = git({"update-ref", "-m", message, "--stdin"}, moves);
  if (!moved) return fail("{} moved while this was shipped: ship again", kDeliveryBranch);
  return *sha;
}

Result<std::string> DeliveryRepository::head() const { return git({"rev-parse", "--verify", branch_ref()}); }

Result<DeliveryRepository::Checkout> DeliveryRepository::checkout() const {
  auto sha = check_program({"git", "-C", checkout_, "rev-parse", "--verify", "HEAD^{commit}"});
  if (!sha) return std::unexpected(wrap(fmt::format("cannot read the commit that {} is at", checkout_), sha.error()));
  auto status = check_program({"git", "-C", checkout_, "status", "--porcelain"});
  if (!status) return std::unexpected(status.error());
  return Checkout{trimmed(std::move(*sha)), !status->empty()};
}

Result<std::string> DeliveryRepository::pin(const Pins& pins, const std::string& message) {
  const auto turn = take_turn(bare_ + "/fairlead.lock");
  if (!turn) return std::unexpected(turn.error());
  return commit_pins(pins, message);
}

Result<std::string> DeliveryRepository::commit_pins(const Pins& pins, const std::string& message) {
  auto main = head();
  if (!main) return main;
  auto tree = tree_with_pins(*main + "^{tree}", pins);
  if (!tree) return tree;
  if (git({"rev-parse", *main + "^{tree}"}) == *tree) return main;
  return commit(*tree, {*main}, message, *main);
}

std::string DeliveryRepository::shipped_head() const {
  return git({"rev-parse", "--verify", "--quiet", kShippedRef}).value_or("");
}

Result<bool> DeliveryRepository::contains(const std::string& descendant, const std::string& ancestor) const {
  const auto known = run_program({"git", "--git-dir", bare_, "merge-base", "--is-ancestor", ancestor, descendant});
  if (!known) return std::unexpected(known.error());
  if (known->exit_code > 1) return fail("git merge-base failed: {}", trimmed(known->error));
  return known->exit_code == 0;
}

Error DeliveryRepository::behind(const std::string& head, const std::string& shipped) const {
  const auto log = git({"log", "--format=%H %s", head + ".." + shipped});
  if (!log) return log.error();
  const std::vector<std::string> ahead = lines_of(*log);
  std::vector<std::string> named;
  for (const std::string& line : ahead | std::views::take(kNamedCommits)) {
    const std::size_t space = line.find(' ');
    named.push_back(fmt::format("{} \"{}\"", short_sha(line.substr(0, space)), line.substr(space + 1)));
  }
  return Error{fmt::format(
      "what is delivered is ahead of HEAD by {} {} of yours ({}{}): `git merge --ff-only {}` brings HEAD there again, "
      "and `git revert` then undoes what is not wanted",
      ahead.size(), ahead.size() == 1 ? "commit" : "commits", fmt::join(named, ", "),
      ahead.size() > named.size() ? ", …" : "", short_sha(shipped))};
}

Result<std::string> DeliveryRepository::ship(const Pins& pins, const std::string& message) {
  const auto turn = take_turn(bare_ + "/fairlead.lock");
  if (!turn) return std::unexpected(turn.error());
  auto main = head();
  if (!main) return main;
  const auto now = checkout();
  if (!now) return std::unexpected(now.error());
  const auto fetched = check_program(
      {"git", "--git-dir", bare_, "fetch", "--quiet", "--update-shallow", "--no-tags", checkout_, "HEAD"});
  if (!fetched) return std::unexpected(fetched.error());
  const std::string last = shipped_head();
  const auto known = contains(*main, now->sha);
  if (!known) return std::unexpected(known.error());
  const auto onward = last.empty() ? Result<bool>(true) : contains(now->sha, last);
  if (!onward) return std::unexpected(onward.error());
  if (*known && *onward) {
    if (auto noted = git({"update-ref", kShippedRef, now->sha}); !noted) return noted;
    return commit_pins(pins, message);
  }
  if (*onward) {
    const auto base = git({"merge-base", *main, now->sha});
    if (!base) return fail("HEAD shares no commit with {}: `fairlead down`, move it away, and `fairlead up`", bare_);
    return merge(*main, now->sha, *base, pins, message);
  }
  const auto back = contains(last, now->sha);
  if (!back) return std::unexpected(back.error());
  if (*back) return std::unexpected(behind(now->sha, last));
  return merge(*main, now->sha, last, pins, message);
}

Result<std::string> DeliveryRepository::merge(const std::string& main, const std::string& head, const std::string& base,
                                              const Pins& pins, const std::string& message) {
  const auto all = this->pins(main);
  if (!all) return std::unexpected(all.error());
  auto merged = merged_tree(main, head, base);
  if (!merged) return merged;
  const auto names = services(*merged);
  if (!names) return std::unexpected(names.error());
  Pins wanted;
  for (const std::string& service : *names) {
    if (const auto it = pins.find(service); it != pins.end()) {
      wanted.insert(*it);
    } else if (const auto kept = all->find(service); kept != all->end()) {
      wanted.insert(*kept);
    }
  }
  const auto tree = tree_with_pins(*merged, wanted);
  if (!tree) return tree;
  return commit(*tree, {main, head}, message, main, head);
}

}  // namespace fairlead::gitops
