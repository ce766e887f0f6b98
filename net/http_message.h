// HTTP messages as values.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::net {

/// Header fields in their order; names compare without regard to case. All text lives in one buffer, so a message costs
/// two allocations whatever it carries. Views handed out are valid until the next change.
class Headers {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
  };

  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string_view, std::string_view>> fields);

  /// Appends; a name may occur more than once. Names and values are the caller's to get right where they come from the
  /// program; `is_token` and `is_field_value` check what comes from data.
  void add(std::string_view name, std::string_view value);
  /// Replaces every field called `name` by one.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  void clear();

  /// The first value, or "".
  [[nodiscard]] std::string_view get(std::string_view name) const;
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return find(name).has_value(); }
  /// True when a comma-separated field called `name` holds `token`, in any case: `contains("connection", "close")`.
  [[nodiscard]] bool contains(std::string_view name, std::string_view token) const;
  [[nodiscard]] std::size_t size() const { return fields_.size(); }
  [[nodiscard]] Field at(std::size_t index) const;

  class Iterator {
   public:
    using value_type = Field;
    using difference_type = std::ptrdiff_t;
    Iterator(const Headers& headers, std::size_t index) : headers_(&headers), index_(index) {}
    Field operator*() const { return headers_->at(index_); }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.index_ == b.index_; }

   private:
    const Headers* headers_;
    std::size_t index_;
  };
  [[nodiscard]] Iterator begin() const { return {*this, 0}; }
  [[nodiscard]] Iterator end() const { return {*this, fields_.size()}; }

 private:
  struct Place {
    std::uint32_t name;
    std::uint32_t value;
    std::uint32_t end;
  };
  std::string text_;
  std::vector<Place> fields_;
};

/// Who sent a request over TLS, from the certificate's subject.
struct PeerCertificate {
  std::string common_name;
  std::vector<std::string> organizations;
};

/// The other end of a connection.
struct Peer {
  std::string address{};  ///< "127.0.0.1:40312"
  bool tls = false;
  std::optional<PeerCertificate> certificate{};  ///< Verified against the client CA; nothing when none was shown.
  std::string certificate_error{};               ///< Why a certificate that was shown was not accepted; else "".
};

struct Request {
  std::string method = "GET";
  std::string target = "/";  ///< Path and query, still percent-encoded; the host of an absolute one is in Host.
  int minor = 1;             ///< HTTP/1.minor: 0 or 1.
  Headers headers{};
  std::string body{};
  Peer peer{};  ///< Set by the server.

  /// "/a%20b" of "/a%20b?c=d".
  [[nodiscard]] std::string_view path() const;
  /// "c=d" of "/a%20b?c=d"; "" without one.
  [[nodiscard]] std::string_view query() const;
};

struct Response {
  int status = 200;
  Headers headers{};
  std::string body{};
};

/// RFC 9110's phrase: "Not Found".
[[nodiscard]] std::string_view reason_phrase(int status);
/// True for statuses that never carry a body: 1xx, 204, 304.
[[nodiscard]] bool status_without_body(int status);
/// RFC 9110 token: what a method or a field name may be.
[[nodiscard]] bool is_token(std::string_view text);
/// No control characters except tab.
[[nodiscard]] bool is_field_value(std::string_view text);
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);
/// Percent-decoding; nothing for a malformed escape or one that decodes to NUL. '+' becomes a space in queries only.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, bool query = false);
[[nodiscard]] std::string percent_encode(std::string_view text);
/// The decoded pairs of "a=1&b=x%20y", in order; malformed ones are left out.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

/// Appends "name: value\r\n" for each field.
void append_headers(std::string& out, const Headers& headers);
/// Appends "HTTP/1.1 200 OK\r\n".
void append_status_line(std::string& out, int status);
/// Appends one chunk of a chunked body; nothing for an empty one, which would end it.
void append_chunk(std::string& out, std::string_view data);

}  // namespace fairlead::net
