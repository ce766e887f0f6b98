#include "engine/world/lives.h"

#include <sstream>
#include <utility>

#include "engine/node/files.h"

namespace fairlead::world {

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
  for (std::size_t i = 1; i < lives_.size(); ++i) out.push_back({lives_[i - 1].until, lives_[i].from});
  return out;
}

Result<> Lives::mark(Time now) {
  lives_.back().until = now;
  std::string text;
  for (const Life& life : lives_)
    text += fmt::format("{} {}\n", life.from.time_since_epoch().count(), life.until.time_since_epoch().count());
  return node::replace_file(path_, text, 0600);
}

}  // namespace fairlead::world
