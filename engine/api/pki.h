// The cluster's own certificate authority, and the certificates that it signs.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

namespace fairlead::api {

inline constexpr int kAuthorityDays = 3650;
inline constexpr int kCertificateDays = 365;
/// A certificate with less time left than this is made anew when the program starts.
inline constexpr int kRenewalDays = 60;

/// PEM text.
struct KeyPair {
  std::string certificate;
  std::string key;
};

/// What a certificate says. Whoever has `server_names` is a server, others are clients.
struct CertificateSubject {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> server_names;  ///< DNS names and IP addresses, in their usual notation.
};

/// EC P-256 throughout. Any thread, one at a time.
class CertificateAuthority {
 public:
  [[nodiscard]] static Result<CertificateAuthority> create(const std::string& common_name);
  [[nodiscard]] static Result<CertificateAuthority> read(KeyPair pair);

  [[nodiscard]] const KeyPair& pair() const { return pair_; }
  [[nodiscard]] Result<KeyPair> issue(const CertificateSubject& subject) const;
  /// True when `certificate` is ours, says what `subject` says, and lasts longer than kRenewalDays.
  [[nodiscard]] bool still_good(const std::string& certificate, const CertificateSubject& subject) const;

 private:
  struct Parts;
  CertificateAuthority(KeyPair pair, std::shared_ptr<const Parts> parts)
      : pair_(std::move(pair)), parts_(std::move(parts)) {}
  KeyPair pair_;
  std::shared_ptr<const Parts> parts_;
};

/// What an API server and its first user need.
struct Pki {
  std::string ca;  ///< Certificate of the authority.
  KeyPair
      server;     ///< For 127.0.0.1, localhost, kubernetes.default.svc and its shorter and longer forms, and 10.96.0.1.
  KeyPair admin;  ///< CN kubernetes-admin, O system:masters.
};

/// Reads `directory` (ca.crt, ca.key, apiserver.crt, apiserver.key, admin.crt, admin.key), makes what is missing or
/// about to expire, and leaves keys readable by their owner alone (0600, the directory 0700).
[[nodiscard]] Result<Pki> ensure_pki(const std::filesystem::path& directory,
                                     const std::vector<std::string>& more_server_names = {});

/// The same without files: for tests and worlds that leave nothing behind.
[[nodiscard]] Result<Pki> make_pki(const std::vector<std::string>& more_server_names = {});

/// Writes beside `path` and renames, so that a reader sees the old text or the new one; mode 0600.
[[nodiscard]] Result<> write_private_file(const std::filesystem::path& path, const std::string& text);

}  // namespace fairlead::api
