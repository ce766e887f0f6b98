#include "engine/api/call.h"

#include <utility>

#include "base/json.h"
#include "base/json_duplicates.h"
#include "base/yaml.h"
#include "engine/api/server_metrics.h"

namespace fairlead::api {
namespace {

std::string media_type_of(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ')) content_type.remove_suffix(1);
  return std::string(content_type);
}

/// People read what these print. Source: k8s.io/apiserver/pkg/endpoints/handlers/negotiation/negotiate.go,
/// isPrettyPrint.
bool wants_pretty(const Call& call) {
  if (call.query.has("pretty")) return call.query.flag("pretty");
  const auto agent = call.request.headers.get("user-agent");
  return agent.starts_with("curl") || agent.starts_with("Wget") || agent.starts_with("Mozilla/5.0");
}

std::string warning_header(std::string_view text) {
  std::string out = "299 - \"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    out += control ? ' ' : c;
  }
  return out + '"';
}

void send(Call& call, int code, std::string body, std::string_view content_type) {
  net::Response response{.status = code, .headers = {}, .body = std::move(body)};
  response.headers.add("Content-Type", content_type);
  response.headers.add("Cache-Control", "no-cache, private");
  for (const auto& warning : call.warnings) response.headers.add("Warning", warning_header(warning));
  if (call.metrics) {
    call.metrics->count(call.route.verb, call.counted, code, std::chrono::steady_clock::now() - call.started);
  }
  call.response.send(response);
}

}  // namespace

Body read_body(const net::Request& request) {
  Body body;
  body.media_type = media_type_of(request.headers.get("content-type"));
  if (request.body.empty() && body.media_type.empty()) return body;
  const auto& type = body.media_type;
  if (type == "application/vnd.kubernetes.protobuf") {
    body.encoding = Body::Encoding::kProtobuf;
  } else if (type == "application/yaml" || type == "application/apply-patch+yaml") {
    body.encoding = Body::Encoding::kYaml;
    auto documents = parse_yaml(request.body, {});
    if (!documents) {
      body.error = "yaml parse error: " + documents.error().to_string();
    } else if (!documents->empty()) {
      body.value = std::move(documents->front());
    }
  } else if (type.empty() || type == "application/json" || type.ends_with("+json")) {
    body.encoding = Body::Encoding::kJson;
    if (request.body.empty()) {
      body.error = "json parse error: unexpected end of JSON input (<empty>)";
      return body;
    }
    auto value = parse_json(request.body);
    // Few texts are wrong, and of those few give a key twice: what is made of that is the request's to say.
    if (!value) {
      if (auto lenient = parse_json_last_wins(request.body, body.duplicates)) value = std::move(lenient);
    }
    if (value) {
      body.value = std::move(*value);
    } else {
      body.error = "json parse error: " + value.error().to_string();
    }
  } else {
    body.encoding = Body::Encoding::kUnknown;
  }
  return body;
}

void send_json(Call& call, int code, std::string json) {
  const bool yaml = call.accept.yaml;
  if (yaml || wants_pretty(call)) {
    if (auto value = parse_json(json)) json = yaml ? to_yaml(*value) : to_pretty_json(*value);
  }
  send(call, code, std::move(json), call.accept.content_type());
}

void send_value(Call& call, int code, const Value& value) { send_json(call, code, to_json(value)); }

void send_status(Call& call, const Status& status) {
  call.accept.form = Form::kObject;
  send_value(call, status.code, status.to_value());
}

void send_text(Call& call, int code, std::string text, std::string_view content_type) {
  send(call, code, std::move(text), content_type);
}

void note_stream(Call& call) {
  if (call.metrics) call.metrics->stream_begun(call.route.verb, call.counted);
}

namespace {

Status plain(int code, std::string reason, std::string message) {
  Status status;
  status.code = code;
  status.reason = std::move(reason);
  status.message = std::move(message);
  return status;
}

}  // namespace

Status unauthorized() { return plain(401, "Unauthorized", "Unauthorized"); }

Status unknown_resource() { return plain(404, "NotFound", "the server could not find the requested resource"); }

Status method_not_allowed() {
  return plain(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
}

Status not_acceptable() {
  return plain(406, "NotAcceptable", "only the following media types are accepted: application/json, application/yaml");
}

Status unsupported_media_type(std::string_view accepted) {
  return plain(
      415, "UnsupportedMediaType",
      fmt::format("the body of the request was in an unknown format - accepted media types include: {}", accepted));
}

Status not_implemented(std::string message) { return plain(501, "NotImplemented", std::move(message)); }

}  // namespace fairlead::api
