// The bare repository under .fairlead/ that Applications track: what a hosted repository is to a cluster on Azure.
// Written with Git's plumbing, so that no work tree is ever involved and the person's checkout is never touched.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/value.h"

namespace fairlead::gitops {

/// Service name to full image reference.
using Pins = std::map<std::string, std::string>;

inline constexpr std::string_view kDeliveryBranch = "main";

/// What a commit does to a service.
struct ServiceChange {
  std::string service;
  bool rolls_out = true;  ///< It wants other pods; otherwise only other objects beside them.
  bool operator==(const ServiceChange&) const = default;
};

/// Blocking; for the command line, not for the control thread.
class DeliveryRepository {
 public:
  /// `checkout` is the person's work tree, `bare` the repository to keep, `environment` whose files are pinned.
  DeliveryRepository(std::string checkout, std::string bare, std::string environment);

  [[nodiscard]] bool exists() const;
  /// Creates the bare repository with the checkout's HEAD as its main branch. Nothing is left behind when it fails.
  [[nodiscard]] Result<> create();

  /// Services of the environment at a commit of the bare repository: those with values and rendered manifests. What an
  /// Application brings from other files is none, and keeps the images it names.
  [[nodiscard]] Result<std::vector<std::string>> services(const std::string& revision) const;
  /// What each service is pinned to at a commit.
  [[nodiscard]] Result<Pins> pins(const std::string& revision) const;

  /// Services whose manifests a commit of main changes against the one before it, by name.
  [[nodiscard]] Result<std::vector<ServiceChange>> changed_by(const std::string& commit) const;
  /// Each service's pod template at a commit.
  [[nodiscard]] Result<std::map<std::string, Value>> pod_templates(const std::string& revision) const;

  /// Brings what HEAD has become since the last ship into main, keeps the local pins, sets `pins`, and commits the
  /// whole as one commit with `message`. A history that was written anew (amended, rebased) takes the place of the one
  /// that was shipped. Returns the new SHA; the old one when nothing changed. Fails when HEAD has gone back behind what
  /// was shipped, when somebody pushed to main meanwhile, and when HEAD and a push changed the same lines of a file
  /// (named); lines that pin an image never conflict.
  [[nodiscard]] Result<std::string> ship(const Pins& pins, const std::string& message);

  /// The same without looking at the checkout.
  [[nodiscard]] Result<std::string> pin(const Pins& pins, const std::string& message);

  /// SHA of main.
  [[nodiscard]] Result<std::string> head() const;
  /// SHA of the checkout's HEAD, and whether its work tree differs from it.
  struct Checkout {
    std::string sha;
    bool dirty = false;
  };
  [[nodiscard]] Result<Checkout> checkout() const;

 private:
  [[nodiscard]] Result<std::string> git(std::vector<std::string> arguments, const std::string& input = {},
                                        const std::string& index = {}) const;
  [[nodiscard]] Result<std::string> tree_with_pins(const std::string& tree, const Pins& pins) const;
  [[nodiscard]] Result<std::string> merged_tree(const std::string& ours, const std::string& theirs,
                                                const std::string& base) const;
  /// A commit on `base` with the tree of `revision`, its images replaced by `pins`.
  [[nodiscard]] Result<std::string> with_equal_pins(const std::string& revision, const Pins& pins,
                                                    const std::string& base) const;
  [[nodiscard]] Result<std::string> merge(const std::string& main, const std::string& head, const std::string& base,
                                          const Pins& pins, const std::string& message);
  [[nodiscard]] Result<std::string> commit_pins(const Pins& pins, const std::string& message);
  [[nodiscard]] Result<std::string> commit_object(const std::string& tree, const std::vector<std::string>& parents,
                                                  const std::string& message) const;
  /// Moves main from `expected_head` to a new commit and, unless it is empty, the record of what was shipped.
  [[nodiscard]] Result<std::string> commit(const std::string& tree, const std::vector<std::string>& parents,
                                           const std::string& message, const std::string& expected_head,
                                           const std::string& shipped = {}) const;
  /// HEAD as it was last brought into main; empty where that is not known.
  [[nodiscard]] std::string shipped_head() const;
  [[nodiscard]] Result<bool> contains(const std::string& descendant, const std::string& ancestor) const;
  [[nodiscard]] Error behind(const std::string& head, const std::string& shipped) const;
  [[nodiscard]] std::vector<std::string> pinned_files(const std::string& service) const;

  std::string checkout_;
  std::string bare_;
  std::string environment_;
};

}  // namespace fairlead::gitops
