#include "net/http_exchange.h"

#include <array>
#include <ctime>
#include <utility>

#include <fmt/format.h>

namespace fairlead::net {
namespace {

// "Mon, 23 Nov 2026 10:05:00 GMT", made once a second and thread.
std::string_view http_date() {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  thread_local std::time_t last = -1;
  thread_local std::string text;
  const std::time_t now = std::time(nullptr);
  if (now != last) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    text = fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[static_cast<std::size_t>(parts.tm_wday)],
                       parts.tm_mday, kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                       parts.tm_hour, parts.tm_min, parts.tm_sec);
    last = now;
  }
  return text;
}

bool framing_field(std::string_view name) {
  return equal_ignoring_case(name, "content-length") || equal_ignoring_case(name, "transfer-encoding") ||
         equal_ignoring_case(name, "connection");
}

}  // namespace

void Exchange::append_head(int status, const Headers& headers) {
  started_ = true;
  bodyless_ = setting_.head_only || status_without_body(status);
  append_status_line(waiting_, status);
  bool dated = false;
  for (const auto [name, value] : headers) {
    if (equal_ignoring_case(name, "connection") && equal_ignoring_case(value, "close")) setting_.keep_alive = false;
    // What frames the message is ours to say; a field that a bad value would split is dropped whole.
    if (framing_field(name) || !is_token(name) || !is_field_value(value)) continue;
    dated = dated || equal_ignoring_case(name, "date");
    waiting_.append(name).append(": ").append(value).append("\r\n");
  }
  if (!dated) waiting_.append("date: ").append(http_date()).append("\r\n");
}

void Exchange::send(const Response& response) {
  const std::lock_guard lock(mutex_);
  if (started_ || severed_ || aborted_) return;
  append_head(response.status, response.headers);
  if (!status_without_body(response.status)) {
    fmt::format_to(std::back_inserter(waiting_), "content-length: {}\r\n", response.body.size());
  }
  if (!setting_.keep_alive) {
    waiting_.append("connection: close\r\n");
  } else if (!setting_.chunked) {
    waiting_.append("connection: keep-alive\r\n");  // An HTTP/1.0 peer must be told.
  }
  waiting_.append("\r\n");
  if (!bodyless_) waiting_.append(response.body);
  ended_ = true;
  wake_locked();
}

void Exchange::start(int status, const Headers& headers) {
  const std::lock_guard lock(mutex_);
  if (started_ || severed_ || aborted_) return;
  append_head(status, headers);
  streaming_ = true;
  if (!bodyless_ && !setting_.chunked) setting_.keep_alive = false;
  if (!status_without_body(status) && setting_.chunked) waiting_.append("transfer-encoding: chunked\r\n");
  waiting_.append(setting_.keep_alive ? "\r\n" : "connection: close\r\n\r\n");
  wake_locked();
}

Written Exchange::write(std::string_view chunk) {
  const std::lock_guard lock(mutex_);
  if (severed_ || aborted_ || ended_ || !streaming_) return Written::kClosed;
  if (bodyless_) return Written::kOk;
  const std::size_t behind = waiting_.size() + unsent_;
  if (behind > 0 && behind + chunk.size() > setting_.buffer) {
    aborted_ = slow_ = true;
    waiting_.clear();
    wake_locked();
    return Written::kClosed;
  }
  if (setting_.chunked) {
    append_chunk(waiting_, chunk);
  } else {
    waiting_.append(chunk);
  }
  wake_locked();
  return waiting_.size() + unsent_ > setting_.full ? Written::kFull : Written::kOk;
}

void Exchange::end() {
  const std::lock_guard lock(mutex_);
  if (severed_ || aborted_ || ended_ || !streaming_) return;
  if (setting_.chunked && !bodyless_) waiting_.append("0\r\n\r\n");
  ended_ = true;
  wake_locked();
}

void Exchange::abort() {
  const std::lock_guard lock(mutex_);
  if (severed_ || ended_ || aborted_) return;
  aborted_ = true;
  wake_locked();
}

