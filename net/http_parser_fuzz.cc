// Any bytes, cut anywhere, give the same result as the bytes in one piece, and never break a limit.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http_parser.h"

namespace {

using fairlead::net::HttpParser;

struct Outcome {
  HttpParser::State state;
  std::string text;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome parse(HttpParser::Kind kind, std::string_view bytes, std::size_t step) {
  constexpr std::size_t kBody = 512;
  HttpParser parser(kind, {.head_bytes = 1024, .header_fields = 8, .body_bytes = kBody});
  std::size_t taken = 0;
  for (std::size_t seen = 0; seen < bytes.size() && !parser.complete() && !parser.failed();) {
    seen = seen + step < bytes.size() ? seen + step : bytes.size();
    taken += parser.consume(bytes.substr(taken, seen - taken));
    FAIRLEAD_ASSERT(taken <= seen);
  }
  FAIRLEAD_ASSERT(parser.body().size() <= kBody);
  if (parser.failed()) return {parser.state(), std::to_string(parser.error().status)};
  return {parser.state(), parser.request().method + parser.request().target + parser.body()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const auto kind : {HttpParser::Kind::kRequest, HttpParser::Kind::kResponse}) {
    const Outcome whole = parse(kind, bytes, size + 1);
    const Outcome bitwise = parse(kind, bytes, 1);
    // A refusal may come earlier or later, and for another reason, when bytes are still missing; never change a
    // message.
    if (whole.state == HttpParser::State::kComplete) FAIRLEAD_ASSERT(whole == bitwise);
    if (bitwise.state == HttpParser::State::kComplete) FAIRLEAD_ASSERT(whole == bitwise);
  }
  return 0;
}
