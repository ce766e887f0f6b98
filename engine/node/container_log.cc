#include "engine/node/container_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "engine/node/files.h"

namespace fairlead::node {

namespace {

std::string timestamp(std::chrono::system_clock::time_point now) {
  const auto since_epoch = now.time_since_epoch();
  const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count() % 1'000'000'000;
  std::string text = format_time(std::chrono::floor<Duration>(now));
  text.pop_back();
  return fmt::format("{}.{:09}Z", text, nanoseconds);
}

std::string rotated(const std::string& path, int i) { return i == 0 ? path : fmt::format("{}.{}", path, i); }

/// Splits "time stream tag content".
struct CriLine {
  std::string_view time;
  std::string_view content;
  bool partial = false;

  static CriLine parse(std::string_view line) {
    const auto first = line.find(' ');
    const auto second = line.find(' ', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos || second + 2 >= line.size() + 1) return {};
    const auto third = line.find(' ', second + 1);
    if (third == std::string_view::npos) return {};
    return {line.substr(0, first), line.substr(third + 1), line.substr(second + 1, third - second - 1) == "P"};
  }
};

}  // namespace

std::string log_time() { return timestamp(std::chrono::system_clock::now()); }

LogFilter::LogFilter(const seam::LogRequest& request)
    : timestamps_(request.timestamps),
      limited_(request.limit_bytes.has_value()),
      left_(static_cast<std::size_t>(request.limit_bytes.value_or(0))),
      since_(request.since ? timestamp(*request.since) : std::string()) {}

std::string LogFilter::render(std::string_view line) {
  const auto parsed = CriLine::parse(line);
  if (done_ || parsed.time.empty() || parsed.time < since_) return {};
  std::string out;
  if (timestamps_ && !middle_) out = std::string(parsed.time) + " ";
  out += parsed.content;
  if (!parsed.partial) out += '\n';
  middle_ = parsed.partial;
  if (limited_) {
    if (out.size() >= left_) {
      out.resize(left_);
      done_ = true;
    }
    left_ -= out.size();
  }
  return out;
}

ContainerLog::~ContainerLog() { finish(); }

Result<> ContainerLog::open(Descriptor& output, Descriptor& errors) {
  if (auto ok = make_directories(std::filesystem::path(path_).parent_path()); !ok) return ok;
  file_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!file_) return fail("cannot open the log {}: {}", path_, error_text(errno));
  Descriptor* ends[] = {&output, &errors};
  for (int i = 0; i < 2; ++i) {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) return fail("cannot make a pipe: {}", error_text(errno));
    auto& stream = streams_[i];
    stream.pipe.reset(pipe[0]);
    stream.name = i == 0 ? "stdout" : "stderr";
    ends[i]->reset(pipe[1]);
    ::fcntl(pipe[0], F_SETFL, O_NONBLOCK);
    loop_.watch(pipe[0], EPOLLIN, [this, &stream](std::uint32_t) {
      if (read(stream)) return;
      loop_.unwatch(stream.pipe.get());
      stream.pipe.reset();
    });
  }
  return {};
}

bool ContainerLog::read(Stream& stream) {
  char buffer[65536];
  const ssize_t got = ::read(stream.pipe.get(), buffer, sizeof buffer);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  stream.pending.append(buffer, static_cast<std::size_t>(got));
  std::string_view rest = stream.pending;
  while (!rest.empty()) {
    const auto newline = rest.find('\n');
    if (newline != std::string_view::npos && newline <= kMaxLogLine) {
      write(stream, rest.substr(0, newline), false);
      rest.remove_prefix(newline + 1);
    } else if (rest.size() > kMaxLogLine) {
      write(stream, rest.substr(0, kMaxLogLine), true);
      rest.remove_prefix(kMaxLogLine);
    } else {
      break;
    }
  }
  stream.pending = std::string(rest);
  return true;
}

void ContainerLog::write(Stream& stream, std::string_view line, bool partial) {
  if (size_ > kMaxLogFile) rotate();
  std::string text = fmt::format("{} {} {} ", log_time(), stream.name, partial ? 'P' : 'F');
  text += line;
  for (auto it = listeners_.begin(); it != listeners_.end();) {
    const auto listener = it->lock();
    it = listener ? std::next(it) : listeners_.erase(it);
    if (listener) listener->line(text);
  }
  text += '\n';
  size_ += text.size();
  [[maybe_unused]] const auto put = ::write(file_.get(), text.data(), text.size());
}