void Exchange::abandon() {
  {
    const std::lock_guard lock(mutex_);
    if (severed_ || ended_ || aborted_) return;
  }
  if (streaming()) return abort();
  send({.status = 500, .headers = {{"content-type", "text/plain"}}, .body = "The request was dropped unanswered.\n"});
}

void Exchange::on_closed(std::move_only_function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (!severed_) {
      if (!ended_) on_closed_ = std::move(callback);
      return;
    }
    if (ended_) return;
  }
  callback();
}

void Exchange::on_drained(std::move_only_function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (severed_ || aborted_) return;
    if (waiting_.size() + unsent_ > 0) {
      on_drained_ = std::move(callback);
      return;
    }
  }
  callback();
}

bool Exchange::closed() const {
  const std::lock_guard lock(mutex_);
  return severed_ || aborted_;
}

std::size_t Exchange::buffered() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size() + unsent_;
}

bool Exchange::streaming() const {
  const std::lock_guard lock(mutex_);
  return streaming_;
}

void Exchange::wake_locked() {
  if (held_ || woken_) return;
  // Posting under the mutex: a connection severs before its thread ends, so nothing is posted to a thread that is gone.
  if (auto owner = owner_.lock()) {
    woken_ = true;
    owner->wake();
  }
}

void Exchange::hold() {
  const std::lock_guard lock(mutex_);
  held_ = true;
}

Exchange::Collected Exchange::collect(std::string& out, bool drained) {
  std::move_only_function<void()> callback;
  std::move_only_function<void()> closed;  // An answer that is whole needs no such callback any more.
  Collected result;
  {
    const std::lock_guard lock(mutex_);
    held_ = woken_ = false;
    if (out.empty()) {
      out.swap(waiting_);
    } else {
      out.append(waiting_);
    }
    waiting_.clear();
    unsent_ = streaming_ ? out.size() : 0;
    if (drained && out.empty()) std::swap(callback, on_drained_);
    if (ended_) std::swap(closed, on_closed_);
    result = {.ended = ended_, .aborted = aborted_, .slow = slow_, .close = !setting_.keep_alive};
  }
  if (callback) callback();
  return result;
}

void Exchange::set_unsent(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  unsent_ = bytes;
}

void Exchange::forbid_keep_alive() {
  const std::lock_guard lock(mutex_);
  setting_.keep_alive = false;
}

void Exchange::sever() {
  std::move_only_function<void()> closed;
  std::move_only_function<void()> drained;
  bool call = false;
  {
    const std::lock_guard lock(mutex_);
    if (severed_) return;
    severed_ = true;
    owner_.reset();
    waiting_.clear();
    unsent_ = 0;
    std::swap(closed, on_closed_);
    std::swap(drained, on_drained_);
    call = !ended_;
  }
  if (closed && call) closed();
}

ResponseWriter::ResponseWriter(std::shared_ptr<Exchange> exchange)
    : exchange_(std::move(exchange)), lease_(nullptr, [kept = exchange_](void*) { kept->abandon(); }) {}

void ResponseWriter::send(const Response& response) const { exchange_->send(response); }
void ResponseWriter::start(int status, const Headers& headers) const { exchange_->start(status, headers); }
Written ResponseWriter::write(std::string_view chunk) const { return exchange_->write(chunk); }
void ResponseWriter::end() const { exchange_->end(); }
void ResponseWriter::abort() const { exchange_->abort(); }
void ResponseWriter::on_closed(std::move_only_function<void()> callback) const {
  exchange_->on_closed(std::move(callback));
}
void ResponseWriter::on_drained(std::move_only_function<void()> callback) const {
  exchange_->on_drained(std::move(callback));
}
bool ResponseWriter::closed() const { return exchange_->closed(); }
std::size_t ResponseWriter::buffered() const { return exchange_->buffered(); }

}  // namespace fairlead::net
