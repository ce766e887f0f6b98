// Container logs on their way to clients.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "engine/seam/executor.h"
#include "engine/seam/node.h"
#include "net/http_server.h"

namespace fairlead::api {

inline constexpr std::size_t kMaxLogStreams = 500;

/// Log streams under way, each ended when its log or its client does. Control thread.
class LogStreams : public std::enable_shared_from_this<LogStreams> {
 public:
  explicit LogStreams(seam::Executor& control) : control_(control) {}

  [[nodiscard]] std::size_t size() const { return streams_.size(); }
  /// Answers 200 and whatever `node` gives.
  void start(seam::Node& node, seam::LogRequest request, const net::ResponseWriter& response);
  /// Ends all of them.
  void clear() { streams_.clear(); }

 private:
  seam::Executor& control_;
  std::map<std::uint64_t, std::unique_ptr<seam::Subscription>> streams_;
  std::uint64_t ids_ = 0;
};

}  // namespace fairlead::api
