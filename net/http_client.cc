#include "net/http_client.h"

#include <algorithm>
#include <future>
#include <limits>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "net/client_connection.h"
#include "net/http_parser.h"
#include "net/resolver.h"

namespace fairlead::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Code = boost::system::error_code;
using Kind = ClientError::Kind;

constexpr std::chrono::milliseconds kSweep{500};

bool idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
}

std::string encode(const ClientRequest& request) {
  std::string out = request.method + " " + request.url.target + " HTTP/1.1\r\n";
  if (!request.headers.has("host")) out += "host: " + request.url.authority() + "\r\n";
  append_headers(out, request.headers);
  const bool carries =
      !request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (carries && !request.headers.has("content-length")) {
    out += "content-length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return out + "\r\n" + request.body;
}

/// Names, values and the target must not be able to smuggle a second request in.
bool well_formed(const ClientRequest& request) {
  for (const auto [name, value] : request.headers) {
    if (!is_token(name) || !is_field_value(value)) return false;
  }
  const bool clean = std::ranges::none_of(request.url.target, [](char c) { return c <= 0x20 || c == 0x7f; });
  return is_token(request.method) && clean && request.url.target.starts_with('/');
}

}  // namespace

std::string_view to_string(ClientError::Kind kind) {
  switch (kind) {
    case Kind::kResolve:
      return "resolve";
    case Kind::kConnect:
      return "connect";
    case Kind::kTls:
      return "tls";
    case Kind::kTimeout:
      return "timeout";
    case Kind::kClosed:
      return "closed";
    case Kind::kProtocol:
      return "protocol";
    case Kind::kLimit:
      return "limit";
  }
  return "unknown";
}

struct HttpClient::Impl {
  class Call;

  explicit Impl(ClientOptions given);
  void begin(const std::shared_ptr<Call>& call);
  void drop_spent();
  void sweep();
  [[nodiscard]] std::shared_ptr<ClientConnection> take_idle(const std::string& origin);
  void give_back(std::shared_ptr<ClientConnection> connection);
  void shut_down();

  ClientOptions options;
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  asio::steady_timer sweeper{io};
  Resolver resolver;
  std::optional<asio::ssl::context> tls;
  std::string tls_problem;
  std::set<std::shared_ptr<Call>> calls;
  std::vector<std::shared_ptr<ClientConnection>> idle;  // Most recently used last.
  bool stopping = false;
  std::thread thread;
};

/// One request on its way. Lives in Impl::calls until it has ended.
class HttpClient::Impl::Call final : public ConnectionUser, public std::enable_shared_from_this<Call> {
 public:
  Call(Impl& impl, ClientRequest request, StreamSink sink, std::size_t body_limit)
      : impl_(impl),
        request_(std::move(request)),
        sink_(std::move(sink)),
        parser_(HttpParser::Kind::kResponse, {.body_bytes = body_limit}),
        deadline_(impl.io) {}

  void begin();
  void end(ClientResult<void> how);
  void cancel() { sink_ = {}, end({}); }

 private:
  void connect(bool may_reuse);
  void connect_to(const std::vector<std::string>& addresses);
  void on_connected() override;
  void on_bytes(std::string_view bytes) override;
  void on_lost(ClientError error) override;
  bool deliver();
  [[nodiscard]] std::unexpected<ClientError> error(Kind kind, std::string_view why) const {
    return std::unexpected(ClientError{kind, fmt::format("{} {}: {}", request_.method, request_.url.authority(), why)});
  }

  Impl& impl_;
  ClientRequest request_;
  StreamSink sink_;
  HttpParser parser_;
  asio::steady_timer deadline_;
  std::shared_ptr<ClientConnection> connection_;
  std::string origin_;
  std::string carry_;  // Received and not yet parsed.
  bool reused_ = false;
  bool answered_ = false;  // A byte of the answer has come.
  bool head_given_ = false;
  bool over_ = false;
};

void HttpClient::Impl::Call::begin() {
  if (!well_formed(request_)) return end(error(Kind::kProtocol, "the request holds characters that it may not"));
  if (request_.timeout.count() > 0) {
    deadline_.expires_after(request_.timeout);
    deadline_.async_wait([self = shared_from_this()](Code code) {
      if (code) return;
      self->end(
          self->error(Kind::kTimeout, fmt::format("no whole answer within {} ms", self->request_.timeout.count())));
    });
  }
  origin_ = fmt::format("{}://{}:{}@{}", request_.url.tls ? "https" : "http", request_.url.host, request_.url.port,
                        request_.connect_to);
  connect(true);
}

