#include <algorithm>

#include "base/json.h"
#include "engine/cli/commands.h"
#include "engine/cli/exit_code.h"
#include "engine/cli/terminal.h"
#include "engine/node/machine.h"

namespace fairlead::cli {

int run_doctor(Output output) {
  const auto checks = node::check_machine();
  const bool able = std::ranges::all_of(checks, [](const node::MachineCheck& c) { return c.ok || !c.required; });
  if (output == Output::kJson) {
    Value all = Value::array();
    for (const node::MachineCheck& c : checks) {
      all.push_back(Value::object({{"name", c.name},
                                   {"ok", c.ok},
                                   {"known", c.known},
                                   {"required", c.required},
                                   {"detail", c.detail},
                                   {"advice", c.advice}}));
    }
    Value differences = Value::array();
    for (std::string& difference : node::differences_from_aks()) differences.push_back(std::move(difference));
    print(to_pretty_json(
              Value::object({{"able", able}, {"checks", std::move(all)}, {"differences", std::move(differences)}})) +
          "\n");
    return able ? kOk : kUnable;
  }
  Table table({"", "CHECK", "FOUND", "WHAT TO DO"});
  for (const node::MachineCheck& c : checks) {
    const std::string mark = !c.known     ? paint(Tone::kDim, "–")
                             : c.ok       ? paint(Tone::kGood, "✓")
                             : c.required ? paint(Tone::kBad, "✗")
                                          : paint(Tone::kWarn, "!");
    table.add({mark, c.name, c.detail, c.advice});
  }
  print(table.to_string());
  print("\nWhat differs here from a node of AKS:\n");
  for (const std::string& difference : node::differences_from_aks()) print("  - " + difference + "\n");
  print("\n");
  const bool sure = std::ranges::all_of(checks, &node::MachineCheck::known);
  print(able && sure ? "This machine can run a cluster.\n"
        : able       ? "This machine can run a cluster, unless the first start finds otherwise of what is marked –.\n"
                     : "This machine cannot run a cluster yet: mend what is marked ✗.\n");
  return able ? kOk : kUnable;
}

}  // namespace fairlead::cli
