#include "net/http_server.h"

#include <atomic>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "net/testing_peer.h"

namespace fairlead::net {
namespace {

using namespace std::chrono_literals;
using testing::RawPeer;

std::unique_ptr<HttpServer> serve(Handler handler, ServerOptions options = {}) {
  auto server = HttpServer::start(std::move(options), std::move(handler));
  EXPECT_TRUE(server.has_value()) << server.error().to_string();
  return std::move(*server);
}

/// Says what was asked: "METHOD target body".
void echo(const Request& request, const ResponseWriter& response) {
  response.send({.headers = {{"content-type", "text/plain"}},
                 .body = request.method + " " + request.target + " " + request.body + "\n"});
}

template <class Predicate>
bool eventually(Predicate holds) {
  for (int i = 0; i < 2000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  const auto server = serve(echo);
  RawPeer peer(server->port());
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  peer.send(requests);
  const std::string all = peer.read_until("GET /99 ");
  std::size_t last = 0;
  for (int i = 0; i < 100; ++i) {
    const auto at = all.find("GET /" + std::to_string(i) + " ");
    ASSERT_NE(at, std::string::npos);
    EXPECT_GE(at, last);
    last = at;
  }
  EXPECT_EQ(server->stats().accepted, 1U);
}

TEST(HttpServer, ClosesWhenAsked) {
  const auto server = serve(echo);
  RawPeer peer(server->port());
  peer.send("POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi");
  const std::string all = peer.read_all();
  EXPECT_NE(all.find("connection: close"), std::string::npos);
  EXPECT_NE(all.find("POST /x hi"), std::string::npos);
  RawPeer old(server->port());
  old.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_NE(old.read_all().find("GET / "), std::string::npos);
}

TEST(HttpServer, LeavesABodyThatIsNotWantedUnread) {
  ServerOptions options;
  options.reads_body = [](const Request& head) { return head.peer.address.empty() || head.headers.has("Token"); };
  const auto server = serve(echo, std::move(options));
  constexpr std::string_view kNext = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
  for (const auto* framing : {"Content-Length: 1000000\r\n", "Transfer-Encoding: chunked\r\n",
                              "Content-Length: 1000000\r\nExpect: 100-continue\r\n"}) {
    RawPeer peer(server->port());
    peer.send("POST /x HTTP/1.1\r\nHost: x\r\n" + std::string(framing) + "\r\n");
    peer.read_until("POST /x \n");
    peer.send(kNext);
    const std::string all = peer.read_all();
    EXPECT_NE(all.find("connection: close"), std::string::npos) << all;
    EXPECT_EQ(occurrences(all, "HTTP/1.1 "), 1U) << all;
  }
  RawPeer begun(server->port());  // A part of the body came with the head.
  begun.send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + std::string(kNext));
  const std::string all = begun.read_all();
  EXPECT_NE(all.find("POST /x \n"), std::string::npos) << "no piece of the body either: " << all;
  EXPECT_EQ(occurrences(all, "HTTP/1.1 "), 1U) << all;
  RawPeer known(server->port());
  known.send("POST /x HTTP/1.1\r\nHost: x\r\nToken: t\r\nContent-Length: 2\r\n\r\n");
  known.send("hiPOST /y HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nho");
  EXPECT_NE(known.read_until("POST /y ho").find("POST /x hi"), std::string::npos);
}

TEST(HttpServer, HeadHasTheLengthAndNoBody) {
  const auto server = serve(echo);
  RawPeer peer(server->port());
  peer.send("HEAD /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string all = peer.read_all();
  EXPECT_NE(all.find("content-length: 9\r\n"), std::string::npos) << all;
  EXPECT_TRUE(all.ends_with("\r\n\r\n"));
}

TEST(HttpServer, SaysContinueToWhoWaitsForIt) {
  const auto server = serve(echo);
  RawPeer peer(server->port());
  peer.send("POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  peer.read_until("100 Continue\r\n\r\n");
  peer.send("hi");
  EXPECT_NE(peer.read_until("POST /x hi").find("200 OK"), std::string::npos);
}

TEST(HttpServer, WordsARefusalAsItIsTold) {
  ServerOptions options;
  options.limits.parser.body_bytes = 10;
  options.refusal = [](const ParseError& why) {
    return Response{.status = why.status, .headers = {{"content-type", "x/y"}}, .body = "no: " + why.message};
  };
  const auto server = serve(echo, std::move(options));
  RawPeer large(server->port());
  large.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n");
  const std::string all = large.read_all();
  EXPECT_TRUE(all.starts_with("HTTP/1.1 413 ")) << all;
  EXPECT_NE(all.find("content-type: x/y"), std::string::npos) << all;
  EXPECT_TRUE(all.ends_with("no: the body is larger than 10 bytes")) << all;
}

TEST(HttpServer, RefusesBadRequestsWithAReasonAndCloses) {
  const auto server = serve(echo, {.limits = {.parser = {.body_bytes = 10}}});
  RawPeer bad(server->port());
  bad.send("GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string all = bad.read_all();
  EXPECT_TRUE(all.starts_with("HTTP/1.1 400 ")) << all;
  EXPECT_EQ(occurrences(all, "HTTP/1.1 "), 1U);
  // The answer arrives although the body is still being sent, and its sender reads only afterwards.
  RawPeer large(server->port());
  large.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n" + std::string(8'000'000, 'a'));
  EXPECT_TRUE(large.read_all().starts_with("HTTP/1.1 413 "));
  EXPECT_EQ(server->stats().bad_requests, 2U);
}

TEST(HttpServer, AnswersLaterFromAnotherThread) {
  std::vector<std::jthread> threads;
  std::mutex mutex;
  const auto server = serve([&](Request request, ResponseWriter response) {
    const std::lock_guard lock(mutex);
    threads.emplace_back([request = std::move(request), response = std::move(response)] { echo(request, response); });
  });
  RawPeer peer(server->port());
  peer.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string all = peer.read_until("GET /2");
  EXPECT_LT(all.find("GET /1"), all.find("GET /2"));
}

TEST(HttpServer, StreamsFromAnotherThreadUntilTheEnd) {
  std::promise<ResponseWriter> kept;
  const auto server = serve([&](const Request&, ResponseWriter response) {
    response.start(200, {{"content-type", "text/event-stream"}});
    kept.set_value(std::move(response));
  });
  RawPeer peer(server->port());
  peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(peer.read_until("\r\n\r\n").find("transfer-encoding: chunked"), std::string::npos);
  const ResponseWriter writer = kept.get_future().get();
  EXPECT_EQ(writer.write("one"), Written::kOk);
  EXPECT_NE(peer.read_until("one").find("3\r\none\r\n"), std::string::npos);
  EXPECT_EQ(writer.write("two"), Written::kOk);
  writer.end();
  EXPECT_TRUE(peer.read_until("0\r\n\r\n").ends_with("3\r\ntwo\r\n0\r\n\r\n"));
  EXPECT_EQ(writer.write("late"), Written::kClosed);
}

TEST(HttpServer, StreamsToOldPeersByClosing) {
  const auto server = serve([](const Request&, const ResponseWriter& response) {
    response.start(200, {});
    response.write("one");
    response.write("two");
    response.end();
  });
  RawPeer peer(server->port());
  peer.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(peer.read_all().ends_with("\r\n\r\nonetwo"));
}

TEST(HttpServer, NoticesThatAStreamsReaderLeft) {
  std::promise<void> closed;
  std::promise<ResponseWriter> kept;
  const auto server = serve([&](const Request&, ResponseWriter response) {
    response.start(200, {});
    response.on_closed([&] { closed.set_value(); });
    kept.set_value(std::move(response));
  });
  auto peer = std::make_unique<RawPeer>(server->port());
  peer->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const ResponseWriter writer = kept.get_future().get();
  peer->read_until("\r\n\r\n");
  peer.reset();
  ASSERT_EQ(closed.get_future().wait_for(10s), std::future_status::ready);
  EXPECT_EQ(writer.write("x"), Written::kClosed);
  bool late = false;
  writer.on_closed([&] { late = true; });
  EXPECT_TRUE(late);
}

TEST(HttpServer, AnswersAPeerThatClosedItsSendingSide) {
  std::promise<ResponseWriter> kept;
  const auto server = serve([&](const Request&, ResponseWriter response) { kept.set_value(std::move(response)); });
  RawPeer peer(server->port());
  peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  peer.end_sending();
  kept.get_future().get().send({.body = "still here"});
  EXPECT_TRUE(peer.read_all().ends_with("still here"));
}

TEST(HttpServer, CutsOffAReaderThatIsTooSlow) {
  std::promise<ResponseWriter> kept;
  std::promise<void> closed;
  const auto server = serve(
      [&](const Request&, ResponseWriter response) {
        response.start(200, {});
        response.on_closed([&] { closed.set_value(); });
        kept.set_value(std::move(response));
      },
      {.limits = {.stream_full = 64 * 1024, .stream_buffer = 1024 * 1024}});
  RawPeer peer(server->port(), 4096);
  peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const ResponseWriter writer = kept.get_future().get();
  const std::string chunk(32 * 1024, 'x');
  bool full = false;
  std::size_t most = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Written written = writer.write(chunk);
    most = std::max(most, writer.buffered());
    full = full || written == Written::kFull;
    if (written == Written::kClosed) break;
  }
  EXPECT_TRUE(full);
  EXPECT_LE(most, 1024U * 1024U + 64U);
  EXPECT_TRUE(writer.closed());
  ASSERT_EQ(closed.get_future().wait_for(10s), std::future_status::ready);
  EXPECT_EQ(server->stats().slow_readers, 1U);
}

TEST(HttpServer, TellsAFastProducerWhenToGoOn) {
  std::promise<ResponseWriter> kept;
  const auto server = serve(
      [&](const Request&, ResponseWriter response) {
        response.start(200, {});
        kept.set_value(std::move(response));
      },
      {.limits = {.stream_full = 64 * 1024, .stream_buffer = 1024 * 1024}});
  RawPeer peer(server->port());
  peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const ResponseWriter writer = kept.get_future().get();
  std::jthread producer([&writer] {
    const std::string chunk(10'000, 'x');
    for (int i = 0; i < 2'000; ++i) {
      const Written written = writer.write(chunk);
      EXPECT_NE(written, Written::kClosed);
      if (written != Written::kFull) continue;
      std::promise<void> drained;
      writer.on_drained([&] { drained.set_value(); });
      EXPECT_EQ(drained.get_future().wait_for(10s), std::future_status::ready);
    }
    writer.end();
  });
  EXPECT_GT(peer.read_until("\r\n0\r\n\r\n").size(), 20'000'000U);
}

TEST(HttpServer, AnUnansweredRequestGets500) {
  const auto server = serve([](const Request& request, const ResponseWriter&) {
    if (request.target == "/throw") throw std::runtime_error("oops");
  });
  RawPeer peer(server->port());
  peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /throw HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(occurrences(peer.read_all(), "HTTP/1.1 500 "), 2U);
}

TEST(HttpServer, AnAbandonedStreamIsCutWithoutAnEnd) {
  const auto server = serve([](const Request&, const ResponseWriter& response) {
    response.start(200, {});
    response.write("half");
  });
  RawPeer peer(server->port());
  peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(peer.read_all().find("0\r\n\r\n"), std::string::npos);
}

TEST(HttpServer, TimesOutHeadersBodiesAndIdleConnections) {
  const auto server = serve(echo, {.limits = {.header = 50ms, .body = 50ms, .idle = 50ms}});
  RawPeer header(server->port());
  header.send("GET / HTTP/1.1\r\nHos");
  EXPECT_TRUE(header.read_all().starts_with("HTTP/1.1 408 "));
  RawPeer body(server->port());
  body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe");
  EXPECT_TRUE(body.read_all().starts_with("HTTP/1.1 408 "));
  RawPeer silent(server->port());
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_TRUE(silent.wait_closed());
  RawPeer idle(server->port());
  idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(occurrences(idle.read_all(), "HTTP/1.1 "), 1U);
}

TEST(HttpServer, ACallThatTakesItsTimeIsNotIdle) {
  std::promise<ResponseWriter> kept;
  const auto server = serve([&](const Request&, ResponseWriter response) { kept.set_value(std::move(response)); },
                            {.limits = {.header = 20ms, .idle = 20ms}});
  RawPeer peer(server->port());
  peer.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const ResponseWriter writer = kept.get_future().get();
  std::this_thread::sleep_for(100ms);
  writer.send({.body = "late"});
  EXPECT_TRUE(peer.read_all().ends_with("late"));
}

TEST(HttpServer, RefusesConnectionsOverTheLimit) {
  const auto server = serve(echo, {.limits = {.connections = 2}});
  RawPeer one(server->port());
  RawPeer two(server->port());
  for (RawPeer* peer : {&one, &two}) {
    peer->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    peer->read_until("GET / ");
  }
  RawPeer three(server->port());
  EXPECT_TRUE(three.read_all().starts_with("HTTP/1.1 503 "));
  one.close();
  ASSERT_TRUE(eventually([&] { return server->stats().connections == 1; }));
  RawPeer four(server->port());
  four.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(four.read_until("GET / ").starts_with("HTTP/1.1 200 "));
}

TEST(HttpServer, DrainLetsRunningRequestsEndAndRefusesNewOnes) {
  std::promise<ResponseWriter> kept;
  const auto server = serve([&](const Request& request, ResponseWriter response) {
    if (request.target == "/slow") return kept.set_value(std::move(response));
    echo(request, response);
  });
  RawPeer idle(server->port());
  idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  idle.read_until("GET / ");
  RawPeer slow(server->port());
  slow.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  const ResponseWriter writer = kept.get_future().get();
  auto drained = std::async(std::launch::async, [&] { return server->drain(10s); });
  EXPECT_TRUE(idle.wait_closed());
  writer.send({.body = "done"});
  const std::string all = slow.read_all();
  EXPECT_NE(all.find("connection: close"), std::string::npos);
  EXPECT_TRUE(all.ends_with("done"));
  idle.close();
  slow.close();
  EXPECT_TRUE(drained.get());
  EXPECT_FALSE(RawPeer(server->port()).connected());
}

TEST(HttpServer, DrainCutsWhatDoesNotEnd) {
  std::promise<ResponseWriter> kept;
  const auto server = serve([&](const Request&, ResponseWriter response) { kept.set_value(std::move(response)); });
  RawPeer peer(server->port());
  peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const ResponseWriter writer = kept.get_future().get();
  EXPECT_FALSE(server->drain(20ms));
  EXPECT_TRUE(peer.wait_closed());
  EXPECT_TRUE(eventually([&] { return writer.closed(); }));
}

TEST(HttpServer, WritersMayOutliveTheServer) {
  std::promise<ResponseWriter> kept;
  auto server = serve([&](const Request&, ResponseWriter response) { kept.set_value(std::move(response)); });
  RawPeer peer(server->port());
  peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const ResponseWriter writer = kept.get_future().get();
  server.reset();
  EXPECT_TRUE(writer.closed());
  writer.send({.body = "nobody hears"});
}

TEST(HttpServer, AdoptsADescriptorThatListens) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(fd, 16), 0);
  const auto server = serve(echo, {.listen_fd = fd});
  RawPeer peer(server->port());
  peer.send("GET /adopted HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(peer.read_until("adopted").find("200 OK"), std::string::npos);
}

TEST(HttpServer, SaysWhyItCannotListen) {
  const auto first = serve(echo);
  const auto second = HttpServer::start({.port = first->port()}, echo);
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message.find("cannot listen on 127.0.0.1:" + std::to_string(first->port())),
            std::string::npos);
  EXPECT_FALSE(HttpServer::start({.address = "nowhere"}, echo).has_value());
}

TEST(HttpServer, SpreadsConnectionsOverThreads) {
  std::mutex mutex;
  std::vector<std::thread::id> seen;
  const auto server = serve(
      [&](const Request& request, const ResponseWriter& response) {
        {
          const std::lock_guard lock(mutex);
          seen.push_back(std::this_thread::get_id());
        }
        echo(request, response);
      },
      {.threads = 2});
  std::vector<std::unique_ptr<RawPeer>> peers;
  for (int i = 0; i < 4; ++i) {
    auto& peer = peers.emplace_back(std::make_unique<RawPeer>(server->port()));
    peer->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    peer->read_until("GET / ");
  }
  const std::lock_guard lock(mutex);
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::unique(seen.begin(), seen.end()) - seen.begin(), 2);
}

}  // namespace
}  // namespace fairlead::net
