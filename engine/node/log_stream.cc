#include "engine/node/log_stream.h"

#include <algorithm>
#include <string>

namespace fairlead::node {

namespace {

constexpr std::size_t kChunk = 64 * 1024;

}  // namespace

void LogStream::lines(std::string_view text) {
  const std::lock_guard lock(mutex_);
  std::string chunk;
  while (!text.empty() && sink_) {
    const auto newline = std::min(text.find('\n'), text.size());
    chunk += filter_.render(text.substr(0, newline));
    text.remove_prefix(std::min(newline + 1, text.size()));
    if (chunk.size() < kChunk && !text.empty() && !filter_.done()) continue;
    if (!chunk.empty()) sink_(chunk, false);
    chunk.clear();
    if (filter_.done()) return end();
  }
}

void LogStream::history(std::string_view text) {
  lines(text);
  for (;;) {
    std::string waited;
    {
      const std::lock_guard lock(waiting_mutex_);
      waited.swap(waiting_);
      history_sent_ = waited.empty();
      if (history_sent_ && !ended_) return;
    }
    if (waited.empty()) return end();
    lines(waited);
  }
}

void LogStream::live(std::string_view line) {
  {
    const std::lock_guard lock(waiting_mutex_);
    if (!history_sent_) {
      waiting_ += line;
      waiting_ += '\n';
      return;
    }
  }
  lines(line);
}

void LogStream::live_end() {
  {
    const std::lock_guard lock(waiting_mutex_);
    ended_ = true;
    if (!history_sent_) return;
  }
  end();
}

void LogStream::end(std::string_view last) {
  const std::lock_guard lock(mutex_);
  if (const auto sink = std::exchange(sink_, nullptr)) sink(last, true);
}

void LogStream::cancel() {
  const std::lock_guard lock(mutex_);
  sink_ = nullptr;
}

}  // namespace fairlead::node
