#include "net/http_server.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>

#include "net/http_connection.h"

namespace fairlead::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Code = boost::system::error_code;

constexpr std::chrono::milliseconds kSweep{200};
constexpr std::chrono::milliseconds kAcceptPause{50};  // After running out of descriptors.
constexpr std::string_view kTooMany =
    "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// One thread with its connections.
struct Worker {
  explicit Worker(ServerContext& shared) : context(shared), sweep(io) {}

  void run();
  void arm_sweep();
  void opened(std::shared_ptr<Connection> connection);
  void closed(const std::shared_ptr<Connection>& connection);
  void accepted(tcp::socket socket);
  /// A copy, because a connection that ends leaves the set.
  [[nodiscard]] std::vector<std::shared_ptr<Connection>> all() const {
    return {connections.begin(), connections.end()};
  }

  ServerContext& context;
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  asio::steady_timer sweep;
  std::chrono::milliseconds period = kSweep;
  std::optional<asio::ssl::context> tls;  // One a thread: OpenSSL's contexts have locks.
  std::unordered_set<std::shared_ptr<Connection>> connections;
  bool stopping = false;
  std::function<void()> on_empty;
  std::thread thread;
};

std::string address_of(const tcp::socket& socket) {
  Code code;
  const tcp::endpoint end = socket.remote_endpoint(code);
  if (code) return "unknown";
  const std::string address = end.address().to_string();
  return end.address().is_v6() ? fmt::format("[{}]:{}", address, end.port())
                               : fmt::format("{}:{}", address, end.port());
}

/// Reads and writes `Stream`, a socket or a TLS stream over one, for a connection.
template <class Stream>
class Transport final : public Connection {
 public:
  template <class... Args>
  Transport(Worker& worker, ServerContext& context, Args&&... args)
      : Connection(context), worker_(worker), stream_(std::forward<Args>(args)...) {}

  void begin() {
    if constexpr (kTls) {
      handshaking();
      stream_.async_handshake(asio::ssl::stream_base::server, [self = self()](Code code) {
        if (code) {
          // Ended by us: `check` has counted it.
          if (code != asio::error::operation_aborted) {
            self->worker_.context.counters.failed_handshakes.fetch_add(1, std::memory_order_relaxed);
          }
          return self->failed();
        }
        Peer peer{.address = address_of(self->stream_.next_layer())};
        read_peer_certificate(self->stream_.native_handle(), peer);
        self->opened(std::move(peer));
      });
    } else {
      opened({.address = address_of(stream_)});
    }
  }

  void wake() override {
    asio::post(worker_.io, [self = self()] { self->woken(); });
  }

 private:
  static constexpr bool kTls = !std::is_same_v<Stream, tcp::socket>;

  std::shared_ptr<Transport> self() { return std::static_pointer_cast<Transport>(shared_from_this()); }
  tcp::socket& socket() {
    if constexpr (kTls) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }

  void read_some(std::span<char> into) override {
    stream_.async_read_some(asio::buffer(into.data(), into.size()), [self = self()](Code code, std::size_t bytes) {
      if (!code) return self->received(bytes);
      if (code == asio::error::eof || code == asio::ssl::error::stream_truncated) return self->received_end();
      self->failed();
    });
  }

  void write_some(std::string_view bytes) override {
    stream_.async_write_some(asio::buffer(bytes.data(), bytes.size()), [self = self()](Code code, std::size_t count) {
      if (code) return self->failed();
      self->sent(count);
    });
  }

  void shut_down_sending() override {
    if constexpr (kTls) {
      stream_.async_shutdown([self = self()](Code) { self->cut(); });
    } else {
      Code ignored;
      stream_.shutdown(tcp::socket::shutdown_send, ignored);
    }
  }

  void close_transport() override {
    Code ignored;
    socket().close(ignored);
    worker_.closed(shared_from_this());
  }

