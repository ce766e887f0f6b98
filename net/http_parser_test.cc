#include "net/http_parser.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace fairlead::net {
namespace {

struct Case {
  std::string name;
  std::string bytes;
  std::vector<std::string> expected;
};

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (text[++i]) {
      case 'r':
        out += '\r';
        break;
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case '0':
        out += '\0';
        break;
      case 'x':
        out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
        i += 2;
        break;
      default:
        out += text[i];
    }
  }
  return out;
}

std::vector<Case> read_cases() {
  std::ifstream file(FAIRLEAD_SOURCE_DIR "/net/testdata/requests.txt");
  std::vector<Case> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("case ")) cases.push_back({line.substr(5), {}, {}});
    if (line.starts_with("send ")) cases.back().bytes = unescape(line.substr(5));
    if (line.starts_with("request ") || line.starts_with("error ") || line == "more") {
      cases.back().expected.push_back(unescape(line));
    }
  }
  return cases;
}

ParserLimits small_limits() { return {.head_bytes = 1000, .header_fields = 8, .body_bytes = 1000}; }

// Everything the parser makes of `bytes`, given to it `step` bytes at a time.
std::vector<std::string> parse(std::string_view bytes, std::size_t step) {
  HttpParser parser(HttpParser::Kind::kRequest, small_limits());
  std::vector<std::string> results;
  std::size_t taken = 0;
  for (std::size_t seen = 0; seen < bytes.size();) {
    seen = std::min(seen + step, bytes.size());
    for (bool again = true; again && taken < seen;) {
      taken += parser.consume(bytes.substr(taken, seen - taken));
      again = false;
      if (parser.failed()) {
        results.push_back("error " + std::to_string(parser.error().status) + " " + parser.error().message);
        return results;
      }
      if (parser.complete()) {
        const Request& request = parser.request();
        results.push_back("request " + request.method + " " + request.target +
                          (request.body.empty() ? "" : " " + request.body));
        parser.reset();
        again = true;
      }
    }
  }
  if (taken < bytes.size() || parser.state() == HttpParser::State::kBody) results.emplace_back("more");
  return results;
}

void expect_same(const Case& test, const std::vector<std::string>& found) {
  ASSERT_EQ(found.size(), test.expected.size()) << (found.empty() ? "nothing" : found.back());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::string& expected = test.expected[i];
    if (!expected.starts_with("error ")) {
      EXPECT_EQ(found[i], expected);
      continue;
    }
    EXPECT_EQ(found[i].substr(0, 9), expected.substr(0, 9)) << found[i];
    EXPECT_NE(found[i].find(expected.substr(10)), std::string::npos) << found[i];
  }
}

TEST(HttpParser, TheHostOfAnAbsoluteTargetTakesThePlaceOfHost) {
  for (const auto* rest : {"HTTP/1.1\r\nHost: other\r\nA: b\r\n\r\n", "HTTP/1.0\r\n\r\n"}) {
    HttpParser parser(HttpParser::Kind::kRequest, small_limits());
    parser.consume("GET http://[::1]:8080/x " + std::string(rest));
    ASSERT_TRUE(parser.complete()) << parser.error().message;
    EXPECT_EQ(parser.request().target, "/x");
    EXPECT_EQ(parser.headers().get("host"), "[::1]:8080");
    int hosts = 0;
    for (const auto field : parser.headers()) hosts += equal_ignoring_case(field.name, "host") ? 1 : 0;
    EXPECT_EQ(hosts, 1);
    parser.reset();
    parser.consume("GET /y HTTP/1.1\r\nHost: other\r\n\r\n");
    EXPECT_EQ(parser.headers().get("host"), "other") << "the next request has its own";
  }
}

TEST(HttpParser, ReadsRequestsAsTheDataSays) {
  const auto cases = read_cases();
  ASSERT_GT(cases.size(), 40U);
  for (const Case& test : cases) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
      SCOPED_TRACE(test.name + ", " + std::to_string(step) + " bytes at a time");
      expect_same(test, parse(test.bytes, step));
    }
  }
}

TEST(HttpParser, BoundsTheHead) {
  HttpParser parser(HttpParser::Kind::kRequest, small_limits());
  parser.consume("GET / HTTP/1.1\r\nA: " + std::string(1000, 'a'));
  ASSERT_TRUE(parser.failed());
  EXPECT_EQ(parser.error().status, 431);
}

TEST(HttpParser, BoundsChunkLinesAndTrailers) {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  HttpParser line(HttpParser::Kind::kRequest);
  line.consume(head + "5;" + std::string(kMaxChunkLine, 'a'));
  EXPECT_TRUE(line.failed());
  HttpParser trailers(HttpParser::Kind::kRequest);
  std::string many = head + "0\r\n";
  while (many.size() < 2 * kMaxTrailerBytes) many += "A: b\r\n";
  trailers.consume(many);
  ASSERT_TRUE(trailers.failed());
  EXPECT_EQ(trailers.error().status, 431);
}

TEST(HttpParser, TellsWhetherTheConnectionGoesOn) {
  const auto keeps = [](std::string_view bytes) {
    HttpParser parser(HttpParser::Kind::kRequest);
    parser.consume(bytes);
    EXPECT_TRUE(parser.complete());
    return parser.keep_alive();
  };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

std::string read_response(std::string_view bytes, bool head_request = false) {
  HttpParser parser(HttpParser::Kind::kResponse);
  parser.set_head_request(head_request);
  const auto taken = parser.consume(bytes);
  if (!parser.complete()) parser.finish();
  if (parser.failed()) return parser.error().message;
  return std::to_string(parser.status()) + " " + parser.body() + " +" + std::to_string(bytes.size() - taken) +
         (parser.keep_alive() ? " keep" : " close");
}

TEST(HttpParser, ReadsResponses) {
  EXPECT_EQ(read_response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhixx"), "200 hi +2 keep");
  EXPECT_EQ(read_response("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), "200  +0 keep");
  EXPECT_EQ(read_response("HTTP/1.1 200 OK\r\n\r\nuntil the end"), "200 until the end +0 close");
  EXPECT_EQ(read_response("HTTP/1.1 204 No Content\r\n\r\n"), "204  +0 keep");
  EXPECT_EQ(read_response("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true), "200  +0 keep");
  EXPECT_EQ(read_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
            "200 hi +0 keep");
  EXPECT_EQ(read_response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi"),
            "the connection ended in the middle of a message");
  EXPECT_EQ(read_response("HTTP/2 200\r\n\r\n"), "the status line is not \"HTTP/1.1 code reason\"");
}

TEST(Headers, CompareNamesWithoutCaseAndKeepOrder) {
  Headers headers{{"A", "1"}, {"b", "2"}, {"a", "3"}};
  EXPECT_EQ(headers.get("a"), "1");
  headers.set("B", headers.get("A"));
  EXPECT_EQ(headers.get("b"), "1");
  headers.remove("a");
  EXPECT_FALSE(headers.has("A"));
  EXPECT_EQ(headers.size(), 1U);
}

TEST(PercentCoding, RefusesWhatIsMalformed) {
  EXPECT_EQ(percent_decode("/a%20b+c"), "/a b+c");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  EXPECT_EQ(percent_decode("%zz"), std::nullopt);
  EXPECT_EQ(percent_decode("%2"), std::nullopt);
  EXPECT_EQ(percent_decode("%00"), std::nullopt);
  EXPECT_EQ(percent_decode(percent_encode("a/b ü\x01")), "a/b ü\x01");
  EXPECT_EQ(parse_query("a=1&b=x%20y&c&bad=%zz").size(), 3U);
}

}  // namespace
}  // namespace fairlead::net
