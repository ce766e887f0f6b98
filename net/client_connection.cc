#include "net/client_connection.h"

#include <utility>

#include <openssl/ssl.h>

namespace fairlead::net {
namespace asio = boost::asio;
using asio::ip::tcp;
using Code = boost::system::error_code;
using Kind = ClientError::Kind;

void ClientConnection::open(std::vector<tcp::endpoint> endpoints, asio::ssl::context* tls, const std::string& host) {
  endpoints_ = std::move(endpoints);
  host_ = host;
  tls_context_ = tls;
  connect_next(0);
}

void ClientConnection::connect_next(std::size_t index) {
  Code ignored;
  socket_.close(ignored);
  socket_.async_connect(endpoints_[index], [self = shared_from_this(), index](Code code) {
    if (self->lost_) return;
    if (code && index + 1 < self->endpoints_.size()) return self->connect_next(index + 1);
    if (code) {
      const tcp::endpoint& end = self->endpoints_[index];
      const std::string address = end.address().to_string();
      return self->lose(
          {Kind::kConnect, fmt::format("cannot connect to {}:{}: {}", address, end.port(), code.message())});
    }
    Code unimportant;
    self->socket_.set_option(tcp::no_delay(true), unimportant);
    if (self->tls_context_ != nullptr) return self->handshake();
    self->connected();
  });
}

void ClientConnection::handshake() {
  tls_.emplace(socket_, *tls_context_);
  expect_server_name(tls_->native_handle(), host_);
  tls_->async_handshake(asio::ssl::stream_base::client, [self = shared_from_this()](Code code) {
    if (self->lost_) return;
    if (!code) return self->connected();
    const long verdict = SSL_get_verify_result(self->tls_->native_handle());
    const std::string why = verdict == X509_V_OK ? code.message() : X509_verify_cert_error_string(verdict);
    self->lose({Kind::kTls, fmt::format("TLS with {}: {}", self->host_, why)});
  });
}

void ClientConnection::connected() {
  read();
  if (user_ != nullptr) user_->on_connected();
}

void ClientConnection::read() {
  auto done = [self = shared_from_this()](Code code, std::size_t bytes) {
    if (self->lost_) return;
    if (code == asio::error::eof) return self->lose({Kind::kClosed, "the server closed the connection"});
    if (code) return self->lose({Kind::kClosed, fmt::format("the connection was lost: {}", code.message())});
    if (self->user_ == nullptr) return self->lose({Kind::kProtocol, "bytes that nobody asked for"});
    self->user_->on_bytes({self->input_.data(), bytes});
    if (!self->lost_) self->read();
  };
  if (tls_) {
    tls_->async_read_some(asio::buffer(input_), std::move(done));
  } else {
    socket_.async_read_some(asio::buffer(input_), std::move(done));
  }
}

void ClientConnection::write(std::string bytes) {
  FAIRLEAD_ASSERT(!writing_);
  output_ = std::move(bytes);
  writing_ = true;
  // A failed write ends nothing by itself: the server may have answered before it closed, and the read will tell.
  auto done = [self = shared_from_this()](Code, std::size_t) { self->writing_ = false; };
  if (tls_) {
    asio::async_write(*tls_, asio::buffer(output_), std::move(done));
  } else {
    asio::async_write(socket_, asio::buffer(output_), std::move(done));
  }
}

void ClientConnection::close() {
  user_ = nullptr;
  lost_ = true;
  Code ignored;
  socket_.close(ignored);
}

void ClientConnection::lose(ClientError error) {
  ConnectionUser* user = std::exchange(user_, nullptr);
  close();
  if (user != nullptr) user->on_lost(std::move(error));
}

}  // namespace fairlead::net
