// One request on its way through the API server, and the ways to answer it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/value.h"
#include "engine/api/accept.h"
#include "engine/api/query.h"
#include "engine/api/route.h"
#include "engine/api/status.h"
#include "engine/api/user.h"
#include "net/http_server.h"

namespace fairlead::api {

class ServerMetrics;

/// A request's body, as far as a wire thread can read it: protobuf needs the schema, so it waits for the control
/// thread.
struct Body {
  enum class Encoding : std::uint8_t { kNone, kJson, kYaml, kProtobuf, kUnknown };
  Encoding encoding = Encoding::kNone;
  std::string media_type;               ///< Without parameters.
  Value value;                          ///< For kJson and kYaml.
  std::vector<std::string> duplicates;  ///< Paths of keys that the text gives twice; the last one holds.
  std::string error;                    ///< Why it could not be read.
};

/// Handed from a wire thread to the control thread, and then to an encoder; never used by two at once.
struct Call {
  net::Request request;
  net::ResponseWriter response;
  Route route;
  std::string counted;  ///< The route's resource where it exists, for metrics: whatever else a path names is "".
  Query query;
  Accept accept;
  Body body;
  User user;
  std::vector<std::string> warnings;
  std::chrono::steady_clock::time_point started;
  std::shared_ptr<ServerMetrics> metrics;
};
using CallPtr = std::shared_ptr<Call>;

/// Reads a body by its Content-Type. Any thread.
[[nodiscard]] Body read_body(const net::Request& request);

/// Answers may be given on any thread, once. JSON is given compact and sent as the client asked: pretty, or as YAML.
void send_json(Call& call, int code, std::string json);
void send_value(Call& call, int code, const Value& value);
void send_status(Call& call, const Status& status);
void send_text(Call& call, int code, std::string text, std::string_view content_type = "text/plain; charset=utf-8");
/// Counts a streamed answer that was begun elsewhere.
void note_stream(Call& call);

/// Statuses of the HTTP surface alone, in upstream's words.
[[nodiscard]] Status unauthorized();
[[nodiscard]] Status unknown_resource();
[[nodiscard]] Status method_not_allowed();
[[nodiscard]] Status not_acceptable();
[[nodiscard]] Status unsupported_media_type(std::string_view accepted);
[[nodiscard]] Status not_implemented(std::string message);

}  // namespace fairlead::api
