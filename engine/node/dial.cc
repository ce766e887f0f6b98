#include "engine/node/dial.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "engine/node/files.h"

namespace fairlead::node {

namespace {

constexpr std::size_t kMaxAnswer = 16 * 1024;

/// One for all probes: they check no certificate and keep no session.
SSL_CTX* client_context() {
  static const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(::SSL_CTX_new(::TLS_client_method()),
                                                                    ::SSL_CTX_free);
  return context.get();
}

/// TLS over memory: bytes of the connection go in and out as text.
class TlsStream {
 public:
  TlsStream() : ssl_(::SSL_new(client_context()), ::SSL_free) {
    FAIRLEAD_ASSERT(ssl_ != nullptr);
    in_ = ::BIO_new(::BIO_s_mem());
    out_ = ::BIO_new(::BIO_s_mem());
    ::SSL_set_bio(ssl_.get(), in_, out_);  // Which owns them from here on.
    ::SSL_set_connect_state(ssl_.get());
  }

  /// Takes what arrived and, once the handshake is through, sends `request` and collects `answer`. False when broken.
  bool advance(std::string_view arrived, std::string& request, std::string& answer) {
    if (!arrived.empty()) ::BIO_write(in_, arrived.data(), static_cast<int>(arrived.size()));
    ::ERR_clear_error();
    if (::SSL_is_init_finished(ssl_.get()) == 0 && !fine(::SSL_do_handshake(ssl_.get()))) return false;
    if (::SSL_is_init_finished(ssl_.get()) == 0) return true;
    if (!request.empty()) {
      if (!fine(::SSL_write(ssl_.get(), request.data(), static_cast<int>(request.size())))) return false;
      request.clear();
    }
    char buffer[1024];
    int got = 0;
    while ((got = ::SSL_read(ssl_.get(), buffer, sizeof buffer)) > 0) {
      answer.append(buffer, static_cast<std::size_t>(got));
    }
    return fine(got);
  }

  [[nodiscard]] std::string to_send() {
    std::string out(::BIO_ctrl_pending(out_), '\0');
    if (!out.empty()) ::BIO_read(out_, out.data(), static_cast<int>(out.size()));
    return out;
  }

 private:
  bool fine(int result) {
    if (result > 0) return true;
    const int error = ::SSL_get_error(ssl_.get(), result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_ZERO_RETURN;
  }

  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
};

class Dial : public std::enable_shared_from_this<Dial> {
 public:
  Dial(Loop& loop, DialRequest request, std::function<void(ProbeResult)> done)
      : loop_(loop),
        request_(std::move(request)),
        place_(fmt::format("{}:{}", format_address(request_.address), request_.port)),
        done_(std::move(done)) {}

  void start(Duration timeout) {
    auto self = shared_from_this();
    timer_ = loop_.after(timeout, [self] {
      self->finish(false, self->connected_
                              ? "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
                              : "dial tcp " + self->place_ + ": i/o timeout");
    });
    socket_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(request_.port);
    name.sin_addr.s_addr = htonl(request_.address);
    const int rc = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name);
    if (rc != 0 && errno != EINPROGRESS) {
      const int error = errno;
      loop_.post([self, error] { self->refuse(error); });
      return;
    }
    loop_.watch(socket_.get(), EPOLLOUT, [self](std::uint32_t) { self->ready(); });
  }

 private:
  void ready() {
    if (!connected_) return connected();
    char buffer[4096];
    const ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    const std::string_view arrived(buffer, got > 0 ? static_cast<std::size_t>(got) : 0);
    if (!take(arrived)) return finish(false, "remote error: not a TLS server, or none that can be talked to");
    const bool over = got <= 0 || answer_.size() >= kMaxAnswer;
    if (auto result = request_.judge(answer_, over)) return finish(result->ok, std::move(result->message));
    if (over) finish(false, "EOF");
  }

  void connected() {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return refuse(error);
    connected_ = true;
    if (request_.request.empty()) return finish(true, "");
    if (request_.tls) tls_ = std::make_unique<TlsStream>();
    if (!take({})) return finish(false, "cannot begin TLS");
    loop_.change(socket_.get(), EPOLLIN);
  }

  /// What arrived goes into the answer, and what there is to send goes out: little enough for any socket's buffer.
  bool take(std::string_view arrived) {
    std::string out;
    if (tls_) {
      if (!tls_->advance(arrived, request_.request, answer_)) return false;
      out = tls_->to_send();
    } else {
      answer_ += arrived;
      out = std::exchange(request_.request, {});
    }
    if (!out.empty()) ::send(socket_.get(), out.data(), out.size(), MSG_NOSIGNAL);
    return true;
  }

  void refuse(int error) {
    refused_ = error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH;
    std::string text = error_text(error);
    text[0] = static_cast<char>(text[0] | 0x20);
    finish(false, "dial tcp " + place_ + ": connect: " + text);
  }

  void finish(bool ok, std::string message) {
    if (!done_) return;
    auto done = std::exchange(done_, nullptr);
    const auto self = shared_from_this();
    loop_.cancel(timer_);
    if (socket_) loop_.unwatch(socket_.get());
    socket_.reset();
    done({ok, refused_, std::move(message)});
  }

  Loop& loop_;
  DialRequest request_;
  std::string place_;
  std::function<void(ProbeResult)> done_;
  Descriptor socket_;
  Loop::Timer timer_;
  std::unique_ptr<TlsStream> tls_;
  std::string answer_;
  bool connected_ = false;
  bool refused_ = false;
};

}  // namespace

void dial(Loop& loop, DialRequest request, Duration timeout, std::function<void(ProbeResult)> done) {
  std::make_shared<Dial>(loop, std::move(request), std::move(done))->start(timeout);
}

}  // namespace fairlead::node
