#include "service/log.h"

#include <chrono>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/json.h"
#include "base/time.h"

namespace fairlead::service {
namespace {

constexpr std::size_t kMaxIdentity = 256;
constexpr std::string_view kEnd = "}\n";
constexpr std::string_view kTruncatedEnd = ",\"truncated\":true}\n";

/// At most so many bytes of `text`, and no half character.
std::string_view cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0U) == 0x80U) --most;
  return text.substr(0, most);
}

/// Appends `,"key":value`. False when that would make the line longer than `most`: a text is cut to fit, anything else
/// is left out.
bool append_member(std::string& line, const Member& member, std::size_t most) {
  const std::size_t begin = line.size();
  line += ',';
  append_json_string(line, member.key);
  line += ':';
  append_json(line, member.value);
  if (line.size() <= most) return true;
  const std::size_t over = line.size() - most;
  line.resize(begin);
  // A byte of text is at least one of JSON.
  if (!member.value.is_string() || member.value.str().size() <= over) return false;
  const std::string_view text = member.value.str();
  append_member(line, {member.key, cut(text, text.size() - over)}, most);
  return false;
}

}  // namespace

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
  append_json_string(identity_, cut(service, kMaxIdentity));
  identity_ += ",\"version\":";
  append_json_string(identity_, cut(version, kMaxIdentity));
  if (::isatty(fd) == 1) {
    // A terminal that says it is ready may still take half a line and make the writer wait for the rest. O_NONBLOCK
    // belongs to an open file, which others may share: so it is set on one of our own.
    terminal_ = ::open(fmt::format("/proc/self/fd/{}", fd).c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  } else if (::fcntl(fd, F_GETPIPE_SZ) < kPipeBytes) {
    ::fcntl(fd, F_SETPIPE_SZ, kPipeBytes);  // Where it is no pipe, or may not grow, it stays as it is.
  }
}

Log::~Log() {
  if (terminal_ >= 0) ::close(terminal_);
}

std::string Log::encode(Level level, std::string_view message, std::initializer_list<Member> fields) const {
  const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  std::string line = "{\"time\":\"" + format_micro_time(now) + "\",\"level\":\"";
  line += to_string(level);
  line += '"';
  constexpr std::size_t kMost = kMaxLine - kTruncatedEnd.size();
  bool whole = append_member(line, {"message", message}, kMost - identity_.size());
  line += identity_;
  for (const Member& field : fields) whole = append_member(line, field, kMost) && whole;
  line += whole ? kEnd : kTruncatedEnd;
  return line;
}

bool Log::put(std::string_view line) const {
  const int fd = terminal_ >= 0 ? terminal_ : fd_;
  pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
  // Ready means for a pipe that kMaxLine bytes fit, so that the write does not wait; nobody else here writes to it.
  if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return false;
  const auto written = ::write(fd, line.data(), line.size());
  if (written <= 0) return false;
  rest_.assign(line.substr(static_cast<std::size_t>(written)));  // Of terminals and full disks.
  return true;
}

void Log::write(Level level, std::string_view message, std::initializer_list<Member> fields) const {
  if (!enabled(level)) return;
  const std::string line = encode(level, message, fields);
  const std::lock_guard lock(mutex_);
  bool free = rest_.empty() || (put(std::string(rest_)) && rest_.empty());
  if (free && lost_ > 0) {
    free = put(encode(Level::kWarn, "log lines were dropped, as nobody read them in time", {{"count", lost_}}));
    if (free) lost_ = 0;
    free = free && rest_.empty();
  }
  if (free && put(line)) return;
  ++lost_;
  ++dropped_;
}

std::uint64_t Log::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

}  // namespace fairlead::service
