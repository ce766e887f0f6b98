// For tests: a certificate authority that lives as long as the test.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace fairlead::net::testing {

struct Identity {
  std::string certificate;
  std::string key;
};

class Authority {
 public:
  Authority() : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    fill(certificate_, key_, {{"CN", "test authority"}}, 3600);
    extend(certificate_, NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(certificate_, key_, EVP_sha256());
  }
  ~Authority() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  [[nodiscard]] std::string certificate() const { return pem(certificate_); }
  /// `names`: "DNS:localhost,IP:127.0.0.1", or "" for a client.
  [[nodiscard]] Identity issue(std::initializer_list<std::pair<const char*, const char*>> subject,
                               const std::string& names, long seconds = 3600) const {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    fill(certificate, key, subject, seconds);
    if (!names.empty()) extend(certificate, NID_subject_alt_name, names.c_str());
    X509_sign(certificate, key_, EVP_sha256());
    Identity identity{pem(certificate), pem(key)};
    X509_free(certificate);
    EVP_PKEY_free(key);
    return identity;
  }

 private:
  void fill(X509* certificate, EVP_PKEY* key, std::initializer_list<std::pair<const char*, const char*>> subject,
            long seconds) const {
    static long serial = 1;
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);
    X509_NAME* name = X509_get_subject_name(certificate);
    for (const auto& [field, value] : subject) {
      X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value), -1, -1, 0);
    }
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate_));
    X509_set_pubkey(certificate, key);
  }
  static void extend(X509* certificate, int kind, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  template <class What>
  static std::string pem(What* what) {
    BIO* bio = BIO_new(BIO_s_mem());
    if constexpr (std::is_same_v<What, X509>) {
      PEM_write_bio_X509(bio, what);
    } else {
      PEM_write_bio_PrivateKey(bio, what, nullptr, nullptr, 0, nullptr, nullptr);
    }
    char* data = nullptr;
    const long length = BIO_get_mem_data(bio, &data);
    std::string out(data, static_cast<std::size_t>(length));
    BIO_free(bio);
    return out;
  }

  EVP_PKEY* key_;
  X509* certificate_;
};

}  // namespace fairlead::net::testing
