// Ctrl-C: a command that is interrupted stops what it does between two steps, says what stays as it is, and ends with
// kInterrupted.
#pragma once

namespace fairlead::cli {

/// From now on the first SIGINT is only remembered; a second one ends this process at once. Programs that are started
/// meanwhile end by it as usual.
void catch_interrupts();

/// Whether there was one. From any thread.
[[nodiscard]] bool interrupted();

}  // namespace fairlead::cli
