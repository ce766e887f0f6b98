// TLS settings as data, and the OpenSSL contexts made from them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "net/http_message.h"

struct ssl_ctx_st;
struct ssl_st;

namespace fairlead::net {

/// All certificates and keys are PEM text, not file names.
struct TlsServerOptions {
  std::string certificate{};  ///< The server's own, followed by its chain.
  std::string key{};
  /// Certificates that may sign a client's. Empty: clients are not asked for one. Otherwise they are asked, may have
  /// none, and a bad one does not end the handshake: the handler finds it in Peer and decides (401, not an alert).
  std::string client_ca{};
};

struct TlsClientOptions {
  std::string ca{};           ///< Who may sign the server's certificate. Empty: the system's store.
  std::string certificate{};  ///< The client's own, when it shows one.
  std::string key{};
};

struct SslContextDeleter {
  void operator()(ssl_ctx_st* context) const;
};
using SslContext = std::unique_ptr<ssl_ctx_st, SslContextDeleter>;

/// TLS 1.2 and 1.3, ALPN "http/1.1". An error names the part that could not be read.
[[nodiscard]] Result<SslContext> make_server_context(const TlsServerOptions& options);
[[nodiscard]] Result<SslContext> make_client_context(const TlsClientOptions& options);
/// Before the handshake: what the server's certificate must be valid for, a DNS name or an IP address.
void expect_server_name(ssl_st* ssl, const std::string& host);
/// After a server's handshake.
void read_peer_certificate(ssl_st* ssl, Peer& peer);
/// The newest reason on OpenSSL's error queue, which is emptied.
[[nodiscard]] std::string openssl_reason();

}  // namespace fairlead::net
