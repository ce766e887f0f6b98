// Source: pkg/kubelet/kubelet.go (SyncPod), kubelet_pods.go, status/status_manager.go;
// pkg/controller/podgc/gc_controller.go.
#include <algorithm>
#include <map>
#include <utility>

#include "engine/control/event_recorder.h"
#include "engine/control/pod_inputs.h"
#include "engine/control/pod_report.h"
#include "engine/control/pod_state.h"
#include "engine/control/workload_controllers.h"

namespace fairlead::control {
namespace {

/// How long a pod may name a node that does not exist before it is removed: podgc's quarantineTime.
constexpr Duration kQuarantine = std::chrono::seconds(40);
/// How often a reference that leads nowhere is tried again, besides whenever a ConfigMap or Secret changes.
constexpr Duration kReferenceRetry = std::chrono::seconds(10);
constexpr std::int64_t kTokenSeconds = 3607;  ///< What an absent expirationSeconds means.

/// What the node was last told about a pod, by UID. All of it is found again by telling the node once more.
struct Told {
  api::Key key;
  seam::Node* node = nullptr;
  Value spec;  ///< Parts of the pod that the node acts on.
  seam::PodInputs inputs;
  bool running = false;
  bool stopping = false;
  Time stop_by{};
  struct Token {
    std::string text;
    Time renew{};
  };
  /// By audience and lifetime in seconds: the same request has the same answer.
  std::map<std::pair<std::string, std::int64_t>, Token> tokens;
  std::vector<seam::PodReport> reports;  ///< Not yet merged.
};

class PodController final : public Reconciler {
 public:
  PodController(api::Api& api, Manager& manager, std::vector<seam::Node*> nodes, TokenIssuer issue_token)
      : api_(api),
        manager_(manager),
        nodes_(std::move(nodes)),
        issue_token_(std::move(issue_token)),
        pods_(api.schema().resource("", "pods")),
        nodes_resource_(api.schema().resource("", "nodes")),
        events_(api, "kubelet") {
    for (seam::Node* node : nodes_) {
      node->on_report([this](const seam::PodReport& report) { take(report); });
    }
  }
  ~PodController() override {
    for (seam::Node* node : nodes_) node->on_report([](const seam::PodReport&) {});
  }
  PodController(const PodController&) = delete;
  PodController& operator=(const PodController&) = delete;

  [[nodiscard]] std::string_view name() const override { return "pod"; }

  void observe(const api::Event& event, Queue& queue) override {
    const api::Object& object = *event.object;
    if (&object.resource() == &pods_) {
      if (!object.at("spec", "nodeName").str().empty()) queue.add(object.key());
      return;
    }
    if (&object.resource() == &nodes_resource_ && event.type == api::Event::Type::kDeleted) {
      for (const api::ObjectPtr& pod : api_.list(pods_)) {
        if (pod->at("spec", "nodeName").str() == object.name()) queue.add(pod->key());
      }
      return;
    }
    if (!object.resource().group.empty()) return;
    if (object.resource().kind != "ConfigMap" && object.resource().kind != "Secret") return;
    for (const api::ObjectPtr& pod : api_.list(pods_, object.ns())) {
      if (refers_to(pod->tree(), object.resource().kind, object.name())) queue.add(pod->key());
    }
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const api::ObjectPtr pod = api_.get(key);
    end_former(key, pod == nullptr ? "" : pod->uid());
    if (pod == nullptr) {
      missing_since_.erase(key);
      return Again::when_changed();
    }
    seam::Node* node = node_of(*pod);
    if (node != nullptr) missing_since_.erase(key);
    if (node == nullptr) return pod->at("spec", "nodeName").str().empty() ? Again::when_changed() : vanished(*pod);
    const auto merged = merge_reports(*pod);
    if (!merged) return std::unexpected(merged.error());
    if (*merged == nullptr) return Again::when_changed();  // It ended and is gone.
    const api::Object& current = **merged;
    if (current.deleting()) return end(current, *node);
    if (pod_is_terminal(current.tree())) return Again::when_changed();
    return run(current, *node);
  }

