// Azure names of what an environment consists of. Where a name must be unique in all of Azure, it ends in a hash of
// subscription, prefix and environment; each fits the shortest limit of its kind (Key Vault and storage account: 24).
#pragma once

#include <string>
#include <string_view>

#include "base/value.h"

namespace fairlead::gitops {

class EnvironmentNames {
 public:
  /// `document`: an environment file with its defaults. It is read now, not kept.
  explicit EnvironmentNames(const Value& document);

  [[nodiscard]] Value foundation() const;
  /// Of the environment's own states, in the foundation's account.
  [[nodiscard]] std::string state_container() const { return "tfstate-" + name_; }
  /// Of the registry, where this environment holds it.
  [[nodiscard]] std::string registry() const { return prefix_ + name_; }
  [[nodiscard]] std::string hub_group() const { return "rg-" + stem_ + "-hub"; }
  [[nodiscard]] Value hub(std::string_view code) const;
  /// Of the runners in the hub, where there are any.
  [[nodiscard]] Value runners() const;
  [[nodiscard]] Value global() const;
  [[nodiscard]] Value region(std::string_view code) const;
  [[nodiscard]] std::string identity(std::string_view of) const { return "id-" + stem_ + "-" + std::string(of); }

 private:
  std::string name_;
  std::string prefix_;
  std::string stem_;  ///< "<prefix>-<environment>".
  std::string hash_;
};

}  // namespace fairlead::gitops
