// The files that one environment is made of, read and checked against their declarations.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/value.h"

namespace fairlead::gitops {

struct Source {
  std::string file;  ///< Relative to the repository's root.
  Value document;    ///< With its defaults.

  [[nodiscard]] Error error(const Value& at, std::string message) const { return at.error(std::move(message), file); }
};

struct EnvironmentSources {
  std::string name;
  Source own;
  std::map<std::string, Source> others;  ///< Every other environment whose file is sound.
  /// needs.yaml by environment and service: of this environment, and of those that share the hub where it holds one.
  std::map<std::string, std::map<std::string, Source>> needs;
  /// SHA-256 of each file that the result depends on; where others may share the hub or the registry, by the pattern
  /// of their files, that of all environments' names.
  Value hashes = Value::object();
  std::vector<Error> errors;  ///< What is wrong with those files by themselves.

  [[nodiscard]] const Value& at_own(std::string_view key) const { return own.document.at(key); }
  /// This environment's hub is its own, and others may share it.
  [[nodiscard]] bool holds_hub() const { return at_own("hub").at("ref").str() == name; }
  /// The environment called `other`, this one included; null where there is none.
  [[nodiscard]] const Source* environment(std::string_view other) const;
  /// Names of the environments that use this one's hub, itself included; empty where it has none.
  [[nodiscard]] std::vector<std::string> spokes() const;
};

/// Reads environment `name` below `root`, and of the others what it depends on.
[[nodiscard]] EnvironmentSources read_environment(const std::string& root, const std::string& name);

/// Names of the environments below `root`, in order.
[[nodiscard]] std::vector<std::string> environments(const std::string& root);

}  // namespace fairlead::gitops
