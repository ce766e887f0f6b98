// Where the store's writes become durable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/api/object.h"
#include "engine/seam/executor.h"

namespace fairlead::api {

inline constexpr std::size_t kJournalBacklog = 20'000;  ///< Entries not yet durable, over which new writes are refused.

struct JournalEntry {
  std::uint64_t revision = 0;
  std::string key;  ///< "apps/deployments/default/web"; empty for a bare revision mark.
  std::string json;
};

class Journal {
 public:
  virtual ~Journal() = default;
  /// Every live entry and, as the last element, the highest revision ever handed out (with an empty key).
  [[nodiscard]] virtual Result<std::vector<JournalEntry>> load() = 0;
  /// Takes one write at once and commits it later, in order; a null object is a removal. Never blocks. The object's
  /// JSON is encoded by whoever commits it, not by the caller.
  virtual void append(std::uint64_t revision, std::string key, ObjectPtr object) = 0;
  /// Called on the control thread with the highest durable revision each time it grows. A disk that refuses is reported
  /// through `on_failure`, once, after which nothing becomes durable any more.
  virtual void on_durable(std::function<void(std::uint64_t)> callback) = 0;
  virtual void on_failure(std::function<void(Error)> callback) = 0;
};

/// Forgets everything with the process: `append` is durable at once. For virtual worlds and tests.
[[nodiscard]] std::unique_ptr<Journal> memory_journal();

/// SQLite in WAL mode at `path`, committed in groups by a thread of its own, fsync'ed before it reports. Destroying it
/// commits what was appended; reports that are still posted to `control` then are ignored.
[[nodiscard]] Result<std::unique_ptr<Journal>> sqlite_journal(const std::string& path, seam::Executor& control);

}  // namespace fairlead::api
