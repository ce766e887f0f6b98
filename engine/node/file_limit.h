// How many descriptors the node and its containers may have open.
#pragma once

#include <sys/resource.h>

namespace fairlead::node {

/// Raises this process's soft limit of open descriptors to the hard one, before any thread exists: every connection
/// through a host port takes two. What the limit was stays for containers.
void raise_file_limit();

/// The limit that containers get: the one this process was started with.
[[nodiscard]] rlimit container_file_limit();

/// Whether `error_number` says that no further descriptor can be had now.
[[nodiscard]] bool is_out_of_files(int error_number);

}  // namespace fairlead::node
