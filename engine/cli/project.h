// Where things are: the repository that fairlead was called in, and its state directory.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace fairlead::cli {

struct Project {
  std::string root;                 ///< Absolute path of the checkout.
  std::string environment = "dev";  ///< The environment that this machine stands in for.

  /// The checkout that contains `start` ("" for the current directory): the nearest folder upwards that holds
  /// infrastructure/environments.
  [[nodiscard]] static Result<Project> find(const std::string& start);

  [[nodiscard]] std::string state() const { return root + "/.fairlead"; }
  [[nodiscard]] std::string repository() const { return state() + "/git"; }
  [[nodiscard]] std::string images() const { return state() + "/images"; }
  [[nodiscard]] std::string kubeconfig() const { return state() + "/kubeconfig"; }
  [[nodiscard]] std::string log() const { return state() + "/log"; }
  [[nodiscard]] std::string build() const { return root + "/build/release"; }
  /// Folders of apps/ that hold a service, in order.
  [[nodiscard]] std::vector<std::string> services() const;
  /// An error that names the services there are, where `name` is none of them.
  [[nodiscard]] Result<> check_service(const std::string& name) const;
};

}  // namespace fairlead::cli
