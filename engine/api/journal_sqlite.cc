#include <sys/stat.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

#include <sqlite3.h>

#include "engine/api/journal.h"

namespace fairlead::api {
namespace {

constexpr std::size_t kGroupLimit = 4096;  ///< Writes per transaction.
constexpr int kFormat = 1;                 ///< PRAGMA user_version of the files that this program writes.
constexpr int kBusyMilliseconds = 5000;    ///< How long a foreign reader of the file may hold it.

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
struct FinishStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, FinishStatement>;

std::unexpected<Error> database_error(sqlite3* db, const std::string& path) {
  std::string message = sqlite3_errmsg(db);
  if (const int code = sqlite3_errcode(db); code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
    message += ": move it aside, and the next start begins without its objects";
  return std::unexpected(Error{std::move(message), path});
}

Result<> execute(sqlite3* db, const std::string& path, const char* sql) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return database_error(db, path);
  return {};
}

Result<Statement> prepare(sqlite3* db, const std::string& path, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db, sql.data(), static_cast<int>(sql.size()), &statement, nullptr) != SQLITE_OK) {
    return database_error(db, path);
  }
  return Statement(statement);
}

std::string column_text(sqlite3_stmt* statement, int column) {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
  const int size = sqlite3_column_bytes(statement, column);
  return bytes == nullptr ? std::string() : std::string(bytes, static_cast<std::size_t>(size));
}

void bind_text(sqlite3_stmt* statement, int index, std::string_view text) {
  sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

struct Pending {
  std::uint64_t revision = 0;
  std::string key;
  ObjectPtr object;
};

/// The callbacks; only the control thread touches them. Reports hold it weakly, so none arrives after the journal's
/// end.
struct Listeners {
  std::function<void(std::uint64_t)> durable;
  std::function<void(Error)> failure;
};

class SqliteJournal final : public Journal {
 public:
  SqliteJournal(std::string path, seam::Executor& control) : path_(std::move(path)), control_(control) {}
  SqliteJournal(const SqliteJournal&) = delete;
  SqliteJournal& operator=(const SqliteJournal&) = delete;
  ~SqliteJournal() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

  Result<> open();
  Result<std::vector<JournalEntry>> load() override;
  void append(std::uint64_t revision, std::string key, ObjectPtr object) override;
  void on_durable(std::function<void(std::uint64_t)> callback) override { listeners_->durable = std::move(callback); }
  void on_failure(std::function<void(Error)> callback) override { listeners_->failure = std::move(callback); }

 private:
  void run();
  Result<> commit(const std::vector<Pending>& group);
  Result<> write(const Pending& pending);
  Result<> step(sqlite3_stmt* statement);

  const std::string path_;
  seam::Executor& control_;
  const std::shared_ptr<Listeners> listeners_ = std::make_shared<Listeners>();
  Database db_;  // Before the thread starts the opener's; afterwards the thread's.
  Statement put_;
  Statement remove_;
  Statement mark_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Pending> queue_;  // Guarded by mutex_.
  bool stopping_ = false;      // Guarded by mutex_.
  std::thread thread_;
};

Result<> SqliteJournal::open() {
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  const int opened = sqlite3_open_v2(path_.c_str(), &raw, flags, nullptr);
  db_.reset(raw);
  if (opened != SQLITE_OK) return fail("cannot open the journal {}: {}", path_, sqlite3_errmsg(raw));
  // Secrets are in it; the files beside it take its mode.
  if (::chmod(path_.c_str(), S_IRUSR | S_IWUSR) != 0)
    return fail("cannot close {} to other users: {}", path_, std::strerror(errno));
  sqlite3_busy_timeout(raw, kBusyMilliseconds);
  for (const char* sql :
       {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
        "CREATE TABLE IF NOT EXISTS objects (key TEXT PRIMARY KEY, revision INTEGER, json TEXT)",
        "CREATE TABLE IF NOT EXISTS mark (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER)"}) {
    if (auto ok = execute(raw, path_, sql); !ok) return std::unexpected(wrap("cannot use the journal", ok.error()));
  }
  auto version = prepare(raw, path_, "PRAGMA user_version");
  if (!version) return std::unexpected(version.error());
  const int found = sqlite3_step(version->get()) == SQLITE_ROW ? sqlite3_column_int(version->get(), 0) : 0;
  if (found > kFormat) return fail("the journal {} has format {}; this program knows {}", path_, found, kFormat);
  version->reset();
  if (auto ok = execute(raw, path_, fmt::format("PRAGMA user_version={}", kFormat).c_str()); !ok) return ok;
  for (const auto& [statement, sql] :
       {std::pair<Statement*, std::string_view>{&put_, "INSERT OR REPLACE INTO objects VALUES (?, ?, ?)"},
        {&remove_, "DELETE FROM objects WHERE key = ?"},
        {&mark_, "INSERT OR REPLACE INTO mark VALUES (1, ?)"}}) {
    auto prepared = prepare(raw, path_, sql);
    if (!prepared) return std::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return {};
}

Result<std::vector<JournalEntry>> SqliteJournal::load() {
  FAIRLEAD_ASSERT(!thread_.joinable());
  std::vector<JournalEntry> out;
  auto rows = prepare(db_.get(), path_, "SELECT revision, key, json FROM objects ORDER BY revision");
  if (!rows) return std::unexpected(rows.error());
  int state = SQLITE_ROW;
  while ((state = sqlite3_step(rows->get())) == SQLITE_ROW) {
    out.push_back({static_cast<std::uint64_t>(sqlite3_column_int64(rows->get(), 0)), column_text(rows->get(), 1),
                   column_text(rows->get(), 2)});
  }
  if (state != SQLITE_DONE) return database_error(db_.get(), path_);
  auto mark = prepare(db_.get(), path_, "SELECT revision FROM mark");
  if (!mark) return std::unexpected(mark.error());
  JournalEntry last;
  if (sqlite3_step(mark->get()) == SQLITE_ROW) {
    last.revision = static_cast<std::uint64_t>(sqlite3_column_int64(mark->get(), 0));
  }
  out.push_back(std::move(last));
  return out;
}

void SqliteJournal::append(std::uint64_t revision, std::string key, ObjectPtr object) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back({revision, std::move(key), std::move(object)});
  }
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  wake_.notify_one();
}

