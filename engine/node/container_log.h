// A container's log on disk in the CRI format, one file per start, rotated; and reading it back.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor.h"
#include "base/time.h"
#include "engine/node/loop.h"
#include "engine/seam/node.h"

namespace fairlead::node {

inline constexpr std::size_t kMaxLogFile = std::size_t{10} << 20;
inline constexpr int kMaxLogFiles = 5;
inline constexpr std::size_t kMaxLogLine = 16 * 1024;  ///< Longer ones are split, as containerd splits them.

/// "2026-11-23T10:05:00.123456789Z": what each line starts with.
[[nodiscard]] std::string log_time();

/// Turns CRI lines into what a reader asked for. Pure.
class LogFilter {
 public:
  explicit LogFilter(const seam::LogRequest& request);
  /// The text to send for a line (without its newline): empty when it is older than asked for. Sets `done` once
  /// limit_bytes is used up.
  [[nodiscard]] std::string render(std::string_view line);
  [[nodiscard]] bool done() const { return done_; }

 private:
  bool timestamps_;
  bool limited_;
  bool middle_ = false;  ///< The last line sent was partial: the next continues it.
  std::size_t left_;
  std::string since_;
  bool done_ = false;
};

/// The open log of a running container. Loop thread only.
class ContainerLog {
 public:
  using Follower = std::function<void(std::string_view line)>;

  ContainerLog(Loop& loop, std::string path) : loop_(loop), path_(std::move(path)) {}
  ~ContainerLog();
  ContainerLog(const ContainerLog&) = delete;
  ContainerLog& operator=(const ContainerLog&) = delete;

  /// Opens the file and makes the two pipes; give the write ends to the container, then close them.
  [[nodiscard]] Result<> open(Descriptor& output, Descriptor& errors);
  /// What the container wrote last, up to `lines` lines and `bytes` bytes: for termination messages.
  [[nodiscard]] std::string tail(std::size_t lines, std::size_t bytes) const;
  /// Called with every line from now on; removed by the returned token's death. `ended` when the log is closed.
  [[nodiscard]] std::shared_ptr<void> follow(Follower line, std::function<void()> ended);
  /// Takes what is still in the pipes. The container has ended.
  void finish();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  struct Stream {
    Descriptor pipe;
    const char* name = "";
    std::string pending;
  };
  struct Listener {
    Follower line;
    std::function<void()> ended;
  };
  bool read(Stream& stream);
  void write(Stream& stream, std::string_view line, bool partial);
  void rotate();

  Loop& loop_;
  std::string path_;
  Descriptor file_;
  std::size_t size_ = 0;
  Stream streams_[2];
  std::list<std::weak_ptr<Listener>> listeners_;
};

/// A log and its rotated files as they are at one moment: cheap to take, and what is written or rotated later changes
/// nothing. Reading may take long: not for the node's own thread. Any thread.
class LogHistory {
 public:
  explicit LogHistory(const std::string& path);
  /// The CRI lines, oldest first, at most the last `tail` whole lines (npos: all).
  [[nodiscard]] std::string read(std::size_t tail) const;

 private:
  struct Part {
    Descriptor file;
    std::size_t size = 0;
  };
  std::vector<Part> parts_;  ///< Newest first.
};

/// The CRI lines of a log and its rotated files, oldest first, at most the last `tail` whole lines (npos: all).
[[nodiscard]] std::string read_log(const std::string& path, std::size_t tail);
/// The log of the last start (or of the one before) of a container of the pod with this uid, as it lies below
/// `directory`: also of a pod that ran before this process. The error is a sentence for a person.
[[nodiscard]] Result<std::string> find_stored_log(const std::string& directory, const std::string& uid,
                                                  const std::string& container, bool previous);
/// Removes a log and its rotated files.
void remove_log(const std::string& path);

}  // namespace fairlead::node