void HttpClient::Impl::Call::connect(bool may_reuse) {
  parser_.reset();
  parser_.set_head_request(request_.method == "HEAD");
  if (may_reuse) connection_ = impl_.take_idle(origin_);
  reused_ = may_reuse && connection_ != nullptr;
  if (reused_) {
    connection_->set_user(this);
    return on_connected();
  }
  if (request_.url.tls && !impl_.tls) {
    return end(error(Kind::kTls, impl_.tls_problem.empty() ? "this client was made without TLS" : impl_.tls_problem));
  }
  if (impl_.calls.size() + impl_.idle.size() > impl_.options.max_connections) {
    if (impl_.idle.empty()) return end(error(Kind::kLimit, "too many connections"));
    impl_.idle.front()->close();
    impl_.idle.erase(impl_.idle.begin());
  }
  if (!request_.connect_to.empty()) return connect_to({request_.connect_to});
  impl_.resolver.resolve(request_.url.host, [self = shared_from_this()](Result<std::vector<std::string>> addresses) {
    if (self->over_) return;
    if (!addresses) return self->end(self->error(Kind::kResolve, addresses.error().message));
    self->connect_to(*addresses);
  });
}

void HttpClient::Impl::Call::connect_to(const std::vector<std::string>& addresses) {
  std::vector<tcp::endpoint> endpoints;
  for (const std::string& text : addresses) {
    Code code;
    const auto address = asio::ip::make_address(text, code);
    if (!code) endpoints.emplace_back(address, request_.url.port);
  }
  if (endpoints.empty()) return end(error(Kind::kResolve, "there is no IP address to connect to"));
  connection_ = std::make_shared<ClientConnection>(impl_.io);
  connection_->origin = origin_;
  connection_->set_user(this);
  connection_->open(std::move(endpoints), request_.url.tls ? &*impl_.tls : nullptr, request_.url.host);
}

void HttpClient::Impl::Call::on_connected() { connection_->write(encode(request_)); }

void HttpClient::Impl::Call::on_bytes(std::string_view bytes) {
  const auto self = shared_from_this();
  answered_ = true;
  carry_.append(bytes);
  for (bool again = true; again && !over_;) {
    carry_.erase(0, parser_.consume(carry_));
    if (parser_.failed()) {
      const Kind kind = parser_.error().status == 413 ? Kind::kLimit : Kind::kProtocol;
      return end(error(kind, parser_.error().message));
    }
    again = parser_.head_complete() && parser_.status() < 200;
    if (!again) {
      if (deliver() && parser_.complete()) end({});
      return;
    }
    parser_.reset();  // An interim answer, "100 Continue"; the final one follows.
    parser_.set_head_request(request_.method == "HEAD");
  }
}

/// Hands on what has been parsed; false when that ended the call.
bool HttpClient::Impl::Call::deliver() {
  if (!parser_.head_complete()) return true;
  if (!std::exchange(head_given_, true) && sink_.on_head) sink_.on_head(parser_.status(), parser_.headers());
  if (!over_ && !parser_.body().empty()) {
    if (sink_.on_data) sink_.on_data(parser_.body());
    parser_.body().clear();
  }
  return !over_;
}

void HttpClient::Impl::Call::on_lost(ClientError lost) {
  const auto self = shared_from_this();
  connection_ = nullptr;
  const bool stale = reused_ && !answered_ && lost.kind == Kind::kClosed && idempotent(request_.method);
  if (stale) return connect(false);
  if (lost.kind == Kind::kClosed && parser_.head_complete()) {
    parser_.finish();
    if (parser_.complete()) return end({});
  }
  end(error(lost.kind, lost.message));
}

void HttpClient::Impl::Call::end(ClientResult<void> how) {
  if (std::exchange(over_, true)) return;
  const auto self = shared_from_this();
  deadline_.cancel();
  if (const auto connection = std::exchange(connection_, nullptr)) {
    connection->set_user(nullptr);
    const bool reusable = how && parser_.complete() && parser_.keep_alive() && carry_.empty() && !connection->writing();
    if (reusable) {
      impl_.give_back(connection);
    } else {
      connection->close();
    }
  }
  impl_.calls.erase(self);
  if (const auto on_end = std::exchange(sink_.on_end, nullptr)) on_end(std::move(how));
}

