#include "engine/api/pki.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "net/openssl_pointer.h"
#include "net/tls.h"

namespace fairlead::api {
namespace {

using Key = net::OpenSslPointer<EVP_PKEY, EVP_PKEY_free>;
using Certificate = net::OpenSslPointer<X509, X509_free>;
using Bio = net::OpenSslPointer<BIO, BIO_free_all>;
using Extension = net::OpenSslPointer<X509_EXTENSION, X509_EXTENSION_free>;
using Number = net::OpenSslPointer<BIGNUM, BN_free>;

constexpr int kSerialBits = 127;
constexpr long kDaySeconds = 24L * 60 * 60;
/// Clocks of clients may be a little behind.
constexpr long kBackdateSeconds = 60 * 60;
constexpr int kX509Version3 = 2;  // Counted from 0.

std::string bio_text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::string to_pem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  return bio_text(bio.get());
}

std::string to_pem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return bio_text(bio.get());
}

Bio memory_bio(const std::string& text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

Certificate read_certificate(const std::string& pem) {
  return Certificate(PEM_read_bio_X509(memory_bio(pem).get(), nullptr, nullptr, nullptr));
}

Key read_key(const std::string& pem) {
  return Key(PEM_read_bio_PrivateKey(memory_bio(pem).get(), nullptr, nullptr, nullptr));
}

void add_name(X509_NAME* name, const char* field, const std::string& value) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(value.data());
  X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, bytes, static_cast<int>(value.size()), -1, 0);
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& text) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, text.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool is_ip(const std::string& name) {
  return name.find_first_not_of("0123456789.") == std::string::npos || name.find(':') != std::string::npos;
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) {
    if (!out.empty()) out += ',';
    out += (is_ip(name) ? "IP:" : "DNS:") + name;
  }
  return out;
}

/// A certificate with everything but its extensions and signature.
Certificate begin_certificate(const CertificateSubject& subject, EVP_PKEY* key, int days) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), kX509Version3);
  const Number serial(BN_new());
  BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
  BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate.get()));
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kBackdateSeconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), days * kDaySeconds);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  for (const auto& organization : subject.organizations) add_name(name, "O", organization);
  add_name(name, "CN", subject.common_name);
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

std::string text_of_name(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  return bio_text(bio.get());
}

bool names_match(X509* certificate, const CertificateSubject& subject) {
  const Key key(EVP_EC_gen("P-256"));
  const auto wanted = begin_certificate(subject, key.get(), 1);
  if (text_of_name(certificate) != text_of_name(wanted.get())) return false;
  for (const auto& name : subject.server_names) {
    const bool found = is_ip(name) ? X509_check_ip_asc(certificate, name.c_str(), 0) == 1
                                   : X509_check_host(certificate, name.c_str(), name.size(), 0, nullptr) == 1;
    if (!found) return false;
  }
  return true;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

CertificateSubject server_subject(const std::vector<std::string>& more) {
  CertificateSubject subject{.common_name = "kube-apiserver",
                             .organizations = {},
                             .server_names = {"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
                                              "kubernetes.default.svc.cluster.local", "127.0.0.1", "10.96.0.1"}};
  subject.server_names.insert(subject.server_names.end(), more.begin(), more.end());
  return subject;
}

const CertificateSubject& admin_subject() {
  static const CertificateSubject subject{
      .common_name = "kubernetes-admin", .organizations = {"system:masters"}, .server_names = {}};
  return subject;
}

constexpr const char* kAuthorityName = "fairlead";

/// The pair in `<stem>.crt` and `<stem>.key`, made anew unless it is still good.
Result<KeyPair> ensure_pair(const CertificateAuthority& authority, const std::filesystem::path& stem,
                            const CertificateSubject& subject) {
  const auto certificate_path = std::filesystem::path(stem).concat(".crt");
  const auto key_path = std::filesystem::path(stem).concat(".key");
  KeyPair pair{read_file(certificate_path), read_file(key_path)};
  if (read_key(pair.key) && authority.still_good(pair.certificate, subject)) return pair;
  auto made = authority.issue(subject);
  if (!made) return made;
  if (auto written = write_private_file(key_path, made->key); !written) return std::unexpected(written.error());
  if (auto written = write_private_file(certificate_path, made->certificate); !written) {
    return std::unexpected(written.error());
  }
  return made;
}

Result<CertificateAuthority> ensure_authority(const std::filesystem::path& directory) {
  const auto certificate = read_file(directory / "ca.crt");
  const auto key = read_file(directory / "ca.key");
  if (!certificate.empty() && !key.empty()) {
    auto read = CertificateAuthority::read({certificate, key});
    if (!read) return std::unexpected(wrap((directory / "ca.key").string(), read.error()));
    return read;
  }
  auto made = CertificateAuthority::create(kAuthorityName);
  if (!made) return made;
  if (auto written = write_private_file(directory / "ca.key", made->pair().key); !written) {
    return std::unexpected(written.error());
  }
  if (auto written = write_private_file(directory / "ca.crt", made->pair().certificate); !written) {
    return std::unexpected(written.error());
  }
  return made;
}

}  // namespace

