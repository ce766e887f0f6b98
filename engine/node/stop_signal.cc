#include "engine/node/stop_signal.h"

#include <charconv>
#include <csignal>
#include <string>

#include <string.h>  // NOLINT(modernize-deprecated-headers): sigabbrev_np is glibc's, not C's

namespace fairlead::node {

namespace {

std::optional<int> number(std::string_view text) {
  int out = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return out;
}

std::optional<int> known(int signal) {
  return signal >= 1 && signal <= SIGRTMAX ? std::optional(signal) : std::nullopt;
}

}  // namespace

std::optional<int> signal_number(std::string_view name) {
  if (const auto plain = number(name)) return known(*plain);
  if (name.starts_with("SIG")) name.remove_prefix(3);
  if (name == "RTMIN") return SIGRTMIN;
  if (name == "RTMAX") return SIGRTMAX;
  if (name.starts_with("RTMIN+")) {
    const auto above = number(name.substr(6));
    return above ? known(SIGRTMIN + *above) : std::nullopt;
  }
  if (name.starts_with("RTMAX-")) {
    const auto below = number(name.substr(6));
    return below && SIGRTMAX - *below >= SIGRTMIN ? known(SIGRTMAX - *below) : std::nullopt;
  }
  for (int signal = 1; signal < SIGRTMIN; ++signal) {
    const char* short_name = ::sigabbrev_np(signal);
    if (short_name != nullptr && name == short_name) return signal;
  }
  return std::nullopt;
}

}  // namespace fairlead::node
