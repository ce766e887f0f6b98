#include "engine/control/event_recorder.h"

#include <algorithm>
#include <map>

#include "base/hash.h"

namespace fairlead::control {
namespace {

/// The text cut to upstream's limit, without cutting a UTF-8 sequence.
std::string_view clip(std::string_view text) {
  if (text.size() <= kMaxEventMessage) return text;
  std::size_t end = kMaxEventMessage;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

Value reference_to(const api::Object& about, std::string_view field) {
  Value out = Value::object({{"kind", about.resource().kind},
                             {"name", about.name()},
                             {"uid", about.uid()},
                             {"apiVersion", about.resource().api_version()},
                             {"resourceVersion", about.at("metadata", "resourceVersion").str()}});
  if (!about.ns().empty()) out.set("namespace", about.ns());
  if (!field.empty()) out.set("fieldPath", field);
  return out;
}

class EventExpiry final : public Reconciler {
 public:
  explicit EventExpiry(api::Api& api) : api_(api), events_(api.schema().resource("", "events")) {}

  [[nodiscard]] std::string_view name() const override { return "event-expiry"; }

  void observe(const api::Event& event, Queue& queue) override {
    if (&event.object->resource() != &events_) return;
    const api::Key key = event.object->key();
    if (event.type == api::Event::Type::kDeleted) return void(written_.erase(key));
    if (event.type == api::Event::Type::kModified) written_[key] = api_.clock().now();
    queue.add(key);
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const api::ObjectPtr event = api_.get(key);
    if (event == nullptr) return Again::when_changed();
    const Duration left = last_written(*event) + kEventLifetime - api_.clock().now();
    if (left > Duration(0)) return Again::in(left);
    const auto removed = api_.remove(key);
    if (!removed && !removed.error().not_found()) return fail("{}", removed.error().message);
    return Again::when_changed();
  }

 private:
  /// Upstream's lease begins with every write, whatever times the Event tells. After a restart they are all there is to
  /// go by; only creation is known for certain.
  Time last_written(const api::Object& event) {
    const auto [at, unknown] = written_.try_emplace(event.key());
    if (!unknown) return at->second;
    const Time created = parse_time(event.at("metadata", "creationTimestamp").str()).value_or(Time());
    const Time told = std::min(last_seen(event), api_.clock().now());
    return at->second = std::max(created, told);
  }

  static Time last_seen(const api::Object& event) {
    for (const std::string_view field : {"lastTimestamp", "eventTime", "firstTimestamp"}) {
      if (const auto t = parse_time(event.at(field).str())) return *t;
    }
    return {};
  }

  api::Api& api_;
  const api::Resource& events_;
  std::map<api::Key, Time> written_;
};

}  // namespace

void EventRecorder::normal(const api::Object& about, std::string_view reason, std::string_view message) const {
  record(about, "Normal", reason, message);
}

void EventRecorder::warning(const api::Object& about, std::string_view reason, std::string_view message) const {
  record(about, "Warning", reason, message);
}

void EventRecorder::record(const api::Object& about, std::string_view type, std::string_view reason,
                           std::string_view message, std::string_view field) const {
  message = clip(message);
  const api::Resource& events = api_->schema().resource("", "events");
  const std::string ns(about.ns().empty() ? std::string_view("default") : about.ns());
  const std::string identity =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", about.uid(), type, reason, message, component_, field);
  const std::string name = fmt::format("{}.{:016x}", about.name(), fnv1a64(identity));
  const std::string now = format_time(api_->clock().now());
  const api::Key key{&events, ns, name};
  if (api_->get(key) != nullptr) {
    (void)api_->mutate(key, api::Subresource::kNone, [&](Value& event) {
      event.set("count", event.at("count").int_or(1) + 1);
      event.set("lastTimestamp", now);
    });
    return;
  }
  Value event = Value::object({{"apiVersion", "v1"},
                               {"kind", "Event"},
                               {"metadata", Value::object({{"name", name}, {"namespace", ns}})},
                               {"involvedObject", reference_to(about, field)},
                               {"reason", reason},
                               {"message", message},
                               {"source", Value::object({{"component", component_}})},
                               {"firstTimestamp", now},
                               {"lastTimestamp", now},
                               {"count", 1},
                               {"type", type},
                               {"reportingComponent", component_},
                               {"reportingInstance", ""}});
  (void)api_->create(events, ns, std::move(event));
}

std::unique_ptr<Reconciler> make_event_expiry(api::Api& api) { return std::make_unique<EventExpiry>(api); }

}  // namespace fairlead::control
