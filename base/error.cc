#include "base/error.h"

#include <cstdio>
#include <cstdlib>

namespace fairlead {

std::string Error::to_string() const {
  std::string out;
  if (!file.empty()) out = file + ":";
  if (line > 0) out += fmt::format("{}:", line);
  if (column > 0) out += fmt::format("{}:", column);
  if (!out.empty()) out += " ";
  return out + message;
}

Error wrap(std::string_view context, Error inner) {
  inner.message = fmt::format("{}: {}", context, inner.message);
  return inner;
}

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace fairlead
