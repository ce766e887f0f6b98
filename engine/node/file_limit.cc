#include "engine/node/file_limit.h"

#include <cerrno>
#include <optional>

namespace fairlead::node {

namespace {

std::optional<rlimit> before;

rlimit current() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit;
}

}  // namespace

void raise_file_limit() {
  const rlimit limit = current();
  before = limit;
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &raised);
}

rlimit container_file_limit() { return before ? *before : current(); }

bool is_out_of_files(int error_number) {
  return error_number == EMFILE || error_number == ENFILE || error_number == ENOBUFS || error_number == ENOMEM;
}

}  // namespace fairlead::node