  Worker& worker_;
  Stream stream_;
};

void Worker::run() {
  arm_sweep();
  io.run();
}

void Worker::arm_sweep() {
  sweep.expires_after(period);
  sweep.async_wait([this](Code code) {
    if (code || stopping) return;
    const auto now = std::chrono::steady_clock::now();
    for (const auto& connection : all()) connection->check(now);
    arm_sweep();
  });
}

void Worker::opened(std::shared_ptr<Connection> connection) { connections.insert(std::move(connection)); }

void Worker::closed(const std::shared_ptr<Connection>& connection) {
  if (connections.erase(connection) == 0) return;
  context.counters.connections.fetch_sub(1, std::memory_order_relaxed);
  if (connections.empty() && on_empty) on_empty();
}

void Worker::accepted(tcp::socket socket) {
  if (stopping) {
    context.counters.connections.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  Code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);  // Finds peers that vanished without a word.
  using Idle = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
  using Interval = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
  using Probes = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>;
  socket.set_option(Idle(30), ignored);
  socket.set_option(Interval(10), ignored);
  socket.set_option(Probes(3), ignored);
  if (tls) {
    auto connection =
        std::make_shared<Transport<asio::ssl::stream<tcp::socket>>>(*this, context, std::move(socket), *tls);
    opened(connection);
    connection->begin();
  } else {
    auto connection = std::make_shared<Transport<tcp::socket>>(*this, context, std::move(socket));
    opened(connection);
    connection->begin();
  }
}

Result<tcp::acceptor> listen_on(asio::io_context& io, const ServerOptions& options) {
  tcp::acceptor acceptor(io);
  Code code;
  if (options.listen_fd >= 0) {
    sockaddr_storage storage{};
    socklen_t length = sizeof(storage);
    if (getsockname(options.listen_fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
      return fail("descriptor {} is not a socket", options.listen_fd);
    }
    acceptor.assign(storage.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), options.listen_fd, code);
    if (code) return fail("descriptor {} cannot be listened on: {}", options.listen_fd, code.message());
    return acceptor;
  }
  const auto address = asio::ip::make_address(options.address, code);
  if (code) return fail("\"{}\" is not an IP address to listen on", options.address);
  const tcp::endpoint endpoint(address, options.port);
  acceptor.open(endpoint.protocol(), code);
  if (!code) acceptor.set_option(tcp::acceptor::reuse_address(true), code);
  if (!code) acceptor.bind(endpoint, code);
  if (!code) acceptor.listen(asio::socket_base::max_listen_connections, code);
  if (code) return fail("cannot listen on {}:{}: {}", options.address, options.port, code.message());
  return acceptor;
}

}  // namespace

struct HttpServer::Impl {
  void accept();
  void on_accept(Code code, tcp::socket socket, Worker& target);
  template <class Task>
  void on_every_worker(Task task) {
    for (const auto& worker : workers) asio::post(worker->io, [task, &w = *worker] { task(w); });
  }

  ServerContext context;
  std::vector<std::unique_ptr<Worker>> workers;
  std::optional<tcp::acceptor> acceptor;
  std::optional<asio::steady_timer> pause;
  std::uint16_t port = 0;
  std::size_t next = 0;
  std::mutex mutex;
  std::condition_variable emptied;
};

// One thread accepts and deals connections out in turn: threads stay evenly loaded.
void HttpServer::Impl::accept() {
  Worker& target = *workers[next++ % workers.size()];
  acceptor->async_accept(
      target.io, [this, &target](Code code, tcp::socket socket) { on_accept(code, std::move(socket), target); });
}

