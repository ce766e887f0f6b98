#include "engine/api/log_streams.h"

#include <utility>

namespace fairlead::api {

void LogStreams::start(seam::Node& node, seam::LogRequest request, const net::ResponseWriter& response) {
  const auto id = ++ids_;
  response.start(200, {{"Content-Type", "text/plain"}, {"Cache-Control", "no-cache, private"}});
  // A slot of its own, because the log may end before logs() has returned.
  auto& slot = streams_[id];
  slot = node.logs(std::move(request),
                   [response, id, self = weak_from_this(), &control = control_](std::string_view chunk, bool end) {
                     if (!chunk.empty()) response.write(chunk);
                     if (!end) return;
                     response.end();
                     control.post([self, id] {
                       if (const auto alive = self.lock()) alive->streams_.erase(id);
                     });
                   });
  response.on_closed([self = weak_from_this(), id, &control = control_] {
    control.post([self, id] {
      if (const auto alive = self.lock()) alive->streams_.erase(id);
    });
  });
}

}  // namespace fairlead::api
