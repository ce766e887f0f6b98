// What a service is made of: one class per route, over a pure function.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_message.h"
#include "service/trace.h"

namespace fairlead::service {

/// One request as a handler sees it.
struct Call {
  net::Request request;
  std::map<std::string, std::string, std::less<>> parameters;  ///< "id" of "/products/{id}", decoded.
  RequestContext context;
};

class Handler {
 public:
  /// Called exactly once, from any thread. Dropped uncalled, the client gets 500.
  using Answer = std::move_only_function<void(net::Response)>;

  virtual ~Handler() = default;
  [[nodiscard]] virtual std::string_view method() const { return "GET"; }  ///< HEAD follows GET.
  /// "/products/{id}": a parameter is one whole, non-empty segment. Also the `route` label of the metrics.
  [[nodiscard]] virtual std::string_view route() const = 0;
  /// On a server thread: must not block. May keep `call` and `answer`.
  virtual void handle(std::shared_ptr<const Call> call, Answer answer) = 0;
};

using Handlers = std::vector<std::unique_ptr<Handler>>;

/// Finds the handler for a method and a path.
class Router {
 public:
  explicit Router(Handlers handlers);

  struct Match {
    Handler* handler = nullptr;  ///< Null: nothing here.
    std::string allow;           ///< When the path exists for other methods only: which.
    std::map<std::string, std::string, std::less<>> parameters;
  };
  [[nodiscard]] Match find(std::string_view method, std::string_view path) const;
  /// Calls `visit` for every handler.
  void each(const std::function<void(const Handler&)>& visit) const;

 private:
  struct Entry {
    std::vector<std::string> segments;
    std::unique_ptr<Handler> handler;
  };
  std::vector<Entry> entries_;
};

/// {"error": "…"} with the status.
[[nodiscard]] net::Response json_error(int status, std::string_view message);

}  // namespace fairlead::service
