#include "net/tls.h"

#include <string_view>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "net/openssl_pointer.h"

namespace fairlead::net {
namespace {

using Bio = OpenSslPointer<BIO, BIO_free>;
using Certificate = OpenSslPointer<X509, X509_free>;
using Key = OpenSslPointer<EVP_PKEY, EVP_PKEY_free>;

constexpr std::string_view kAlpn = "\x08http/1.1";

Bio memory(const std::string& text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

Certificate read_certificate(BIO* bio) { return Certificate(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr)); }

Result<> use_own_certificate(SSL_CTX* context, const std::string& certificate, const std::string& key) {
  const Bio bio = memory(certificate);
  const Certificate own = read_certificate(bio.get());
  if (!own || SSL_CTX_use_certificate(context, own.get()) != 1) {
    return fail("the TLS certificate is not readable: {}", openssl_reason());
  }
  while (const Certificate link = read_certificate(bio.get())) {
    SSL_CTX_add1_chain_cert(context, link.get());
  }
  ERR_clear_error();
  const Bio key_bio = memory(key);
  const Key private_key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  if (!private_key) return fail("the TLS key is not readable: {}", openssl_reason());
  if (SSL_CTX_use_PrivateKey(context, private_key.get()) != 1) {
    return fail("the TLS key does not belong to the certificate: {}", openssl_reason());
  }
  return {};
}

Result<> trust(SSL_CTX* context, const std::string& ca, bool announce) {
  const Bio bio = memory(ca);
  int count = 0;
  while (const Certificate certificate = read_certificate(bio.get())) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate.get());
    if (announce) SSL_CTX_add_client_CA(context, certificate.get());
    ++count;
  }
  ERR_clear_error();
  if (count == 0) return fail("the TLS CA holds no certificate that can be read");
  return {};
}

int select_alpn(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_length, const unsigned char* offered,
                unsigned int offered_length, void* /*argument*/) {
  unsigned char* selected = nullptr;
  const auto* ours = reinterpret_cast<const unsigned char*>(kAlpn.data());
  if (SSL_select_next_proto(&selected, out_length, ours, static_cast<unsigned int>(kAlpn.size()), offered,
                            offered_length) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

// The handshake goes on; SSL_get_verify_result keeps the verdict for the handler.
int accept_and_remember(int /*verified*/, X509_STORE_CTX* /*store*/) { return 1; }

std::string text_of(const X509_NAME_ENTRY* entry) {
  unsigned char* text = nullptr;
  const int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
  if (length < 0) return {};
  std::string out(reinterpret_cast<const char*>(text), static_cast<std::size_t>(length));
  OPENSSL_free(text);
  return out;
}

PeerCertificate subject_of(X509* certificate) {
  PeerCertificate peer;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  for (int i = 0; i < X509_NAME_entry_count(subject); ++i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(subject, i);
    const int kind = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
    if (kind == NID_commonName) peer.common_name = text_of(entry);
    if (kind == NID_organizationName) peer.organizations.push_back(text_of(entry));
  }
  return peer;
}

SslContext new_context(const SSL_METHOD* method) {
  SslContext context(SSL_CTX_new(method));
  FAIRLEAD_ASSERT(context != nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  return context;
}

}  // namespace

void SslContextDeleter::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "no reason given" : reason;
}

Result<SslContext> make_server_context(const TlsServerOptions& options) {
  SslContext context = new_context(TLS_server_method());
  if (auto own = use_own_certificate(context.get(), options.certificate, options.key); !own) {
    return std::unexpected(own.error());
  }
  SSL_CTX_set_alpn_select_cb(context.get(), select_alpn, nullptr);
  // Resuming a session whose client showed a certificate needs an id of ours.
  SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const unsigned char*>("fairlead"), 8);
  if (!options.client_ca.empty()) {
    if (auto trusted = trust(context.get(), options.client_ca, true); !trusted) {
      return std::unexpected(wrap("client CA", trusted.error()));
    }
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, accept_and_remember);
  }
  return context;
}

Result<SslContext> make_client_context(const TlsClientOptions& options) {
  SslContext context = new_context(TLS_client_method());
  if (!options.certificate.empty()) {
    if (auto own = use_own_certificate(context.get(), options.certificate, options.key); !own) {
      return std::unexpected(own.error());
    }
  }
  if (options.ca.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else if (auto trusted = trust(context.get(), options.ca, false); !trusted) {
    return std::unexpected(trusted.error());
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(kAlpn.data()),
                          static_cast<unsigned int>(kAlpn.size()));
  return context;
}

void expect_server_name(ssl_st* ssl, const std::string& host) {
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1) return;
  ERR_clear_error();
  X509_VERIFY_PARAM_set1_host(parameters, host.data(), host.size());
  SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host.c_str()));
}

void read_peer_certificate(ssl_st* ssl, Peer& peer) {
  peer.tls = true;
  const Certificate certificate(SSL_get1_peer_certificate(ssl));
  if (!certificate) return;
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict == X509_V_OK) {
    peer.certificate = subject_of(certificate.get());
  } else {
    peer.certificate_error = X509_verify_cert_error_string(verdict);
  }
}

}  // namespace fairlead::net
