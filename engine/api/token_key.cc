#include <array>
#include <fstream>
#include <sstream>
#include <utility>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/base64.h"
#include "base/hash.h"
#include "base/json.h"
#include "engine/api/pki.h"
#include "engine/api/token.h"
#include "net/openssl_pointer.h"

namespace fairlead::api {
namespace {

using PrivateKey = net::OpenSslPointer<EVP_PKEY, EVP_PKEY_free>;
using Digest = net::OpenSslPointer<EVP_MD_CTX, EVP_MD_CTX_free>;
using Bio = net::OpenSslPointer<BIO, BIO_free_all>;
using Signature = net::OpenSslPointer<ECDSA_SIG, ECDSA_SIG_free>;
using Number = net::OpenSslPointer<BIGNUM, BN_free>;

constexpr int kCoordinate = 32;  ///< Bytes of one number of a P-256 signature or point.
constexpr int kMinRsaBits = 2048;

unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string base64url(std::string_view bytes) {
  std::string out = base64_encode(bytes);
  while (out.ends_with('=')) out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : (c == '/' ? '_' : c);
  return out;
}

std::optional<std::string> unbase64url(std::string_view text) {
  std::string padded(text);
  for (char& c : padded) {
    if (c == '+' || c == '/' || c == '\n' || c == '\r' || c == '=') return std::nullopt;
    c = c == '-' ? '+' : (c == '_' ? '/' : c);
  }
  while (padded.size() % 4 != 0) padded += '=';
  return base64_decode(padded);
}

/// JWS wants the two numbers side by side, OpenSSL gives them as DER. RFC 7518 section 3.4.
std::optional<std::string> raw_from_der(std::string_view der) {
  const unsigned char* at = bytes_of(der);
  const Signature parsed(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (!parsed) return std::nullopt;
  std::string out(std::size_t{2} * kCoordinate, '\0');
  if (BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), bytes_of(out), kCoordinate) < 0) return std::nullopt;
  if (BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), bytes_of(out) + kCoordinate, kCoordinate) < 0) return std::nullopt;
  return out;
}

std::optional<std::string> der_from_raw(std::string_view raw) {
  if (raw.size() != std::size_t{2} * kCoordinate) return std::nullopt;
  const Signature made(ECDSA_SIG_new());
  Number r(BN_bin2bn(bytes_of(raw), kCoordinate, nullptr));
  Number s(BN_bin2bn(bytes_of(raw) + kCoordinate, kCoordinate, nullptr));
  if (!made || !r || !s || ECDSA_SIG_set0(made.get(), r.get(), s.get()) != 1) return std::nullopt;
  (void)r.release();  // The signature owns them now.
  (void)s.release();
  const int size = i2d_ECDSA_SIG(made.get(), nullptr);
  if (size <= 0) return std::nullopt;
  std::string out(static_cast<std::size_t>(size), '\0');
  unsigned char* at = bytes_of(out);
  i2d_ECDSA_SIG(made.get(), &at);
  return out;
}

std::string number_of(EVP_PKEY* key, const char* name, int size) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return {};
  const Number number(raw);
  std::string out(static_cast<std::size_t>(size > 0 ? size : BN_num_bytes(raw)), '\0');
  BN_bn2binpad(raw, bytes_of(out), static_cast<int>(out.size()));
  return out;
}

}  // namespace

struct TokenKey::Parts {
  PrivateKey key;
  bool elliptic = false;
  [[nodiscard]] std::string_view algorithm() const { return elliptic ? "ES256" : "RS256"; }
};

TokenKey::TokenKey(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(parts_->key.get(), &der);
  if (size > 0) id_ = sha256_hex({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)}).substr(0, 32);
  OPENSSL_free(der);
}

Result<TokenKey> TokenKey::create() {
  auto parts = std::make_shared<Parts>();
  parts->key.reset(EVP_EC_gen("P-256"));
  parts->elliptic = true;
  if (!parts->key) return fail("OpenSSL cannot make a P-256 key");
  return TokenKey(std::move(parts));
}

