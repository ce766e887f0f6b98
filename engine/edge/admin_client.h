// One HTTP exchange with the edge's admin port.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace fairlead::edge {

inline constexpr std::size_t kMaxAdminAnswer = std::size_t{1} << 20;

struct AdminAnswer {
  int code = 0;
  std::string body;
};

/// Opens a connection to `ip`:`port` (IPv4), sends one request and reads the answer, all within `limit` of real time.
/// Blocks: not for the control thread.
[[nodiscard]] Result<AdminAnswer> ask_admin(const std::string& ip, std::uint16_t port, std::string_view method,
                                            std::string_view path, std::string_view body, Duration limit);

}  // namespace fairlead::edge
