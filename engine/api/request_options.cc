#include "engine/api/request_options.h"

#include <charconv>

#include "engine/api/delete_options.h"
#include "engine/api/schema_type.h"

namespace fairlead::api {
namespace {

using Reason = FieldError::Reason;

constexpr std::size_t kShownBody = 30;  ///< Bytes of a body that a message quotes, as upstream.

FieldError forbidden(std::string field, std::string_view why) {
  return {Reason::kForbidden, std::move(field), fmt::format("Forbidden: {}", why)};
}

std::string quoted(std::string_view text) { return fmt::format("\"{}\"", text); }

ApiResult<std::uint64_t> parse_revision(std::string_view text, bool watch) {
  std::uint64_t revision = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), revision);
  if (error == std::errc() && end == text.data() + text.size()) return revision;
  return std::unexpected(Status::bad_request(
      fmt::format("{}resourceVersion: Invalid value: \"{}\": strconv.ParseUint: parsing \"{}\": invalid syntax",
                  watch ? "" : "invalid resource version: ", text, text)));
}

ApiResult<ListOptions::Match> parse_match(std::string_view text) {
  if (text.empty()) return ListOptions::Match::kUnset;
  if (text == "NotOlderThan") return ListOptions::Match::kNotOlderThan;
  if (text == "Exact") return ListOptions::Match::kExact;
  return std::unexpected(Status::invalid_options(
      "ListOptions", unsupported_value("resourceVersionMatch", quoted(text), R"("Exact", "NotOlderThan", "")")));
}

