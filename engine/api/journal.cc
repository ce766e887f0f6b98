#include "engine/api/journal.h"

#include <utility>

namespace fairlead::api {
namespace {

class MemoryJournal final : public Journal {
 public:
  Result<std::vector<JournalEntry>> load() override { return std::vector<JournalEntry>{JournalEntry{}}; }
  void append(std::uint64_t revision, std::string /*key*/, ObjectPtr /*object*/) override {
    if (durable_) durable_(revision);
  }
  void on_durable(std::function<void(std::uint64_t)> callback) override { durable_ = std::move(callback); }
  void on_failure(std::function<void(Error)> /*callback*/) override {}

 private:
  std::function<void(std::uint64_t)> durable_;
};

}  // namespace

std::unique_ptr<Journal> memory_journal() { return std::make_unique<MemoryJournal>(); }

}  // namespace fairlead::api
