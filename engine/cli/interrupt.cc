#include "engine/cli/interrupt.h"

#include <signal.h>

namespace fairlead::cli {
namespace {

volatile sig_atomic_t seen = 0;

}  // namespace

void catch_interrupts() {
  struct sigaction action{};
  action.sa_handler = [](int) { seen = 1; };
  // No SA_RESTART: a wait ends, and its caller looks here. Reset: whoever presses twice means it.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &action, nullptr);
}

bool interrupted() { return seen != 0; }

}  // namespace fairlead::cli
