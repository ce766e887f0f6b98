#include "base/json_error.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <set>
#include <string>

#include "base/json.h"
#include "base/utf8.h"

namespace fairlead {
namespace {

/// A recursive reader that keeps nothing but its place. Every `read_…` returns false after `fault_` was set.
class JsonProof {
 public:
  explicit JsonProof(std::string_view text) : text_(text) {}

  bool run() {
    const std::size_t bad = find_invalid_utf8(text_);
    if (bad != std::string_view::npos) return fault(bad, "invalid UTF-8");
    skip_space();
    if (at_ == text_.size()) return fault(at_, "empty: a JSON value was expected");
    if (!read_value(0)) return false;
    skip_space();
    return at_ == text_.size() || fault(at_, "unexpected text after the end of the JSON value");
  }

  [[nodiscard]] std::size_t place() const { return place_; }
  [[nodiscard]] const std::string& message() const { return fault_; }

 private:
  bool fault(std::size_t place, std::string message) {
    place_ = place;
    fault_ = std::move(message);
    return false;
  }

  bool unexpected(std::string_view wanted) {
    if (at_ >= text_.size()) return fault(text_.size(), fmt::format("unexpected end: {} was expected", wanted));
    return fault(at_, fmt::format("{} was expected", wanted));
  }

  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool accept(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool read_value(std::size_t depth) {
    switch (peek()) {
      case '{':
        return read_object(depth + 1);
      case '[':
        return read_array(depth + 1);
      case '"':
        return read_string();
      case 't':
        return read_word("true");
      case 'f':
        return read_word("false");
      case 'n':
        return read_word("null");
      default:
        return read_number();
    }
  }

  bool read_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return unexpected("a JSON value");
    at_ += word.size();
    return true;
  }

  bool too_deep() { return fault(at_, fmt::format("nested deeper than {} levels", kMaxJsonDepth)); }

  bool read_array(std::size_t depth) {
    if (depth > kMaxJsonDepth) return too_deep();
    ++at_;
    skip_space();
    if (accept(']')) return true;
    for (;;) {
      skip_space();
      if (!read_value(depth)) return false;
      skip_space();
      if (accept(']')) return true;
      if (!accept(',')) return unexpected("',' or ']'");
    }
  }

  bool read_object(std::size_t depth) {
    if (depth > kMaxJsonDepth) return too_deep();
    ++at_;
    std::set<std::string> keys;
    skip_space();
    if (accept('}')) return true;
    for (;;) {
      skip_space();
      if (peek() != '"') return unexpected("a quoted key");
      const std::size_t start = at_;
      std::string key;
      if (!read_string(&key)) return false;
      if (!keys.insert(key).second) return fault(start, fmt::format("duplicate key \"{}\"", key));
      skip_space();
      if (!accept(':')) return unexpected("':'");
      skip_space();
      if (!read_value(depth)) return false;
      skip_space();
      if (accept('}')) return true;
      if (!accept(',')) return unexpected("',' or '}'");
    }
  }

  bool read_string(std::string* out = nullptr) {
    const std::size_t start = at_++;
    for (;;) {
      if (at_ >= text_.size()) return fault(start, "this string has no end");
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) < 0x20) return fault(at_, "a control character in a string must be escaped");
      ++at_;
      if (c == '"') return true;
      if (c == '\\') {
        if (!read_escape(out)) return false;
      } else if (out != nullptr) {
        out->push_back(c);
      }
    }
  }

  bool read_escape(std::string* out) {
    static constexpr std::string_view kLetters = "\"\\/bfnrt";
    static constexpr std::string_view kMeaning = "\"\\/\b\f\n\r\t";
    const std::size_t start = at_ - 1;
    const char c = peek();
    ++at_;
    if (c == 'u') return read_unicode_escape(start, out);
    const std::size_t which = c == '\0' ? std::string_view::npos : kLetters.find(c);
    if (which == std::string_view::npos) return fault(start, "unknown escape in a string");
    if (out != nullptr) out->push_back(kMeaning[which]);
    return true;
  }

  bool read_unicode_escape(std::size_t start, std::string* out) {
    std::uint32_t code = 0;
    if (!read_hex(code)) return fault(start, "\\u must be followed by four hexadecimal digits");
    if (code >= 0xD800 && code < 0xDC00) {
      std::uint32_t low = 0;
      if (!accept('\\') || !accept('u') || !read_hex(low) || low < 0xDC00 || low > 0xDFFF) {
        return fault(start, "half of a surrogate pair");
      }
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code < 0xE000) {
      return fault(start, "half of a surrogate pair");
    }
    if (out != nullptr) append_utf8(*out, code);
    return true;
  }

  bool read_hex(std::uint32_t& code) {
    if (text_.size() - at_ < 4) return false;
    const char* first = text_.data() + at_;
    const auto [end, error] = std::from_chars(first, first + 4, code, 16);
    at_ += 4;
    return error == std::errc() && end == first + 4;
  }

  std::size_t digits() {
    const std::size_t start = at_;
    at_ = std::min(text_.find_first_not_of("0123456789", at_), text_.size());
    return at_ - start;
  }

  bool read_number() {
    const std::size_t start = at_;
    const bool negative = accept('-');
    const bool zero = peek() == '0';
    const std::size_t whole = digits();
    if (whole == 0) {
      if (negative) return fault(start, "a number needs digits");
      return unexpected("a JSON value");
    }
    if (zero && whole > 1) return fault(start, "a number must not start with 0");
    if (accept('.') && digits() == 0) return fault(start, "digits must follow the decimal point");
    if (accept('e') || accept('E')) {
      if (!accept('+')) accept('-');
      if (digits() == 0) return fault(start, "digits must follow the exponent");
    }
    // Too small is zero; only too large is a mistake.
    const std::string number(text_.substr(start, at_ - start));
    if (!std::isfinite(std::strtod(number.c_str(), nullptr))) return fault(start, "number out of range");
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t place_ = 0;
  std::string fault_;
};

}  // namespace

std::optional<Error> find_json_error(std::string_view text, std::string_view file) {
  JsonProof proof(text);
  if (proof.run()) return std::nullopt;
  const TextPosition position = position_of(text, proof.place());
  return Error{proof.message(), std::string(file), position.line, position.column};
}

}  // namespace fairlead
