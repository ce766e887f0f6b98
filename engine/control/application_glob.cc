#include "engine/control/application_glob.h"

#include <bitset>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::control {
namespace {

/// Alternatives that a pattern may stand for: `{a,b}{c,d}` are four.
constexpr std::size_t kMaxAlternatives = 256;

using Bytes = std::bitset<256>;
enum class Dialect : std::uint8_t { kGlob, kFile };

/// One byte of a set, or any number of them.
struct Token {
  Bytes set;
  bool many = false;
};
using Tokens = std::vector<Token>;

Bytes only(char c) { return Bytes().set(static_cast<unsigned char>(c)); }

Bytes all_but(std::string_view separators) {
  Bytes out = Bytes().set();
  for (const char c : separators) out.reset(static_cast<unsigned char>(c));
  return out;
}

void add_range(Bytes& set, char low, char high) {
  for (int c = static_cast<unsigned char>(low); c <= static_cast<unsigned char>(high); ++c)
    set.set(static_cast<std::size_t>(c));
}

/// What stands between the brackets, of which `at` is the first place; leaves `at` behind the closing one.
std::optional<Bytes> read_class(std::string_view pattern, std::size_t& at, Dialect dialect) {
  const char negation = dialect == Dialect::kGlob ? '!' : '^';
  const bool negated = at < pattern.size() && pattern[at] == negation;
  if (negated) ++at;
  Bytes set;
  bool closed_range = false;
  for (std::size_t read = 0;; ++read) {
    if (at >= pattern.size()) return std::nullopt;
    if (pattern[at] == ']') {
      if (read == 0) return std::nullopt;
      ++at;
      return negated ? ~set : set;
    }
    if (closed_range && dialect == Dialect::kGlob) return std::nullopt;  // A range stands alone there.
    if (pattern[at] == '\\') ++at;
    if (at >= pattern.size()) return std::nullopt;
    const char low = pattern[at++];
    const bool range = at + 1 < pattern.size() && pattern[at] == '-' && (dialect == Dialect::kFile || read == 0);
    if (!range) {
      set |= only(low);
      continue;
    }
    add_range(set, low, pattern[at + 1]);
    at += 2;
    closed_range = true;
  }
}

std::optional<Tokens> read(std::string_view pattern, std::string_view separators, Dialect dialect) {
  Tokens out;
  for (std::size_t at = 0; at < pattern.size();) {
    const char c = pattern[at++];
    if (c == '*') {
      const bool anything = dialect == Dialect::kGlob && at < pattern.size() && pattern[at] == '*';
      if (anything) ++at;
      out.push_back({anything ? Bytes().set() : all_but(separators), true});
    } else if (c == '?') {
      out.push_back({all_but(separators)});
    } else if (c == '[') {
      const auto set = read_class(pattern, at, dialect);
      if (!set) return std::nullopt;
      out.push_back({*set});
    } else if (c == '\\') {
      if (at >= pattern.size()) return std::nullopt;
      out.push_back({only(pattern[at++])});
    } else {
      out.push_back({only(c)});
    }
  }
  return out;
}

/// Follows every way through the pattern at once, so that no pattern takes longer than its length times the text's.
bool matches(const Tokens& tokens, std::string_view text) {
  std::vector<bool> here(tokens.size() + 1);
  here[0] = true;
  const auto skip_many = [&](std::vector<bool>& places) {
    for (std::size_t i = 0; i < tokens.size(); ++i)
      if (places[i] && tokens[i].many) places[i + 1] = true;
  };
  skip_many(here);
  for (const char c : text) {
    std::vector<bool> next(tokens.size() + 1);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (here[i] && tokens[i].set.test(static_cast<unsigned char>(c))) next[tokens[i].many ? i : i + 1] = true;
    }
    skip_many(next);
    here = std::move(next);
  }
  return here.back();
}

/// The place of the next `wanted` at this depth of braces, from `at` on; npos where there is none.
std::size_t next_of(std::string_view pattern, std::size_t at, std::string_view wanted) {
  int depth = 0;
  for (bool in_class = false; at < pattern.size(); ++at) {
    const char c = pattern[at];
    if (c == '\\') {
      ++at;
    } else if (in_class) {
      in_class = c != ']';
    } else if (depth == 0 && wanted.contains(c)) {
      return at;
    } else if (c == '[') {
      in_class = true;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}') {
      --depth;
    }
  }
  return std::string_view::npos;
}

/// Adds what `pattern` stands for without braces; false where it is broken or stands for too much.
bool expand(const std::string& pattern, std::vector<std::string>& out) {
  const std::size_t open = next_of(pattern, 0, "{");
  if (open == std::string::npos) {
    out.push_back(pattern);
    return out.size() <= kMaxAlternatives;
  }
  const std::size_t close = next_of(pattern, open + 1, "}");
  if (close == std::string::npos) return false;
  for (std::size_t at = open + 1; at <= close;) {
    const std::size_t end = next_of(pattern, at, ",}");
    if (!expand(pattern.substr(0, open) + pattern.substr(at, end - at) + pattern.substr(close + 1), out)) return false;
    at = end + 1;
  }
  return true;
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text, std::string_view separators) {
  std::vector<std::string> alternatives;
  if (!expand(std::string(pattern), alternatives)) return false;
  bool found = false;
  for (const std::string& alternative : alternatives) {
    const auto tokens = read(alternative, separators, Dialect::kGlob);
    if (!tokens) return false;
    found = found || matches(*tokens, text);
  }
  return found;
}

bool glob_allows(std::string_view pattern, std::string_view text, std::string_view separators) {
  if (is_denial(pattern)) return !glob_matches(pattern.substr(1), text, separators);
  return pattern == "*" || glob_matches(pattern, text, separators);
}

bool file_glob_matches(std::string_view pattern, std::string_view text) {
  const auto tokens = read(pattern, "/", Dialect::kFile);
  return tokens && matches(*tokens, text);
}

}  // namespace fairlead::control
