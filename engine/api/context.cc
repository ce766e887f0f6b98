#include "engine/api/context.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/json.h"
#include "engine/api/conversion.h"
#include "engine/api/log_streams.h"

namespace fairlead::api {

Context::Context(ServerParts server_parts, const ServerOptions& options)
    : parts(std::move(server_parts)),
      api(parts.api),
      store(api.store()),
      schema(api.schema()),
      git_version(options.git_version),
      instance(fmt::format("{}", std::chrono::steady_clock::now().time_since_epoch().count())),
      logs(std::make_shared<LogStreams>(parts.control)) {
  for (unsigned i = 0; i < std::max(1U, options.encoders); ++i) {
    encoders_.push_back(std::make_unique<Encoder>());
    hubs_.push_back(std::make_unique<WatchHub>(*encoders_.back()));
  }
  events_ = store.watch([this](const Event& event) {
    const auto shared = std::make_shared<const Event>(event);
    for (const auto& hub : hubs_) {
      if (hub->size() > 0) hub->publish(shared, now());
    }
  });
}

Context::~Context() = default;

std::shared_ptr<const Discovery> Context::discovery() {
  const auto resources = schema.resources();
  if (!discovery_ || !std::ranges::equal(discovered_, resources)) {
    discovered_.assign(resources.begin(), resources.end());
    discovery_ = std::make_shared<const Discovery>(resources);
  }
  return discovery_;
}

void Context::when_durable(std::uint64_t revision, const CallPtr& call, std::move_only_function<void()> then) {
  store.when_durable(revision, [self = weak_from_this(), call, then = std::move(then)](Result<> durable) mutable {
    const auto context = self.lock();
    if (!context || context->stopped) return;
    if (!durable) {
      send_status(*call, Status::internal("the write is not durable: " + durable.error().to_string()));
      return;
    }
    context->encoder().post(std::move(then));
  });
}

void Context::send_object(const CallPtr& call, int code, const Resource& served, const ObjectPtr& object) {
  when_durable(object->revision(), call, [call, code, &served, object, now = now()] {
    std::string out;
    switch (call->accept.form) {
      case Form::kTable: {
        const auto include = call->query.get("includeObject");
        const TableWriter writer(served, call->accept.version,
                                 include == "Object" ? IncludeObject::kObject
                                 : include == "None" ? IncludeObject::kNone
                                                     : IncludeObject::kMetadata,
                                 now);
        writer.append(out, {&object, 1}, {.revision = object->revision(), .continue_token = {}, .remaining = {}}, true);
        break;
      }
      case Form::kMetadata:
        append_partial_metadata(out, *object, call->accept.version);
        break;
      case Form::kObject:
      case Form::kDiscovery:
        append_served_json(out, served, *object);
        break;
    }
    send_json(*call, code, std::move(out));
  });
}

void Context::send_unstored(const CallPtr& call, int code, Value value, std::uint64_t revision) {
  when_durable(revision, call, [call, code, value = std::move(value)] { send_value(*call, code, value); });
}

ApiResult<> Context::watch(const CallPtr& call, WatchRequest request) {
  auto& count = watch_counts_[call->user.name];
  if (!count) count = std::make_shared<std::atomic<int>>(0);
  if (count->load() >= kMaxWatchesPerUser) {
    return std::unexpected(Status::too_many_requests(
        fmt::format("user {} has {} watches open, which is the limit", call->user.name, kMaxWatchesPerUser), 1));
  }
  ++*count;
  request.count = count;
  note_stream(*call);
  hubs_[next_++ % hubs_.size()]->add(std::move(request), call->response, now());
  return {};
}

std::size_t Context::watches() const {
  std::size_t sum = 0;
  for (const auto& hub : hubs_) sum += hub->size();
  return sum;
}

}  // namespace fairlead::api