 private:
  void take(const seam::PodReport& report) {
    const auto it = told_.find(report.uid);
    if (it == told_.end()) return;  // A pod that is gone already.
    it->second.reports.push_back(report);
    manager_.wake(name(), it->second.key);
  }

  [[nodiscard]] seam::Node* node_of(const api::Object& pod) const {
    const std::string_view name = pod.at("spec", "nodeName").str();
    const auto it = std::ranges::find_if(nodes_, [&](const seam::Node* n) { return n->name() == name; });
    return it == nodes_.end() ? nullptr : *it;
  }

  /// Ends what ran under this key with another UID: it was removed without waiting for us.
  void end_former(const api::Key& key, std::string_view uid) {
    for (auto it = told_.begin(); it != told_.end();) {
      if (it->second.key != key || it->first == uid) {
        ++it;
        continue;
      }
      if (it->second.running) it->second.node->stop(it->first, Duration(0));
      it = told_.erase(it);
    }
  }

  /// Writes what the node reported; the pod as it is then, or null when its end is complete.
  Result<api::ObjectPtr> merge_reports(const api::Object& pod) {
    Told& told = told_[std::string(pod.uid())];
    const bool first = told.node == nullptr;
    told.key = pod.key();
    told.node = node_of(pod);
    const std::vector<seam::PodReport> reports = std::exchange(told.reports, {});
    bool stopped = false;
    const auto written = api_.mutate(pod.key(), api::Subresource::kStatus, [&](Value& tree) {
      Value& status = tree["status"];
      if (first && !pod_is_terminal(tree)) mark_not_running(status, api_.clock().now());
      if (!status.has("qosClass")) status.set("qosClass", pod_qos_class(tree));
      for (const seam::PodReport& report : reports) {
        if (!report.status.is_null()) merge_pod_status(status, report.status);
        stopped = stopped || report.stopped;
      }
    });
    if (!written) {
      // Nobody says it again: it waits for the next try, before what came meanwhile.
      told.reports.insert(told.reports.begin(), reports.begin(), reports.end());
      return fail("{}", written.error().message);
    }
    for (const seam::PodReport& report : reports) {
      for (const auto& note : report.notes) events_.record(pod, note.type, note.reason, note.message);
    }
    if (!stopped) return *written;
    told.running = false;
    told.stopping = false;
    if (!(*written)->deleting()) return *written;
    if (auto removed = remove_now(**written); !removed) return std::unexpected(removed.error());
    return nullptr;
  }

  Result<> remove_now(const api::Object& pod) {
    const auto removed = api_.remove(pod.key(), {.grace_seconds = 0, .uid = std::string(pod.uid())});
    if (!removed && !removed.error().not_found() && !removed.error().conflict()) {
      return fail("{}", removed.error().message);
    }
    return {};
  }

  Result<Again> end(const api::Object& pod, seam::Node& node) {
    Told& told = told_[std::string(pod.uid())];
    const Time stop_by = parse_time(pod.at("metadata", "deletionTimestamp").str()).value_or(Time());
    if (told.stopping && told.stop_by <= stop_by) return Again::when_changed();
    told.stopping = true;
    told.stop_by = stop_by;
    node.stop(std::string(pod.uid()), std::max(stop_by - api_.clock().now(), Duration(0)));
    return Again::when_changed();
  }

  Result<Again> run(const api::Object& pod, seam::Node& node) {
    Told& told = told_[std::string(pod.uid())];
    const Value machine = node.status();
    std::string host_ip;
    for (const Value& address : machine.at("addresses").items()) {
      if (address.at("type").str() == "InternalIP") host_ip = address.at("address").str();
    }
    auto tokens = [&](const Value& source) { return token(pod, source, told); };
    auto inputs = PodResolver(api_, pod, host_ip, machine.at("allocatable"), tokens).resolve();
    if (!inputs) return missing(pod, told, inputs.error());
    Value spec = Value::object({{"spec", pod.at("spec")},
                                {"labels", pod.at("metadata", "labels")},
                                {"annotations", pod.at("metadata", "annotations")}});
    if (!pod.at("spec", "readinessGates").empty()) spec.set("conditions", pod.at("status", "conditions"));
    if (!told.running || told.spec != spec || told.inputs != *inputs) {
      told.running = true;
      told.spec = std::move(spec);
      told.inputs = *inputs;
      node.run(api::tree_of(api_.get(pod.key())), std::move(*inputs));
    }
    return renewal(told);
  }