void ContainerLog::rotate() {
  for (int i = kMaxLogFiles - 1; i > 0; --i) {
    std::rename(rotated(path_, i - 1).c_str(), rotated(path_, i).c_str());
  }
  file_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
  size_ = 0;
}

std::string ContainerLog::tail(std::size_t lines, std::size_t bytes) const {
  LogFilter filter({});
  const std::string text = read_log(path_, lines);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto newline = std::min(text.find('\n', at), text.size());
    out += filter.render(std::string_view(text).substr(at, newline - at));
    at = newline + 1;
  }
  if (out.size() > bytes) out = out.substr(out.size() - bytes);
  return out;
}

std::shared_ptr<void> ContainerLog::follow(Follower line, std::function<void()> ended) {
  auto listener = std::make_shared<Listener>(Listener{std::move(line), std::move(ended)});
  listeners_.push_back(listener);
  return listener;
}

void ContainerLog::finish() {
  for (auto& stream : streams_) {
    if (stream.pipe) {
      errno = 0;
      // A process that outlived the container could write for ever; what is in the pipe now is enough.
      for (int i = 0; i < 64 && read(stream) && errno != EAGAIN; ++i) errno = 0;
      loop_.unwatch(stream.pipe.get());
      stream.pipe.reset();
    }
    if (!stream.pending.empty()) write(stream, stream.pending, false);
    stream.pending.clear();
  }
  auto listeners = std::exchange(listeners_, {});
  for (const auto& weak : listeners) {
    if (const auto listener = weak.lock()) listener->ended();
  }
}

LogHistory::LogHistory(const std::string& path) {
  for (int i = 0; i < kMaxLogFiles; ++i) {
    Descriptor file(::open(rotated(path, i).c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info{};
    if (!file || ::fstat(file.get(), &info) != 0) break;
    parts_.push_back({std::move(file), static_cast<std::size_t>(info.st_size)});
  }
}

std::string LogHistory::read(std::size_t tail) const {
  std::string text;
  std::size_t lines = 0;
  for (const auto& [file, size] : parts_) {
    std::string part(size, '\0');
    std::size_t have = 0;
    while (have < size) {
      const ssize_t got = ::pread(file.get(), part.data() + have, size - have, static_cast<off_t>(have));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      have += static_cast<std::size_t>(got);
    }
    part.resize(have);
    text.insert(0, part);
    lines += static_cast<std::size_t>(std::count(part.begin(), part.end(), '\n'));
    if (lines >= tail) break;
  }
  for (std::size_t at = 0; lines > tail && at < text.size(); --lines) {
    at = text.find('\n', at) + 1;
    if (lines - 1 == tail) return text.substr(at);
  }
  return text;
}

std::string read_log(const std::string& path, std::size_t tail) { return LogHistory(path).read(tail); }

Result<std::string> find_stored_log(const std::string& directory, const std::string& uid, const std::string& container,
                                    bool previous) {
  std::string folder;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(directory, none)) {
    if (entry.path().filename().string().ends_with("_" + uid)) folder = entry.path() / container;
  }
  std::vector<int> starts;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    const std::string stem = entry.path().stem();
    int start = 0;
    const auto parsed = std::from_chars(stem.data(), stem.data() + stem.size(), start);
    const bool numbered = parsed.ec == std::errc() && parsed.ptr == stem.data() + stem.size();
    if (numbered && entry.path().extension() == ".log") starts.push_back(start);
  }
  std::ranges::sort(starts);
  if (starts.empty()) return fail("nothing is kept of what the container {} wrote", container);
  if (previous && starts.size() < 2)
    return fail("previous terminated container \"{}\" of the pod not found", container);
  return fmt::format("{}/{}.log", folder, starts[starts.size() - (previous ? 2 : 1)]);
}

void remove_log(const std::string& path) {
  for (int i = 0; i < kMaxLogFiles; ++i) ::unlink(rotated(path, i).c_str());
}

}  // namespace fairlead::node
