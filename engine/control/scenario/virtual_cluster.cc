#include "engine/control/scenario/virtual_cluster.h"

#include <algorithm>
#include <array>

namespace fairlead::control {

VirtualCluster::VirtualCluster(const api::Schema& schema, Time start, std::uint64_t seed, Assemble assemble)
    : start_(start),
      time_(start),
      journal_(api::memory_journal()),
      store_(std::make_unique<api::Store>(schema, *journal_)),
      api_(std::make_unique<api::Api>(schema, *store_, time_, seed)),
      metrics_(time_),
      traffic_(time_),
      source_(time_),
      assemble_(std::move(assemble)) {
  FAIRLEAD_ASSERT(store_->load().has_value());
  add_admission(*api_);
  store_->subscribe([this](const api::Event& event) {
    static constexpr std::array<std::string_view, 3> kVerbs = {"ADDED", "MODIFIED", "DELETED"};
    note(fmt::format("{} {} {}", kVerbs.at(static_cast<std::size_t>(event.type)), event.object->key().to_string(),
                     event.object->json()));
  });
}

VirtualCluster::~VirtualCluster() = default;

void VirtualCluster::note(std::string line) {
  const auto ms = elapsed().count();
  history_.push_back(fmt::format("+{}.{:03}s {}", ms / 1000, ms % 1000, line));
}

seam::SimulatedNode& VirtualCluster::add_node(const std::string& name, Value status) {
  FAIRLEAD_ASSERT(manager_ == nullptr);
  const std::string prefix = fmt::format("10.244.{}", nodes_.size());
  return *nodes_.emplace_back(std::make_unique<seam::SimulatedNode>(time_, name, std::move(status), prefix));
}

void VirtualCluster::start() { assemble(); }

void VirtualCluster::assemble() {
  Seams seams;
  for (const auto& node : nodes_) seams.nodes.push_back(node.get());
  seams.metrics = &metrics_;
  seams.traffic = &traffic_;
  seams.source = &source_;
  seams.outages = outages_;
  seams.issue_token = [this](const TokenRequest& request) -> Result<IssuedToken> {
    return IssuedToken{fmt::format("token of {}/{} for {} bound to {}", request.ns, request.service_account,
                                   request.audience.empty() ? "api" : request.audience, request.pod),
                       api_->clock().now() + request.lifetime};
  };
  manager_ = std::make_unique<Manager>(*api_);
  manager_->on_error([this](std::string_view name, const api::Key& key, const Error& error) {
    note(fmt::format("ERROR {}: {}: {}", name, key.to_string(), error.to_string()));
  });
  assemble_(*manager_, *api_, seams);
  manager_->start();
}

void VirtualCluster::settle() {
  constexpr std::size_t kChunk = 1000;
  for (std::size_t round = 0; round < kMaxRoundsPerInstant; ++round) {
    const bool ran = time_.run_due();
    const bool more = manager_->run(kChunk);
    if (!ran && !more && !(time_.next() && *time_.next() <= time_.now())) return;
  }
  assertion_failed("controllers and seams keep each other busy without time passing", __FILE__, __LINE__);
}

bool VirtualCluster::step(Time limit) {
  if (time_.now() >= limit) return false;
  Time to = limit;
  if (const auto due = manager_->next_due()) to = std::min(to, std::max(*due, time_.now()));
  if (const auto due = time_.next()) to = std::min(to, std::max(*due, time_.now()));
  time_.move_to(to);
  settle();
  return true;
}

void VirtualCluster::restart(Duration down) {
  manager_.reset();
  time_.forget();
  for (const auto& node : nodes_) node->lose_everything();
  const Time from = time_.now();
  time_.move_to(from + down);
  outages_.push_back({from, time_.now()});
  assemble();
}

}  // namespace fairlead::control
