// pods/log. Source: k8s.io/kubernetes/pkg/registry/core/pod/strategy.go, LogLocation, and the kubelet's checks.
#include <algorithm>

#include "engine/api/context.h"
#include "engine/api/log_streams.h"
#include "engine/api/request_options.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kContainerLists[] = {"containers", "initContainers", "ephemeralContainers"};
constexpr std::string_view kStatusLists[] = {"containerStatuses", "initContainerStatuses",
                                             "ephemeralContainerStatuses"};

bool has_container(const Object& pod, std::string_view name) {
  return std::ranges::any_of(kContainerLists, [&](std::string_view list) {
    return std::ranges::any_of(pod.at("spec", list).items(),
                               [&](const Value& c) { return c.at("name").str() == name; });
  });
}

std::string names(const Value& containers) {
  std::vector<std::string_view> out;
  for (const auto& container : containers.items()) out.push_back(container.at("name").str());
  return fmt::format("{}", fmt::join(out, " "));
}

ApiResult<std::string> choose_container(const Object& pod, std::string_view asked) {
  if (!asked.empty()) {
    if (has_container(pod, asked)) return std::string(asked);
    return std::unexpected(Status::bad_request(fmt::format("container {} is not valid for pod {}", asked, pod.name())));
  }
  const auto& containers = pod.at("spec", "containers");
  if (containers.size() == 1) return std::string(containers.at(0, "name").str());
  auto message =
      fmt::format("a container name must be specified for pod {}, choose one of: [{}]", pod.name(), names(containers));
  const auto& init = pod.at("spec", "initContainers");
  if (!init.empty()) message += fmt::format(" or one of the init containers: [{}]", names(init));
  return std::unexpected(Status::bad_request(std::move(message)));
}

const Value* status_of(const Object& pod, std::string_view container) {
  for (const auto list : kStatusLists) {
    for (const auto& status : pod.at("status", list).items()) {
      if (status.at("name").str() == container) return &status;
    }
  }
  return nullptr;
}

/// Refuses where there can be no log yet. Source: pkg/kubelet/kubelet_pods.go, validateContainerLogStatus.
ApiResult<> check_state(const Object& pod, std::string_view container, bool previous) {
  const Value* status = status_of(pod, container);
  if (previous) {
    if (status != nullptr && status->at("lastState", "terminated").is_object()) return {};
    return std::unexpected(Status::bad_request(
        fmt::format("previous terminated container \"{}\" in pod \"{}\" not found", container, pod.name())));
  }
  if (status == nullptr) {
    return std::unexpected(
        Status::bad_request(fmt::format("container \"{}\" in pod \"{}\" is not available", container, pod.name())));
  }
  const auto& waiting = status->at("state", "waiting");
  const bool ran_before = status->at("lastState", "terminated").is_object();
  if (!waiting.is_object() || ran_before) return {};
  const auto reason = waiting.at("reason").str();
  const bool image = reason == "ErrImagePull" || reason == "ImagePullBackOff";
  return std::unexpected(Status::bad_request(
      image ? fmt::format("container \"{}\" in pod \"{}\" is waiting to start: {}", container, pod.name(),
                          reason == "ErrImagePull" ? "image can't be pulled" : "trying and failing to pull image")
            : fmt::format("container \"{}\" in pod \"{}\" is waiting to start: {}", container, pod.name(), reason)));
}

FieldError invalid(std::string field, std::string_view value, std::string_view why) {
  return {FieldError::Reason::kInvalid, std::move(field), fmt::format("Invalid value: {}: {}", value, why)};
}

Status invalid_log_options(FieldError cause) {
  Status status = Status::invalid_options("PodLogOptions", std::move(cause));
  status.message =
      fmt::format("PodLogOptions \"\" is invalid: {}: {}", status.causes[0].field, status.causes[0].message);
  status.group.clear();
  return status;
}

ApiResult<seam::LogRequest> read_request(const Query& query, Time now) {
  seam::LogRequest request;
  request.follow = query.flag("follow");
  request.previous = query.flag("previous");
  request.timestamps = query.flag("timestamps");
  const auto tail = read_integer(query, "tailLines");
  if (!tail) return std::unexpected(tail.error());
  if (*tail && **tail < 0) {
    return std::unexpected(
        invalid_log_options(invalid("tailLines", fmt::format("{}", **tail), "must be greater than or equal to 0")));
  }
  request.tail_lines = *tail;
  const auto limit = read_integer(query, "limitBytes");
  if (!limit) return std::unexpected(limit.error());
  if (*limit && **limit < 1) {
    return std::unexpected(
        invalid_log_options(invalid("limitBytes", fmt::format("{}", **limit), "must be greater than 0")));
  }
  request.limit_bytes = *limit;
  const auto since = read_integer(query, "sinceSeconds");
  if (!since) return std::unexpected(since.error());
  if (*since && **since < 1) {
    return std::unexpected(
        invalid_log_options(invalid("sinceSeconds", fmt::format("{}", **since), "must be greater than 0")));
  }
  if (*since) request.since = now - std::chrono::seconds(**since);
  if (const auto text = query.get("sinceTime"); !text.empty()) {
    const auto time = parse_time(text);
    if (!time) return std::unexpected(Status::bad_request(time.error().to_string()));
    request.since = *time;
  }
  return request;
}

}  // namespace

void serve_log(Context& context, const CallPtr& call, const Resource& pods) {
  if (call->route.verb != "get") return send_status(*call, method_not_allowed());
  const auto pod = context.store.get({pods.storage, call->route.ns, call->route.name});
  if (!pod) return send_status(*call, Status::not_found(pods, call->route.name));
  auto request = read_request(call->query, context.now());
  if (!request) return send_status(*call, request.error());
  auto container = choose_container(*pod, call->query.get("container"));
  if (!container) return send_status(*call, container.error());
  const auto node_name = pod->at("spec", "nodeName").str();
  if (node_name.empty()) return send_text(*call, 200, "", "text/plain");
  if (auto fine = check_state(*pod, *container, request->previous); !fine) return send_status(*call, fine.error());
  const auto node =
      std::ranges::find_if(context.parts.nodes, [&](const seam::Node* n) { return n->name() == node_name; });
  if (node == context.parts.nodes.end()) {
    return send_status(*call, Status::internal(fmt::format("node {} does not give logs", node_name)));
  }
  if (context.logs->size() >= kMaxLogStreams) {
    return send_status(
        *call, Status::too_many_requests(fmt::format("{} logs are being read, which is the limit", kMaxLogStreams), 1));
  }
  request->uid = std::string(pod->uid());
  request->container = std::move(*container);
  note_stream(*call);
  context.logs->start(**node, std::move(*request), call->response);
}

}  // namespace fairlead::api