struct CertificateAuthority::Parts {
  Certificate certificate;
  Key key;
};

Result<CertificateAuthority> CertificateAuthority::create(const std::string& common_name) {
  auto parts = std::make_shared<Parts>();
  parts->key.reset(EVP_EC_gen("P-256"));
  if (!parts->key) return fail("cannot make a key: {}", net::openssl_reason());
  parts->certificate = begin_certificate({common_name, {}, {}}, parts->key.get(), kAuthorityDays);
  X509* certificate = parts->certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  const bool complete =
      add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE") &&
      add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature") &&
      add_extension(certificate, certificate, NID_subject_key_identifier, "hash");
  if (!complete || X509_sign(certificate, parts->key.get(), EVP_sha256()) == 0) {
    return fail("cannot make the certificate authority: {}", net::openssl_reason());
  }
  KeyPair pair{to_pem(certificate), to_pem(parts->key.get())};
  return CertificateAuthority(std::move(pair), std::move(parts));
}

Result<CertificateAuthority> CertificateAuthority::read(KeyPair pair) {
  auto parts = std::make_shared<Parts>();
  parts->certificate = read_certificate(pair.certificate);
  parts->key = read_key(pair.key);
  if (!parts->certificate || !parts->key) return fail("not a PEM certificate and key: {}", net::openssl_reason());
  if (X509_check_private_key(parts->certificate.get(), parts->key.get()) != 1) {
    return fail("the certificate and the key do not belong together; remove both and start again");
  }
  return CertificateAuthority(std::move(pair), std::move(parts));
}

Result<KeyPair> CertificateAuthority::issue(const CertificateSubject& subject) const {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return fail("cannot make a key: {}", net::openssl_reason());
  const auto certificate = begin_certificate(subject, key.get(), kCertificateDays);
  X509* issuer = parts_->certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
  const bool server = !subject.server_names.empty();
  bool complete = add_extension(certificate.get(), issuer, NID_basic_constraints, "critical,CA:FALSE") &&
                  add_extension(certificate.get(), issuer, NID_key_usage, "critical,digitalSignature") &&
                  add_extension(certificate.get(), issuer, NID_ext_key_usage, server ? "serverAuth" : "clientAuth") &&
                  add_extension(certificate.get(), issuer, NID_authority_key_identifier, "keyid");
  if (server) {
    complete = complete &&
               add_extension(certificate.get(), issuer, NID_subject_alt_name, alternative_names(subject.server_names));
  }
  if (!complete || X509_sign(certificate.get(), parts_->key.get(), EVP_sha256()) == 0) {
    return fail("cannot sign the certificate of {}: {}", subject.common_name, net::openssl_reason());
  }
  return KeyPair{to_pem(certificate.get()), to_pem(key.get())};
}

bool CertificateAuthority::still_good(const std::string& certificate, const CertificateSubject& subject) const {
  const auto parsed = read_certificate(certificate);
  if (!parsed || X509_verify(parsed.get(), parts_->key.get()) != 1) return false;
  int days = 0;
  int seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(parsed.get())) != 1) return false;
  return days > kRenewalDays && names_match(parsed.get(), subject);
}

Result<Pki> ensure_pki(const std::filesystem::path& directory, const std::vector<std::string>& more_server_names) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return fail("cannot make {}: {}", directory.string(), error.message());
  if (::chmod(directory.c_str(), S_IRWXU) != 0)
    return fail("cannot protect {}: {}", directory.string(), std::strerror(errno));
  const auto authority = ensure_authority(directory);
  if (!authority) return std::unexpected(authority.error());
  auto server = ensure_pair(*authority, directory / "apiserver", server_subject(more_server_names));
  if (!server) return std::unexpected(server.error());
  auto admin = ensure_pair(*authority, directory / "admin", admin_subject());
  if (!admin) return std::unexpected(admin.error());
  return Pki{authority->pair().certificate, std::move(*server), std::move(*admin)};
}

Result<Pki> make_pki(const std::vector<std::string>& more_server_names) {
  const auto authority = CertificateAuthority::create(kAuthorityName);
  if (!authority) return std::unexpected(authority.error());
  auto server = authority->issue(server_subject(more_server_names));
  if (!server) return std::unexpected(server.error());
  auto admin = authority->issue(admin_subject());
  if (!admin) return std::unexpected(admin.error());
  return Pki{authority->pair().certificate, std::move(*server), std::move(*admin)};
}

Result<> write_private_file(const std::filesystem::path& path, const std::string& text) {
  const std::string temporary = path.string() + ".new";
  ::unlink(temporary.c_str());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (fd < 0) return fail("cannot write {}: {}", temporary, std::strerror(errno));
  std::size_t written = 0;
  while (written < text.size()) {
    const auto n = ::write(fd, text.data() + written, text.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    written += static_cast<std::size_t>(n);
  }
  const bool whole = written == text.size() && ::fsync(fd) == 0;
  const int problem = errno;
  ::close(fd);
  if (!whole) return fail("cannot write {}: {}", temporary, std::strerror(problem));
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return fail("cannot rename {} to {}: {}", temporary, path.string(), std::strerror(errno));
  }
  return {};
}

}  // namespace fairlead::api