HttpClient::Impl::Impl(ClientOptions given)
    : options(std::move(given)), resolver(io, options.resolv_conf, options.hosts) {
  if (!options.tls) return;
  auto context = make_client_context(*options.tls);
  if (context) {
    tls.emplace(context->release());
  } else {
    tls_problem = context.error().message;
  }
}

void HttpClient::Impl::begin(const std::shared_ptr<Call>& call) {
  asio::post(io, [this, call] {
    calls.insert(call);
    if (stopping) return call->end(std::unexpected(ClientError{Kind::kClosed, "the client is shutting down"}));
    call->begin();
  });
}

std::shared_ptr<ClientConnection> HttpClient::Impl::take_idle(const std::string& origin) {
  drop_spent();
  for (auto place = idle.rbegin(); place != idle.rend(); ++place) {
    if ((*place)->origin != origin) continue;
    auto found = *place;
    idle.erase(std::next(place).base());
    return found;
  }
  return nullptr;
}

void HttpClient::Impl::give_back(std::shared_ptr<ClientConnection> connection) {
  const auto same = [&](const auto& other) { return other->origin == connection->origin; };
  if (stopping || static_cast<std::size_t>(std::ranges::count_if(idle, same)) >= options.max_idle)
    return connection->close();
  connection->idle_since = std::chrono::steady_clock::now();
  idle.push_back(std::move(connection));
}

void HttpClient::Impl::drop_spent() {
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(idle, [&](const auto& connection) {
    const bool old = options.age.count() > 0 && now - connection->born >= options.age;
    const bool drop = old || connection->lost() || now - connection->idle_since > options.idle;
    if (drop) connection->close();
    return drop;
  });
}

void HttpClient::Impl::sweep() {
  sweeper.expires_after(kSweep);
  sweeper.async_wait([this](Code code) {
    if (code || stopping) return;
    drop_spent();
    sweep();
  });
}

void HttpClient::Impl::shut_down() {
  stopping = true;
  sweeper.cancel();
  resolver.cancel();
  const auto running = calls;
  for (const auto& call : running)
    call->end(std::unexpected(ClientError{Kind::kClosed, "the client is shutting down"}));
  for (const auto& connection : idle) connection->close();
  idle.clear();
  work.reset();
}

HttpClient::HttpClient(ClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {
  impl_->sweep();
  impl_->thread = std::thread([impl = impl_.get()] { impl->io.run(); });
}

HttpClient::~HttpClient() {
  asio::post(impl_->io, [impl = impl_.get()] { impl->shut_down(); });
  impl_->thread.join();
}

void HttpClient::send(ClientRequest request, Done done) {
  const auto response = std::make_shared<Response>();
  const auto shared_done = std::make_shared<Done>(std::move(done));
  StreamSink sink{.on_head =
                      [response](int status, const Headers& headers) {
                        response->status = status;
                        response->headers = headers;
                      },
                  .on_data = [response](std::string_view data) { response->body.append(data); },
                  .on_end =
                      [response, shared_done](ClientResult<void> how) {
                        if (!how) return (*shared_done)(std::unexpected(std::move(how.error())));
                        (*shared_done)(std::move(*response));
                      }};
  impl_->begin(
      std::make_shared<Impl::Call>(*impl_, std::move(request), std::move(sink), impl_->options.max_body_bytes));
}

ClientResult<Response> HttpClient::fetch(ClientRequest request) {
  FAIRLEAD_ASSERT(std::this_thread::get_id() != impl_->thread.get_id());
  std::promise<ClientResult<Response>> answer;
  send(std::move(request), [&answer](ClientResult<Response> result) { answer.set_value(std::move(result)); });
  return answer.get_future().get();
}

std::shared_ptr<void> HttpClient::stream(ClientRequest request, StreamSink sink) {
  constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max() / 2;
  const auto call = std::make_shared<Impl::Call>(*impl_, std::move(request), std::move(sink), kUnlimited);
  impl_->begin(call);
  return {nullptr, [impl = impl_.get(), call](void*) { asio::post(impl->io, [call] { call->cancel(); }); }};
}

}  // namespace fairlead::net