void SqliteJournal::run() {
  const std::weak_ptr<Listeners> weak = listeners_;
  bool failed = false;
  while (true) {
    std::vector<Pending> group;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      while (!queue_.empty() && group.size() < kGroupLimit) {
        group.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    if (failed) continue;
    if (auto done = commit(group); !done) {
      failed = true;
      control_.post([weak, error = done.error()] {
        if (const auto listeners = weak.lock(); listeners && listeners->failure) listeners->failure(error);
      });
      continue;
    }
    control_.post([weak, revision = group.back().revision] {
      if (const auto listeners = weak.lock(); listeners && listeners->durable) listeners->durable(revision);
    });
  }
}

Result<> SqliteJournal::commit(const std::vector<Pending>& group) {
  if (auto ok = execute(db_.get(), path_, "BEGIN IMMEDIATE"); !ok) return ok;
  for (const Pending& pending : group) {
    if (auto ok = write(pending); !ok) return ok;
  }
  sqlite3_bind_int64(mark_.get(), 1, static_cast<sqlite3_int64>(group.back().revision));
  if (auto ok = step(mark_.get()); !ok) return ok;
  return execute(db_.get(), path_, "COMMIT");
}

Result<> SqliteJournal::write(const Pending& pending) {
  if (!pending.object) {
    bind_text(remove_.get(), 1, pending.key);
    return step(remove_.get());
  }
  bind_text(put_.get(), 1, pending.key);
  sqlite3_bind_int64(put_.get(), 2, static_cast<sqlite3_int64>(pending.revision));
  bind_text(put_.get(), 3, pending.object->json());
  return step(put_.get());
}

Result<> SqliteJournal::step(sqlite3_stmt* statement) {
  const int state = sqlite3_step(statement);
  if (state != SQLITE_DONE) {
    auto error = database_error(db_.get(), path_);
    sqlite3_reset(statement);
    return error;
  }
  sqlite3_reset(statement);
  return {};
}

}  // namespace

Result<std::unique_ptr<Journal>> sqlite_journal(const std::string& path, seam::Executor& control) {
  auto journal = std::make_unique<SqliteJournal>(path, control);
  if (auto ok = journal->open(); !ok) return std::unexpected(ok.error());
  return journal;
}

}  // namespace fairlead::api