Result<TokenKey> TokenKey::read(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  auto parts = std::make_shared<Parts>();
  parts->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!parts->key) return fail("the key that signs tokens is not a private key in PEM");
  parts->elliptic = EVP_PKEY_is_a(parts->key.get(), "EC") == 1 && EVP_PKEY_get_bits(parts->key.get()) == 256;
  const bool rsa = EVP_PKEY_is_a(parts->key.get(), "RSA") == 1 && EVP_PKEY_get_bits(parts->key.get()) >= kMinRsaBits;
  if (!parts->elliptic && !rsa) return fail("the key that signs tokens must be P-256, or RSA of {} bits", kMinRsaBits);
  return TokenKey(std::move(parts));
}

Result<TokenKey> TokenKey::ensure(const std::filesystem::path& path) {
  if (std::ifstream file(path); file) {
    std::ostringstream text;
    text << file.rdbuf();
    auto key = read(text.str());
    if (!key) return std::unexpected(Error{key.error().message, path.string()});
    return key;
  }
  auto key = create();
  if (!key) return key;
  const auto pem = key->pem();
  if (!pem) return std::unexpected(pem.error());
  if (auto written = write_private_file(path, *pem); !written) return std::unexpected(written.error());
  return key;
}

Result<std::string> TokenKey::pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PrivateKey(bio.get(), parts_->key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return fail("OpenSSL cannot write the key that signs tokens");
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

Result<std::string> TokenKey::sign(const Value& claims) const {
  const Value header = Value::object({{"alg", parts_->algorithm()}, {"kid", id_}});
  std::string text = base64url(to_json(header)) + "." + base64url(to_json(claims));
  const Digest digest(EVP_MD_CTX_new());
  std::size_t size = 0;
  if (EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, parts_->key.get()) != 1 ||
      EVP_DigestSign(digest.get(), nullptr, &size, bytes_of(std::string_view(text)), text.size()) != 1) {
    return fail("OpenSSL cannot sign a token");
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(digest.get(), bytes_of(signature), &size, bytes_of(std::string_view(text)), text.size()) != 1) {
    return fail("OpenSSL cannot sign a token");
  }
  signature.resize(size);
  if (parts_->elliptic) {
    auto raw = raw_from_der(signature);
    if (!raw) return fail("OpenSSL gave a signature that it cannot read");
    signature = std::move(*raw);
  }
  return text + "." + base64url(signature);
}

Result<Value> TokenKey::verify(std::string_view token) const {
  if (token.size() > kMaxTokenSize) return fail("the token is longer than {} bytes", kMaxTokenSize);
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return fail("the token is not three parts with dots between");
  }
  const auto header_text = unbase64url(token.substr(0, first));
  const auto claims_text = unbase64url(token.substr(first + 1, second - first - 1));
  auto signature = unbase64url(token.substr(second + 1));
  if (!header_text || !claims_text || !signature) return fail("the token is not base64url");
  const auto header = parse_json(*header_text);
  if (!header || header->at("alg").str() != parts_->algorithm()) return fail("the token's algorithm is not accepted");
  if (parts_->elliptic) signature = der_from_raw(*signature);
  if (!signature) return fail("the token's signature is malformed");
  const Digest digest(EVP_MD_CTX_new());
  const std::string_view text = token.substr(0, second);
  const bool good = EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, parts_->key.get()) == 1 &&
                    EVP_DigestVerify(digest.get(), bytes_of(std::string_view(*signature)), signature->size(),
                                     bytes_of(text), text.size()) == 1;
  ERR_clear_error();
  if (!good) return fail("the token's signature is not ours");
  return parse_json(*claims_text);
}

Value TokenKey::key_set() const {
  Value key = Value::object({{"use", "sig"}, {"kid", id_}, {"alg", parts_->algorithm()}});
  EVP_PKEY* raw = parts_->key.get();
  if (parts_->elliptic) {
    key.set("kty", "EC").set("crv", "P-256");
    key.set("x", base64url(number_of(raw, OSSL_PKEY_PARAM_EC_PUB_X, kCoordinate)));
    key.set("y", base64url(number_of(raw, OSSL_PKEY_PARAM_EC_PUB_Y, kCoordinate)));
  } else {
    key.set("kty", "RSA");
    key.set("n", base64url(number_of(raw, OSSL_PKEY_PARAM_RSA_N, 0)));
    key.set("e", base64url(number_of(raw, OSSL_PKEY_PARAM_RSA_E, 0)));
  }
  return Value::object({{"keys", Value::array({std::move(key)})}});
}

}  // namespace fairlead::api
