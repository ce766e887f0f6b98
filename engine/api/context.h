// What the request handlers share. Control thread, unless a member says otherwise.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/api/api.h"
#include "engine/api/call.h"
#include "engine/api/discovery.h"
#include "engine/api/encoder.h"
#include "engine/api/server.h"
#include "engine/api/server_metrics.h"
#include "engine/api/table.h"
#include "engine/api/watch_hub.h"
#include "engine/seam/executor.h"
#include "engine/seam/node.h"

namespace fairlead::api {

/// Log streams under way, ended when their client goes. Control thread.
class LogStreams;

class Context : public std::enable_shared_from_this<Context> {
 public:
  Context(ServerParts server_parts, const ServerOptions& options);
  ~Context();

  const ServerParts parts;
  Api& api;
  Store& store;
  const Schema& schema;
  const std::string git_version;
  const std::string instance;  ///< Different in every run: part of OpenAPI hashes, which clients cache on disk.
  std::shared_ptr<ServerMetrics> metrics = std::make_shared<ServerMetrics>();
  std::shared_ptr<LogStreams> logs;
  bool stopped = false;

  [[nodiscard]] Time now() const { return api.clock().now(); }
  /// Of the resources as they are now.
  [[nodiscard]] std::shared_ptr<const Discovery> discovery();

  /// Runs `then` on an encoder thread once everything up to `revision` is durable; the client gets the error otherwise.
  void when_durable(std::uint64_t revision, const CallPtr& call, std::move_only_function<void()> then);
  /// Answers with an object that was just read or written.
  void send_object(const CallPtr& call, int code, const Resource& served, const ObjectPtr& object);
  /// Answers with a tree that no list holds: a review, a Scale, a token.
  void send_unstored(const CallPtr& call, int code, Value value, std::uint64_t revision = 0);

  /// Begins a watch; 429 when the client has too many.
  [[nodiscard]] ApiResult<> watch(const CallPtr& call, WatchRequest request);
  [[nodiscard]] std::size_t watches() const;
  [[nodiscard]] Encoder& encoder() { return *encoders_[next_++ % encoders_.size()]; }

 private:
  std::vector<std::unique_ptr<Encoder>> encoders_;
  std::vector<std::unique_ptr<WatchHub>> hubs_;
  std::unique_ptr<seam::Subscription> events_;
  std::map<std::string, std::shared_ptr<std::atomic<int>>, std::less<>> watch_counts_;
  std::shared_ptr<const Discovery> discovery_;
  std::vector<const Resource*> discovered_;
  std::size_t next_ = 0;
};

/// Handlers of one family of requests each; the caller has authenticated and authorized. Every one answers the call.
void serve_path(Context& context, const CallPtr& call);
void serve_resource(Context& context, const CallPtr& call);
void serve_object(Context& context, const CallPtr& call, const Resource& served);
void serve_collection(Context& context, const CallPtr& call, const Resource& served);
void serve_subresource(Context& context, const CallPtr& call, const Resource& served);
void serve_bindings(Context& context, const CallPtr& call, const Resource& bindings);
void serve_log(Context& context, const CallPtr& call, const Resource& pods);
void serve_token(Context& context, const CallPtr& call, const Resource& accounts);
void serve_review(Context& context, const CallPtr& call, const Resource& review);
void serve_usage(Context& context, const CallPtr& call);
void serve_targets(Context& context, const CallPtr& call);
void serve_openapi(Context& context, const CallPtr& call);

/// Also behind subresources: the Scale or the status of an object.
void patch_object(Context& context, const CallPtr& call, const Resource& served, Subresource subresource);
void update_object(Context& context, const CallPtr& call, const Resource& served, const Resource& body_kind,
                   Subresource subresource);

/// The view that a list or watch of `served` asks for.
[[nodiscard]] ApiResult<View> view_of(const Call& call, const Resource& served);
[[nodiscard]] std::string kind_of_list(const Resource& served);

}  // namespace fairlead::api
