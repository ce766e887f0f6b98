// One connection of the client, plain or TLS. Inside net/ only: it includes Asio.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>

#include "net/http_client.h"

namespace fairlead::net {

/// Who a connection works for at the moment.
class ConnectionUser {
 public:
  virtual ~ConnectionUser() = default;
  virtual void on_connected() = 0;
  virtual void on_bytes(std::string_view bytes) = 0;
  /// The connection is over, for good; `error` says how, kClosed when the peer closed in order.
  virtual void on_lost(ClientError error) = 0;
};

/// Reads all the time, so that a server's closing is seen while nobody uses the connection. Used on its io_context's
/// thread.
class ClientConnection : public std::enable_shared_from_this<ClientConnection> {
 public:
  explicit ClientConnection(boost::asio::io_context& io) : born(std::chrono::steady_clock::now()), socket_(io) {}

  /// Connects to the first address that answers; with `tls`, `host` is what the certificate must be for.
  void open(std::vector<boost::asio::ip::tcp::endpoint> endpoints, boost::asio::ssl::context* tls,
            const std::string& host);
  void write(std::string bytes);
  void close();

  /// Null while idle. The user detaches before it goes.
  void set_user(ConnectionUser* user) { user_ = user; }
  [[nodiscard]] bool writing() const { return writing_; }
  [[nodiscard]] bool lost() const { return lost_; }

  std::string origin;  ///< The pool's key.
  const std::chrono::steady_clock::time_point born;
  std::chrono::steady_clock::time_point idle_since;

 private:
  void connect_next(std::size_t index);
  void handshake();
  void connected();
  void read();
  void lose(ClientError error);

  boost::asio::ip::tcp::socket socket_;
  std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> tls_;
  boost::asio::ssl::context* tls_context_ = nullptr;
  std::vector<boost::asio::ip::tcp::endpoint> endpoints_;
  std::string host_;
  ConnectionUser* user_ = nullptr;
  std::string output_;
  bool writing_ = false;
  bool lost_ = false;
  std::array<char, 16 * 1024> input_;
};

}  // namespace fairlead::net