/// Which of resourceVersion, resourceVersionMatch, continue and sendInitialEvents go together.
ApiResult<> check_combination(const ListOptions& options, const Query& query, bool watch) {
  const auto refuse = [](std::string field, std::string_view why) {
    return std::unexpected(Status::invalid_options("ListOptions", forbidden(std::move(field), why)));
  };
  const std::string match = "resourceVersionMatch";
  const bool has_version = !query.get("resourceVersion").empty();
  if (query.has("sendInitialEvents")) {
    if (!watch) return refuse("sendInitialEvents", "sendInitialEvents is forbidden for list");
    if (options.match != ListOptions::Match::kNotOlderThan) {
      return refuse(match, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    }
    return {};
  }
  if (options.match == ListOptions::Match::kUnset) return {};
  if (watch) return refuse(match, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
  if (!has_version) return refuse(match, "resourceVersionMatch is forbidden unless resourceVersion is provided");
  if (!options.continue_token.empty()) {
    return refuse(match, "resourceVersionMatch is forbidden when continue is provided");
  }
  if (options.match == ListOptions::Match::kExact && options.revision == 0U) {
    return refuse(match, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
  }
  return {};
}

Status unreadable(const Resource& resource, std::string_view why) {
  return Status::bad_request(fmt::format(
      "the object provided is unrecognized (must be of type {}): couldn't get version/kind; {}", resource.kind, why));
}

}  // namespace

Status too_new(std::uint64_t asked, std::uint64_t current) {
  Status status;
  status.code = 504;
  status.reason = "Timeout";
  status.message = fmt::format("Timeout: Too large resource version: {}, current: {}", asked, current);
  status.retry_after_seconds = 1;
  status.causes.push_back({FieldError::Reason::kResourceVersionTooLarge, "", "Too large resource version"});
  return status;
}

ApiResult<std::optional<std::int64_t>> read_integer(const Query& query, std::string_view name) {
  const auto text = query.get(name);
  if (text.empty()) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::unexpected(Status::bad_request(fmt::format("strconv.ParseInt: parsing \"{}\": invalid syntax", text)));
  }
  return number;
}

ApiResult<ListOptions> read_list_options(const Query& query, bool watch) {
  ListOptions options;
  const auto limit = read_integer(query, "limit");
  if (!limit) return std::unexpected(limit.error());
  if (const auto most = limit->value_or(0); most > 0) options.limit = static_cast<std::size_t>(most);
  const auto timeout = read_integer(query, "timeoutSeconds");
  if (!timeout) return std::unexpected(timeout.error());
  if (const auto seconds = timeout->value_or(0); seconds > 0) options.timeout = std::chrono::seconds(seconds);
  options.continue_token = std::string(query.get("continue"));
  options.bookmarks = query.flag("allowWatchBookmarks");
  options.send_initial_events = query.flag("sendInitialEvents");
  const auto match = parse_match(query.get("resourceVersionMatch"));
  if (!match) return std::unexpected(match.error());
  options.match = *match;
  if (const auto text = query.get("resourceVersion"); !text.empty()) {
    const auto revision = parse_revision(text, watch);
    if (!revision) return std::unexpected(revision.error());
    options.revision = *revision;
  }
  if (auto fine = check_combination(options, query, watch); !fine) return std::unexpected(fine.error());
  return options;
}

ApiResult<WriteOptions> read_write_options(Call& call, std::string_view kind) {
  WriteOptions options;
  options.user = &call.user;
  options.warnings = &call.warnings;
  options.duplicates = &call.body.duplicates;
  const auto dry = parse_dry_run(kind, call.query.all("dryRun"));
  if (!dry) return std::unexpected(dry.error());
  options.dry_run = *dry;
  const auto validation = call.query.get("fieldValidation");
  options.validation = FieldValidation::kWarn;
  if (validation == "Strict") {
    options.validation = FieldValidation::kStrict;
  } else if (validation == "Ignore") {
    options.validation = FieldValidation::kIgnore;
  } else if (!validation.empty() && validation != "Warn") {
    return std::unexpected(Status::invalid_options(
        kind, unsupported_value("fieldValidation", quoted(validation), R"("", "Ignore", "Strict", "Warn")")));
  }
  return options;
}

ApiResult<DeleteOptions> read_delete_options(const Call& call, const Api& api) {
  DeleteOptions options;
  const auto grace = read_integer(call.query, "gracePeriodSeconds");
  if (!grace) return std::unexpected(grace.error());
  options.grace_seconds = *grace;
  Value from_query;
  for (const std::string_view name : {"propagationPolicy"}) {
    if (call.query.has(name)) from_query.set(name, call.query.get(name));
  }
  const auto dry = parse_dry_run("DeleteOptions", call.query.all("dryRun"));
  if (!dry) return std::unexpected(dry.error());
  options.dry_run = *dry;
  if (auto read = read_delete_options(from_query, options); !read) return std::unexpected(read.error());
  if (call.request.body.empty()) return options;
  const Resource* kind = api.schema().by_kind("", "v1", "DeleteOptions");
  FAIRLEAD_ASSERT(kind != nullptr);
  auto body = read_object(call, api.schema(), *kind);
  if (!body) return std::unexpected(body.error());
  body->set("apiVersion", kind->api_version());  // It is a kind of every group, and clients send that of the object.
  if (auto fine = api.decode(*kind, *body, {.validation = FieldValidation::kIgnore}); !fine)
    return std::unexpected(fine.error());
  if (auto read = read_delete_options(*body, options); !read) return std::unexpected(read.error());
  return options;
}

ApiResult<IncludeObject> read_include_object(const Query& query) {
  const auto text = query.get("includeObject");
  if (text.empty() || text == "Metadata") return IncludeObject::kMetadata;
  if (text == "Object") return IncludeObject::kObject;
  if (text == "None") return IncludeObject::kNone;
  return std::unexpected(Status::bad_request(fmt::format("unrecognized includeObject value: \"{}\"", text)));
}

ApiResult<Value> read_object(const Call& call, const Schema& schema, const Resource& resource) {
  const auto& body = call.body;
  if (body.encoding == Body::Encoding::kUnknown) {
    return std::unexpected(
        unsupported_media_type("application/json, application/yaml, application/vnd.kubernetes.protobuf"));
  }
  if (!body.error.empty()) return std::unexpected(unreadable(resource, body.error));
  if (body.encoding == Body::Encoding::kProtobuf) {
    auto decoded = schema.decode_protobuf(call.request.body);
    if (!decoded) return std::unexpected(unreadable(resource, decoded.error().to_string()));
    return std::move(*decoded);
  }
  if (body.encoding == Body::Encoding::kNone || body.value.is_null()) {
    return std::unexpected(unreadable(resource, "json parse error: unexpected end of JSON input (<empty>)"));
  }
  if (!body.value.is_object()) {
    return std::unexpected(unreadable(
        resource, fmt::format("json parse error: json: cannot unmarshal {} into Go value", body.value.kind_name())));
  }
  if (!resource.type->typed && body.value.at("kind").str().empty()) {
    std::string shown = call.request.body.substr(0, kShownBody);
    if (call.request.body.size() > kShownBody) shown += " ...";
    return std::unexpected(Status::bad_request(
        fmt::format("the object provided is unrecognized (must be of type {}): Object 'Kind' is missing in '{}' ({})",
                    resource.kind, call.request.body, shown)));
  }
  if (!resource.type->typed && body.value.at("apiVersion").str().empty()) {
    return std::unexpected(Status::bad_request(fmt::format(
        "the API version in the data () does not match the expected API version ({})", resource.api_version())));
  }
  return body.value;
}

}  // namespace fairlead::api
