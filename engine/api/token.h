// Service account tokens: JSON Web Tokens that the API server signs, and what it accepts when one comes back.
// Source: k8s.io/kubernetes/pkg/serviceaccount/{claims,jwt}.go and pkg/registry/core/serviceaccount/storage/token.go.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/api/api.h"
#include "engine/api/user.h"

namespace fairlead::api {

/// Issuer of every token, and the audience of those that name none.
inline constexpr std::string_view kTokenIssuer = "https://kubernetes.default.svc.cluster.local";
inline constexpr std::int64_t kTokenSeconds = 3600;       ///< When a request names no lifetime.
inline constexpr std::int64_t kMinTokenSeconds = 600;     ///< A request for less is refused…
inline constexpr std::int64_t kMaxTokenSeconds = 86'400;  ///< …and one for more is cut to this.
inline constexpr std::size_t kMaxTokenSize = 16 * 1024;   ///< Longer ones are refused unread.

/// A private key that signs, and the algorithm that goes with it: ES256 for P-256, RS256 for RSA. No other is accepted.
/// Any thread.
class TokenKey {
 public:
  /// A new P-256 key.
  [[nodiscard]] static Result<TokenKey> create();
  /// A private key in PEM: P-256, or RSA of at least 2048 bits.
  [[nodiscard]] static Result<TokenKey> read(const std::string& pem);
  /// The key in `path`, made there (mode 0600) when the file is missing.
  [[nodiscard]] static Result<TokenKey> ensure(const std::filesystem::path& path);

  [[nodiscard]] Result<std::string> pem() const;
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] Result<std::string> sign(const Value& claims) const;
  /// The claims of a token that this key signed. Times and audiences are the caller's to judge.
  [[nodiscard]] Result<Value> verify(std::string_view token) const;
  /// The public half as a JSON Web Key Set, for others who must check our tokens.
  [[nodiscard]] Value key_set() const;

 private:
  struct Parts;
  explicit TokenKey(std::shared_ptr<const Parts> parts);
  std::shared_ptr<const Parts> parts_;
  std::string id_;
};

struct TokenUser {
  User user;
  std::vector<std::string> audiences;  ///< Those of the wanted ones that the token is for; at least one.
};

/// Issues and accepts the tokens of the service accounts in the store. Control thread.
class ServiceAccountTokens {
 public:
  ServiceAccountTokens(const Api& api, TokenKey key) : api_(api), key_(std::move(key)) {}

  /// Fills the status of `request`, an authentication.k8s.io/v1 TokenRequest for the account, as POST …/token does.
  [[nodiscard]] ApiResult<Value> issue(std::string_view ns, std::string_view account, Value request) const;

  /// Whom a token stands for, or why it is not accepted: its signature, time and audience, and that the account and the
  /// pod it is bound to still live. Without `audiences` the API's own is meant.
  [[nodiscard]] std::expected<TokenUser, std::string> user_of(std::string_view token,
                                                              const std::vector<std::string>& audiences = {}) const;

  [[nodiscard]] const TokenKey& key() const { return key_; }

 private:
  [[nodiscard]] ApiResult<> bind(const Object& account, const Value& reference, Value& claims) const;
  [[nodiscard]] std::expected<void, std::string> check_bound(const Value& claims) const;

  const Api& api_;
  TokenKey key_;
};

}  // namespace fairlead::api
