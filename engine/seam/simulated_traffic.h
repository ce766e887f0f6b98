// An edge that remembers what it was told. For virtual worlds and tests.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "engine/seam/traffic.h"
#include "engine/seam/virtual_time.h"

namespace fairlead::seam {

class SimulatedTraffic final : public Traffic {
 public:
  explicit SimulatedTraffic(VirtualTime& time) : time_(time) {}

  void apply(EdgeProgram program, Done<> done) override {
    programs_.insert_or_assign(program.gateway_ns + "/" + program.gateway, std::move(program));
    time_.after(delay_, [done = std::move(done)]() mutable { done({}); });
  }
  /// How long it takes until every new request follows a program.
  void set_delay(Duration delay) { delay_ = delay; }
  /// The latest program of each Gateway, by "namespace/name".
  [[nodiscard]] const std::map<std::string, EdgeProgram>& programs() const { return programs_; }

 private:
  VirtualTime& time_;
  Duration delay_{0};
  std::map<std::string, EdgeProgram> programs_;
};

}  // namespace fairlead::seam
