// list, watch, create and deletecollection.
#include <algorithm>

#include "base/json.h"
#include "engine/api/context.h"
#include "engine/api/conversion.h"
#include "engine/api/field_labels.h"
#include "engine/api/metadata.h"
#include "engine/api/request_options.h"

namespace fairlead::api {
namespace {

Status too_old(std::string_view why) { return Status::expired(fmt::format("The {} is too old.", why)); }

/// Runs on an encoder: items are stitched together from JSON that each object keeps.
void send_list(Call& call, const View& view, const ListPage& page, Time now) {
  const ListMeta meta{.revision = page.revision,
                      .continue_token = page.next,
                      .remaining = page.remaining > 0 ? std::optional<std::uint64_t>(page.remaining) : std::nullopt};
  std::string out;
  if (view.form == View::Form::kTable) {
    TableWriter(*view.served, view.form_version, view.include, now).append(out, page.items, meta, true);
    return send_json(call, 200, std::move(out));
  }
  const bool partial = view.form == View::Form::kMetadata;
  out = partial
            ? fmt::format("{{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/{}\",\"metadata\":",
                          view.form_version)
            : fmt::format("{{\"kind\":\"{}\",\"apiVersion\":\"{}\",\"metadata\":", kind_of_list(*view.served),
                          view.served->api_version());
  meta.append_json(out);
  out += ",\"items\":[";
  for (const auto& item : page.items) {
    if (&item != page.items.data()) out += ',';
    if (partial) {
      append_partial_metadata(out, *item, view.form_version);
    } else {
      append_served_json(out, *view.served, *item);
    }
  }
  out += "]}";
  send_json(call, 200, std::move(out));
}

ApiResult<ListPage> read_page(Context& context, const ListOptions& options, const View& view, std::string_view user) {
  const Resource& stored = *view.served->storage;
  if (!options.continue_token.empty()) {
    if (options.revision.value_or(0) != 0) {
      return std::unexpected(Status::bad_request("specifying resource version is not allowed when using continue"));
    }
    auto page = context.store.next_page(stored, view.ns, options.continue_token, options.limit);
    // A client may narrow what it asks for, never widen it.
    if (page) std::erase_if(page->items, [&view](const ObjectPtr& object) { return !view.shows(*object); });
    return page;
  }
  const auto current = context.store.revision();
  if (options.revision && *options.revision > current) return std::unexpected(too_new(*options.revision, current));
  if (options.match == ListOptions::Match::kExact && options.revision != current) {
    return std::unexpected(too_old("resourceVersion for the provided list"));
  }
  std::function<bool(const Object&)> keep;
  if (!view.name.empty() || !view.labels.selects_everything() || !view.fields.selects_everything()) {
    keep = [&view](const Object& object) { return view.shows(object); };
  }
  return context.store.page(stored, view.ns, options.limit, keep, user);
}

void list(Context& context, const CallPtr& call, const Resource& served) {
  const auto options = read_list_options(call->query, false);
  if (!options) return send_status(*call, options.error());
  auto view = view_of(*call, served);
  if (!view) return send_status(*call, view.error());
  auto page = read_page(context, *options, *view, call->user.name);
  if (!page) return send_status(*call, page.error());
  const auto revision = page->revision;
  context.when_durable(revision, call, [call, view = std::move(*view), page = std::move(*page), now = context.now()] {
    send_list(*call, view, page, now);
  });
}

void send_watch_error(const CallPtr& call, const Status& status) {
  call->response.start(200, {{"Content-Type", "application/json"}});
  Value event = Value::object({{"type", "ERROR"}, {"object", status.to_value()}});
  call->response.write(to_json(event) + "\n");
  call->response.end();
}

/// Adds what happened since `request.after`, and begins.
void begin_watch(Context& context, const CallPtr& call, WatchRequest request) {
  auto missed = context.store.events_after(request.after);
  if (!missed) return send_watch_error(call, Status::expired(missed.error().to_string()));
  request.missed = std::move(*missed);
  if (auto begun = context.watch(call, std::move(request)); !begun) send_status(*call, begun.error());
}

void watch(Context& context, const CallPtr& call, const Resource& served) {
  const auto options = read_list_options(call->query, true);
  if (!options) return send_status(*call, options.error());
  auto view = view_of(*call, served);
  if (!view) return send_status(*call, view.error());
  WatchRequest request;
  request.bookmarks = options->bookmarks;
  request.timeout = options->timeout;
  request.initial_events_end = options->send_initial_events;
  if (!options->send_initial_events && options->revision.value_or(0) > 0) {
    request.after = *options->revision;
    request.view = std::move(*view);
    return begin_watch(context, call, std::move(request));
  }
  const auto current = context.store.revision();
  if (options->revision.value_or(0) > current) return send_status(*call, too_new(*options->revision, current));
  request.after = current;
  if (options->send_initial_events || !call->query.has("sendInitialEvents")) {
    context.store.each(*served.storage, view->ns, [&](const ObjectPtr& object) {
      if (view->shows(*object)) request.initial.push_back(object);
      return true;
    });
  }
  request.view = std::move(*view);
  // What was read may not be durable yet; until it is, nobody may be told.
  context.store.when_durable(
      current, [self = context.weak_from_this(), call, request = std::move(request)](Result<> durable) mutable {
        const auto alive = self.lock();
        if (!alive || alive->stopped) return;
        if (!durable) return send_status(*call, Status::internal(durable.error().to_string()));
        begin_watch(*alive, call, std::move(request));
      });
}

/// Source: k8s.io/apiserver/pkg/endpoints/handlers/create.go, after decoding.
ApiResult<> check_kind(const Context& context, const Resource& served, const Value& object) {
  const auto kind = object.at("kind").str();
  const auto version = object.at("apiVersion").str();
  if ((kind.empty() || kind == served.kind) && (version.empty() || version == served.api_version())) return {};
  const auto slash = version.find('/');
  const auto short_version = slash == std::string_view::npos ? version : version.substr(slash + 1);
  const bool known = context.schema.by_kind(version, kind) != nullptr;
  return std::unexpected(Status::bad_request(fmt::format(
      "{} in version \"{}\" cannot be handled as a {}: {}", kind, short_version, served.kind,
      known ? fmt::format("converting ({}.{}) to ({}.{}): unknown conversion", short_version, kind,
                          served.group.empty() ? "core" : served.group.substr(0, served.group.find('.')), served.kind)
            : fmt::format("no kind \"{}\" is registered for version \"{}\" in scheme", kind, version))));
}

void create(Context& context, const CallPtr& call, const Resource& served) {
  auto object = read_object(*call, context.schema, served);
  if (!object) return send_status(*call, object.error());
  const auto options = read_write_options(*call, "CreateOptions");
  if (!options) return send_status(*call, options.error());
  if (auto fine = check_kind(context, served, *object); !fine) return send_status(*call, fine.error());
  if (auto fine = check_request_namespace(call->route.ns, *object); !fine) return send_status(*call, fine.error());
  const auto& target = has_own_fields(served) ? *served.storage : served;
  if (&target != &served) *object = to_storage(served, std::move(*object));
  const auto made = context.api.create(target, call->route.ns, std::move(*object), *options);
  if (!made) return send_status(*call, made.error());
  context.send_object(call, 201, served, *made);
}

void delete_collection(Context& context, const CallPtr& call, const Resource& served) {
  const auto options = read_delete_options(*call, context.api);
  if (!options) return send_status(*call, options.error());
  const auto selected = read_list_options(call->query, false);
  if (!selected) return send_status(*call, selected.error());
  auto view = view_of(*call, served);
  if (!view) return send_status(*call, view.error());
  ListPage gone;
  for (const auto& object : context.store.list(*served.storage, call->route.ns)) {
    if (!view->shows(*object)) continue;
    const auto removed = context.api.remove(object->key(), *options);
    if (!removed && !removed.error().not_found()) return send_status(*call, removed.error());
    if (removed) gone.items.push_back(*removed);
  }
  gone.revision = context.store.revision();
  const auto revision = gone.revision;
  context.when_durable(revision, call, [call, view = std::move(*view), gone = std::move(gone), now = context.now()] {
    send_list(*call, view, gone, now);
  });
}

}  // namespace

std::string kind_of_list(const Resource& served) { return served.kind + "List"; }

ApiResult<View> view_of(const Call& call, const Resource& served) {
  View view;
  view.served = &served;
  view.ns = call.route.ns;
  auto labels = Selector::parse(call.query.get("labelSelector"));
  if (!labels) return std::unexpected(Status::bad_request(labels.error().to_string()));
  view.labels = std::move(*labels);
  auto fields = read_field_selector(served, call.query.get("fieldSelector"));
  if (!fields) return std::unexpected(fields.error());
  view.fields = std::move(*fields);
  view.name = call.route.name;
  const auto include = read_include_object(call.query);
  if (!include) return std::unexpected(include.error());
  view.include = *include;
  if (call.accept.form == Form::kTable) view.form = View::Form::kTable;
  if (call.accept.form == Form::kMetadata) view.form = View::Form::kMetadata;
  if (!call.accept.version.empty()) view.form_version = call.accept.version;
  return view;
}

void serve_collection(Context& context, const CallPtr& call, const Resource& served) {
  const auto& verb = call->route.verb;
  if (verb == "list") return list(context, call, served);
  if (verb == "watch") return watch(context, call, served);
  if (verb == "create") return create(context, call, served);
  if (verb == "deletecollection") return delete_collection(context, call, served);
  send_status(*call, method_not_allowed());
}

}  // namespace fairlead::api