  /// A running pod keeps running with what it has; a new one waits and says for what.
  Result<Again> missing(const api::Object& pod, const Told& told, const MissingReference& reference) {
    const bool is_volume = !reference.volume.empty();
    if (!told.running) {
      const auto written = api_.mutate(pod.key(), api::Subresource::kStatus, [&](Value& tree) {
        const Time now = api_.clock().now();
        if (is_volume) {
          mark_creating(tree["status"], pod.tree(), now);
        } else {
          mark_config_error(tree["status"], pod.tree(), reference.container, reference.message, now);
        }
      });
      if (!written) return fail("{}", written.error().message);
      if ((*written)->revision() == pod.revision()) return Again::in(kReferenceRetry);
    }
    if (is_volume) {
      events_.warning(pod, "FailedMount", reference.message);
    } else {
      events_.record(pod, "Warning", "Failed", fmt::format("Error: {}", reference.message),
                     fmt::format("spec.containers{{{}}}", reference.container));
    }
    return Again::in(kReferenceRetry);
  }

  /// A token per source, renewed when four fifths of its life have passed.
  Result<std::string> token(const api::Object& pod, const Value& source, Told& told) {
    const std::string audience(source.at("audience").str());
    const std::int64_t seconds = source.at("expirationSeconds").int_or(kTokenSeconds);
    Told::Token& token = told.tokens[{audience, seconds}];
    const Time now = api_.clock().now();
    if (!token.text.empty() && now < token.renew) return token.text;
    if (!issue_token_) return fail("this world issues no service account tokens");
    auto issued =
        issue_token_({std::string(pod.ns()), std::string(pod.at("spec", "serviceAccountName").string_or("default")),
                      std::string(pod.name()), std::string(pod.uid()), audience, std::chrono::seconds(seconds)});
    if (!issued) return std::unexpected(issued.error());
    token = {std::move(issued->text), now + (issued->expires - now) * 4 / 5};
    return token.text;
  }

  [[nodiscard]] Again renewal(const Told& told) const {
    std::optional<Time> first;
    for (const auto& [request, token] : told.tokens) {
      if (!first || token.renew < *first) first = token.renew;
    }
    return first ? Again::in(*first - api_.clock().now()) : Again::when_changed();
  }

  /// A pod of a machine that does not exist: given up on after a while, at once when it was to end anyway.
  Result<Again> vanished(const api::Object& pod) {
    if (api_.get(nodes_resource_, "", pod.at("spec", "nodeName").str()) != nullptr && !pod.deleting()) {
      return Again::when_changed();
    }
    const Time now = api_.clock().now();
    const auto [since, added] = missing_since_.emplace(pod.key(), now);
    if (!pod.deleting() && since->second + kQuarantine > now) return Again::in(since->second + kQuarantine - now);
    missing_since_.erase(since);
    if (auto removed = remove_now(pod); !removed) return std::unexpected(removed.error());
    return Again::when_changed();
  }

  api::Api& api_;
  Manager& manager_;
  std::vector<seam::Node*> nodes_;
  TokenIssuer issue_token_;
  const api::Resource& pods_;
  const api::Resource& nodes_resource_;
  EventRecorder events_;
  std::map<std::string, Told> told_;
  std::map<api::Key, Time> missing_since_;  ///< Pods of machines that are gone.
};

}  // namespace

std::unique_ptr<Reconciler> make_pod_controller(api::Api& api, Manager& manager, std::vector<seam::Node*> nodes,
                                                TokenIssuer issue_token) {
  return std::make_unique<PodController>(api, manager, std::move(nodes), std::move(issue_token));
}

}  // namespace fairlead::control