void HttpServer::Impl::on_accept(Code code, tcp::socket socket, Worker& target) {
  if (!acceptor->is_open() || context.draining) return;
  if (code) {
    pause->expires_after(kAcceptPause);
    pause->async_wait([this](Code) {
      if (acceptor->is_open()) accept();
    });
    return;
  }
  context.counters.accepted.fetch_add(1, std::memory_order_relaxed);
  if (context.counters.connections.load(std::memory_order_relaxed) >= context.limits.connections) {
    context.counters.refused.fetch_add(1, std::memory_order_relaxed);
    if (!target.tls) ::send(socket.native_handle(), kTooMany.data(), kTooMany.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return accept();
  }
  context.counters.connections.fetch_add(1, std::memory_order_relaxed);
  if (&target == workers.front().get()) {
    target.accepted(std::move(socket));
  } else {
    asio::post(target.io, [&target, moved = std::move(socket)]() mutable { target.accepted(std::move(moved)); });
  }
  accept();
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<HttpServer>> HttpServer::start(ServerOptions options, Handler handler) {
  auto impl = std::make_unique<Impl>();
  impl->context.handler = std::move(handler);
  impl->context.limits = options.limits;
  impl->context.reads_body = std::move(options.reads_body);
  impl->context.refusal = std::move(options.refusal);
  const ServerLimits& limits = options.limits;
  const auto shortest = std::min({limits.handshake, limits.header, limits.body, limits.idle, limits.write});
  for (unsigned i = 0; i < std::max(1U, options.threads); ++i) {
    auto& worker = impl->workers.emplace_back(std::make_unique<Worker>(impl->context));
    worker->period = std::clamp(shortest / 4, std::chrono::milliseconds{5}, kSweep);
    worker->on_empty = [raw = impl.get()] {
      const std::lock_guard lock(raw->mutex);
      raw->emptied.notify_all();
    };
    if (!options.tls) continue;
    auto context = make_server_context(*options.tls);
    if (!context) return std::unexpected(context.error());
    worker->tls.emplace(context->release());
  }
  auto acceptor = listen_on(impl->workers.front()->io, options);
  if (!acceptor) return std::unexpected(acceptor.error());
  impl->acceptor.emplace(std::move(*acceptor));
  impl->port = impl->acceptor->local_endpoint().port();
  impl->pause.emplace(impl->workers.front()->io);
  impl->accept();
  for (const auto& worker : impl->workers) worker->thread = std::thread([&w = *worker] { w.run(); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::~HttpServer() {
  impl_->context.draining = true;
  impl_->on_every_worker([impl = impl_.get()](Worker& worker) {
    if (&worker == impl->workers.front().get()) {
      Code ignored;
      impl->acceptor->close(ignored);
      impl->pause->cancel();
    }
    worker.stopping = true;
    worker.sweep.cancel();
    for (const auto& connection : worker.all()) connection->cut();
    worker.work.reset();
  });
  for (const auto& worker : impl_->workers) worker->thread.join();
}

std::uint16_t HttpServer::port() const { return impl_->port; }

ServerStats HttpServer::stats() const {
  const ServerCounters& counters = impl_->context.counters;
  return {.connections = counters.connections,
          .accepted = counters.accepted,
          .refused = counters.refused,
          .requests = counters.requests,
          .bad_requests = counters.bad_requests,
          .slow_readers = counters.slow_readers,
          .failed_handshakes = counters.failed_handshakes};
}

bool HttpServer::drain(std::chrono::milliseconds grace) {
  impl_->context.draining = true;
  impl_->on_every_worker([impl = impl_.get()](Worker& worker) {
    if (&worker == impl->workers.front().get()) {
      Code ignored;
      impl->acceptor->close(ignored);
    }
    for (const auto& connection : worker.all()) connection->drain();
  });
  const auto empty = [this] { return impl_->context.counters.connections == 0; };
  std::unique_lock lock(impl_->mutex);
  if (impl_->emptied.wait_for(lock, grace, empty)) return true;
  lock.unlock();
  impl_->on_every_worker([](Worker& worker) {
    for (const auto& connection : worker.all()) connection->cut();
  });
  return false;
}

}  // namespace fairlead::net
