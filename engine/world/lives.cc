#include "engine/world/lives.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <utility>

#include "engine/node/files.h"

namespace fairlead::world {
namespace {

/// The end of a life always takes as many characters, so that a later one can take its place.
constexpr std::size_t kEndWidth = 13;

std::string written_end(Time end) { return fmt::format("{:>{}}", end.time_since_epoch().count(), kEndWidth); }

}  // namespace

Lives::Lives(std::string path, Time now) : path_(std::move(path)) {
  if (const auto text = node::read_file(path_)) {
    std::istringstream in(*text);
    std::int64_t from = 0;
    std::int64_t until = 0;
    while (in >> from >> until && from <= until) lives_.push_back({Time(Duration(from)), Time(Duration(until))});
  }
  if (lives_.size() >= kMaxLives)
    lives_.erase(lives_.begin(), lives_.end() - static_cast<std::ptrdiff_t>(kMaxLives - 1));
  lives_.push_back({now, now});
}

std::vector<control::Outage> Lives::outages() const {
  std::vector<control::Outage> out;
  for (std::size_t i = 1; i < lives_.size(); ++i) {
    out.push_back({lives_[i - 1].until, std::max(lives_[i - 1].until, lives_[i].from)});
  }
  return out;
}

Result<> Lives::begin_file() {
  std::string text;
  for (const Life& life : lives_)
    text += fmt::format("{} {}\n", life.from.time_since_epoch().count(), written_end(life.until));
  end_offset_ = text.size() - 1 - kEndWidth;
  if (auto replaced = node::replace_file(path_, text, 0600); !replaced) return replaced;
  file_.reset(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file_) return fail("cannot open {}: {}", path_, node::error_text(errno));
  return {};
}

Result<> Lives::mark(Time now) {
  lives_.back().until = std::max(lives_.back().from, now);  // A clock that was set back does not end a life early.
  if (!file_) return begin_file();
  const std::string end = written_end(now);
  const ssize_t written = ::pwrite(file_.get(), end.data(), end.size(), static_cast<off_t>(end_offset_));
  if (std::cmp_not_equal(written, end.size())) return fail("cannot write {}: {}", path_, node::error_text(errno));
  return {};
}

}  // namespace fairlead::world
