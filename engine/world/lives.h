// When an engine ran in this state directory and when none did.
#pragma once

#include <string>
#include <vector>

#include "base/descriptor.h"
#include "base/error.h"
#include "engine/control/resume_gate.h"

namespace fairlead::world {

inline constexpr std::size_t kMaxLives = 64;  ///< Remembered; what began before the oldest of them is long over.
inline constexpr Duration kLifeMark = std::chrono::seconds(1);  ///< How exactly the end of a killed life is known.

/// A small file: a line a life, "from until" in milliseconds since 1970. A life's line is written when it begins, to
/// the disk; its end is only overwritten in place, which outlives a killed engine and makes the control thread wait for
/// no disk. Control thread only.
class Lives {
 public:
  /// Reads what earlier lives left and begins a new one at `now`. A damaged line ends the file.
  Lives(std::string path, Time now);

  /// The gaps between lives, oldest first; the last one ended now. Empty in a first life.
  [[nodiscard]] std::vector<control::Outage> outages() const;
  /// Says that this life still goes on. To be called every kLifeMark.
  [[nodiscard]] Result<> mark(Time now);

 private:
  struct Life {
    Time from;
    Time until;
  };
  [[nodiscard]] Result<> begin_file();

  std::string path_;
  std::vector<Life> lives_;
  Descriptor file_;
  std::size_t end_offset_ = 0;  ///< Where this life's end stands in the file.
};

}  // namespace fairlead::world
