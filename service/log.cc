#include "service/log.h"

#include <chrono>

#include <unistd.h>

#include "base/json.h"
#include "base/time.h"

namespace fairlead::service {

std::string_view to_string(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warn";
    case Level::kError:
      return "error";
  }
  return "error";
}

Log::Log(int fd, Level least, std::string_view service, std::string_view version) : fd_(fd), least_(least) {
  identity_ = ",\"service\":";
  append_json_string(identity_, service);
  identity_ += ",\"version\":";
  append_json_string(identity_, version);
}

void Log::write(Level level, std::string_view message, std::initializer_list<Member> fields) const {
  if (!enabled(level)) return;
  const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  std::string line = "{\"time\":\"" + format_micro_time(now) + "\",\"level\":\"";
  line += to_string(level);
  line += "\",\"message\":";
  append_json_string(line, message);
  line += identity_;
  for (const Member& field : fields) {
    line += ',';
    append_json_string(line, field.key);
    line += ':';
    append_json(line, field.value);
  }
  line += "}\n";
  std::string_view rest = line;
  while (!rest.empty()) {
    const auto written = ::write(fd_, rest.data(), rest.size());
    if (written <= 0) return;  // Nobody reads our logs; that must not stop the service.
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace fairlead::service
