// One request's answer on its way from whoever writes it to the connection that sends it. Inside net/ only.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "net/http_server.h"

namespace fairlead::net {

/// Who carries the bytes: the connection.
class ExchangeOwner {
 public:
  virtual ~ExchangeOwner() = default;
  /// Makes the connection collect what waits in its exchange, soon, on its own thread. Any thread; must not call back.
  virtual void wake() = 0;
};

/// Shared by the writer (any thread) and the connection (its own thread). Everything is under one mutex; callbacks run
/// outside it.
class Exchange {
 public:
  struct Setting {
    bool head_only = false;  ///< HEAD: no body goes out.
    bool keep_alive = true;  ///< As the request asks.
    bool chunked = true;     ///< The peer speaks HTTP/1.1.
    std::size_t full = 0;
    std::size_t buffer = 0;
  };
  struct Collected {
    bool ended = false;    ///< The answer is whole.
    bool aborted = false;  ///< It will never be: cut the connection.
    bool slow = false;     ///< Because its reader was too slow.
    bool close = false;    ///< Close once it has gone out.
  };

  Exchange(std::weak_ptr<ExchangeOwner> owner, Setting setting) : owner_(std::move(owner)), setting_(setting) {}

  // For the writer.
  void send(const Response& response);
  void start(int status, const Headers& headers);
  Written write(std::string_view chunk);
  void end();
  void abort();
  void abandon();
  void on_closed(std::move_only_function<void()> callback);
  void on_drained(std::move_only_function<void()> callback);
  bool closed() const;
  std::size_t buffered() const;

  // For the connection.
  /// Until `collect`, writes need not wake the connection: it looks by itself after the handler.
  void hold();
  /// Moves waiting bytes behind `out`; `drained` tells that nothing collected earlier is still unsent.
  Collected collect(std::string& out, bool drained);
  /// How many collected bytes the socket has not taken yet.
  void set_unsent(std::size_t bytes);
  /// The connection is gone: nothing is written any more.
  void sever();
  /// From now on answers say Connection: close.
  void forbid_keep_alive();
  [[nodiscard]] bool streaming() const;

 private:
  void append_head(int status, const Headers& headers);
  void wake_locked();

  mutable std::mutex mutex_;
  std::weak_ptr<ExchangeOwner> owner_;
  Setting setting_;
  std::string waiting_;
  std::size_t unsent_ = 0;
  bool held_ = false;
  bool woken_ = false;
  bool started_ = false;
  bool streaming_ = false;
  bool bodyless_ = false;
  bool ended_ = false;
  bool aborted_ = false;
  bool slow_ = false;
  bool severed_ = false;
  std::move_only_function<void()> on_closed_;
  std::move_only_function<void()> on_drained_;
};

}  // namespace fairlead::net
