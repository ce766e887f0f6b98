#include "engine/gitops/delivery_repository.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

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
  for (const auto& step :
       std::vector<std::vector<std::string>>{{"git", "init", "--quiet", "--bare", "--initial-branch=" + branch, fresh},
                                             {"git", "--git-dir", fresh, "fetch", "--quiet", "--update-shallow",
                                              "--no-tags", checkout_, "HEAD:" + branch_ref()}}) {
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
  auto listed = git({"ls-tree", "-d", "--name-only", revision, folder + "/"});
  if (!listed) return std::unexpected(listed.error());
  std::vector<std::string> out;
  for (const std::string& path : lines_of(*listed)) out.push_back(fs::path(path).filename());
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

Result<std::string> DeliveryRepository::merged_tree(const std::string& ours, const std::string& theirs) const {
  auto merged = run_program(
      {"git", "--git-dir", bare_, "merge-tree", "--write-tree", "--name-only", "--no-messages", ours, theirs});
  if (!merged) return std::unexpected(merged.error());
  const std::vector<std::string> lines = lines_of(merged->output);
  if (merged->exit_code > 1 || lines.empty()) return fail("git merge-tree failed: {}", trimmed(merged->error));
  if (merged->exit_code == 0) return lines.front();

  // Both sides pinned an image: theirs is taken here, and the local pin is put back by the caller.
  const ScratchFile index(bare_ + "/fairlead.index");
  if (auto read = git({"read-tree", lines.front()}, {}, index.path()); !read) return read;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::string& file = lines[i];
    const fs::path path(file);
    const std::string service = path.parent_path().filename();
    const std::vector<std::string> ours_to_pin = pinned_files(service);
    if (std::ranges::find(ours_to_pin, file) == ours_to_pin.end()) {
      return fail(
          "your commit and the delivery repository both changed {}: merge it first with "
          "`git pull {} {}`, then ship again",
          file, bare_, kDeliveryBranch);
    }
    auto blob = git({"rev-parse", theirs + ":" + file});
    if (!blob) return blob;
    if (auto staged = git({"update-index", "--cacheinfo", "100644," + *blob + "," + file}, {}, index.path()); !staged) {
      return staged;
    }
  }
  return git({"write-tree"}, {}, index.path());
}

Result<std::string> DeliveryRepository::commit(const std::string& tree, const std::vector<std::string>& parents,
                                               const std::string& message, const std::string& expected_head) const {
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
  *sha = trimmed(std::move(*sha));
  auto moved = git({"update-ref", "-m", message, branch_ref(), *sha, expected_head});
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

Result<std::string> DeliveryRepository::ship(const Pins& pins, const std::string& message) {
  const auto turn = take_turn(bare_ + "/fairlead.lock");
  if (!turn) return std::unexpected(turn.error());
  auto main = head();
  if (!main) return main;
  auto theirs = checkout();
  if (!theirs) return std::unexpected(theirs.error());
  const auto fetched = check_program(
      {"git", "--git-dir", bare_, "fetch", "--quiet", "--update-shallow", "--no-tags", checkout_, "HEAD"});
  if (!fetched) return std::unexpected(fetched.error());
  const auto known = run_program({"git", "--git-dir", bare_, "merge-base", "--is-ancestor", theirs->sha, *main});
  if (!known) return std::unexpected(known.error());
  if (known->exit_code == 0) return commit_pins(pins, message);

  auto all = this->pins(*main);
  if (!all) return std::unexpected(all.error());
  auto merged = merged_tree(*main, theirs->sha);
  if (!merged) return merged;
  auto names = services(*merged);
  if (!names) return std::unexpected(names.error());
  Pins wanted;
  for (const std::string& service : *names) {
    if (const auto it = pins.find(service); it != pins.end()) {
      wanted.insert(*it);
    } else if (const auto kept = all->find(service); kept != all->end()) {
      wanted.insert(*kept);
    }
  }
  auto tree = tree_with_pins(*merged, wanted);
  if (!tree) return tree;
  return commit(*tree, {*main, theirs->sha}, message, *main);
}

}  // namespace fairlead::gitops
