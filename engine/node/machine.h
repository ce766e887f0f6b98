// What this machine can do for a local node: what `fairlead doctor` prints and `fairlead up` checks first.
#pragma once

#include <string>
#include <vector>

namespace fairlead::node {

struct MachineCheck {
  std::string name;  ///< "user namespaces", "crun"
  bool ok = false;
  bool required = true;  ///< False: something works less well without it.
  std::string detail;    ///< What was found: a version, a setting.
  std::string advice;    ///< One sentence: what to do. Empty when ok.
  bool known = true;     ///< False: it shows at the first use only; `ok` is a hope.
};

/// Looks at the running machine; takes some milliseconds, starts no daemon and changes nothing.
[[nodiscard]] std::vector<MachineCheck> check_machine();

/// What pods find different here from a node of AKS, a sentence each, for whoever runs this process.
[[nodiscard]] std::vector<std::string> differences_from_aks();

/// Why an unprivileged process may not make namespaces here and what to change; empty when nothing is in the way.
[[nodiscard]] std::string user_namespace_advice();

/// The full path of a program on PATH or in the system directories; empty when it is not installed.
[[nodiscard]] std::string find_program(const std::string& name);

}  // namespace fairlead::node
