#include "engine/control/scenario/scenario.h"

#include "base/yaml.h"
#include "engine/control/scenario/actions.h"
#include "engine/control/scenario/expectation.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kStartTime = "2026-01-01T00:00:00Z";
constexpr std::string_view kWords = "about start seed nodes images metrics objects steps";
constexpr std::string_view kStepWords =
    "at by apply create patch delete push edge restart images metrics fails expect always";

Value default_node_status(const Value& allocatable) {
  Value resources = Value::object({{"cpu", "4"}, {"memory", "16Gi"}, {"ephemeral-storage", "100Gi"}, {"pods", "110"}});
  for (const Member& m : allocatable.members()) resources.set(m.key, m.value);
  return Value::object({{"capacity", resources},
                        {"allocatable", resources},
                        {"addresses", Value::array({Value::object({{"type", "InternalIP"}, {"address", "10.0.0.1"}})})},
                        {"nodeInfo", Value::object({{"operatingSystem", "linux"}, {"architecture", "amd64"}})}});
}

class Player {
 public:
  Player(const api::Schema& schema, const Value& scenario, std::string_view file, Time start, const Assemble& assemble)
      : scenario_(scenario),
        file_(file),
        start_(start),
        cluster_(schema, start, static_cast<std::uint64_t>(scenario.at("seed").int_or(1)), assemble) {}

  Result<ScenarioOutcome> play() {
    if (auto ready = prepare(); !ready) return std::unexpected(placed(ready.error()));
    for (const Value& step : scenario_.at("steps").items()) {
      if (auto done = play_step(step); !done) return std::unexpected(placed(done.error()));
      if (!outcome_.failures.empty()) break;  // What follows a failure only repeats it.
    }
    outcome_.about = scenario_.at("about").str();
    outcome_.history = cluster_.history();
    return std::move(outcome_);
  }

 private:
  Result<> prepare() {
    if (auto ok = only(scenario_, kWords); !ok) return ok;
    if (scenario_.at("about").str().empty())
      return std::unexpected(scenario_.error("a scenario says what it is about"));
    if (!scenario_.has("nodes")) cluster_.add_node("node-1", default_node_status(Value()));
    for (const Value& node : scenario_.at("nodes").items()) {
      if (auto ok = only(node, "name allocatable"); !ok) return ok;
      cluster_.add_node(std::string(node.at("name").str()), default_node_status(node.at("allocatable")));
    }
    if (auto done = set_images(cluster_, scenario_.at("images")); !done) return done;
    if (auto done = script_metrics(cluster_, scenario_.at("metrics")); !done) return done;
    if (auto done = create_all(cluster_, scenario_.at("objects")); !done) return done;
    cluster_.start();
    cluster_.settle();
    return {};
  }

  Result<> play_step(const Value& step) {
    if (auto ok = only(step, kStepWords); !ok) return ok;
    if (step.has("at")) {
      const auto at = moment(step.at("at"));
      if (!at) return std::unexpected(at.error());
      while (cluster_.step(*at)) {
        if (auto done = watch(); !done) return done;
      }
    }
    if (auto done = act(cluster_, step); !done) return done;
    if (step.has("always")) always_ = &step.at("always");
    cluster_.settle();
    if (auto done = watch(); !done) return done;
    if (step.has("by")) {
      const auto by = moment(step.at("by"));
      if (!by) return std::unexpected(by.error());
      if (auto done = wait(step.at("expect"), *by); !done) return done;
    }
    return check(step.at("expect"));
  }

  /// Lets time pass until every expectation holds, or `limit`.
  Result<> wait(const Value& expectations, Time limit) {
    while (true) {
      bool all = true;
      for (const Value& expectation : expectations.items()) {
        const auto verdict = unmet(cluster_, expectation);
        if (!verdict) return std::unexpected(verdict.error());
        all = all && !verdict->has_value();
      }
      if (all || !cluster_.step(limit)) return {};
      if (auto done = watch(); !done) return done;
    }
  }

  Result<> watch() { return always_ == nullptr || !outcome_.failures.empty() ? Result<>() : check(*always_); }

  Result<> check(const Value& expectations) {
    for (const Value& expectation : expectations.items()) {
      const auto verdict = unmet(cluster_, expectation);
      if (!verdict) return std::unexpected(verdict.error());
      if (!verdict->has_value()) continue;
      const Error failure =
          expectation.error(fmt::format("after {}: {}", format_duration(cluster_.elapsed()), verdict->value()), file_);
      outcome_.failures.push_back(failure.to_string());
    }
    return {};
  }

  /// The moment that a step names; never in the past.
  Result<Time> moment(const Value& offset) {
    const auto parsed = parse_duration(offset.str());
    if (!parsed) return std::unexpected(offset.error(parsed.error().message));
    if (start_ + *parsed < cluster_.time().now()) return std::unexpected(offset.error("time does not run back"));
    return start_ + *parsed;
  }

  [[nodiscard]] Error placed(Error error) const {
    if (error.file.empty()) error.file = file_;
    return error;
  }

  const Value& scenario_;
  std::string file_;
  Time start_;
  VirtualCluster cluster_;
  const Value* always_ = nullptr;
  ScenarioOutcome outcome_;
};

}  // namespace

Result<ScenarioOutcome> play_scenario(const api::Schema& schema, std::string_view text, std::string_view file,
                                      const Assemble& assemble) {
  const auto documents = parse_yaml(text, file);
  if (!documents) return std::unexpected(documents.error());
  if (documents->size() != 1) return fail("{}: a scenario is one YAML document", file);
  const Value& scenario = documents->front();
  const auto start = parse_time(scenario.at("start").string_or(kStartTime));
  if (!start) return std::unexpected(scenario.at("start").error(start.error().message, file));
  return Player(schema, scenario, file, *start, assemble).play();
}

}  // namespace fairlead::control
