#include "engine/api/server.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include <unistd.h>

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/json.h"
#include "engine/api/testing_client.h"

namespace fairlead::api {
namespace {

/// The lines of a watch, as they come.
class WatchReader {
 public:
  WatchReader(net::HttpClient& client, net::ClientRequest wanted) {
    wanted.timeout = std::chrono::milliseconds(0);
    // A call that has begun may outlive the stream, and this.
    stream_ = client.stream(std::move(wanted), {.on_head = [](int, const net::Headers&) {},
                                                .on_data = [seen = seen_](std::string_view data) { seen->take(data); },
                                                .on_end = [seen = seen_](net::ClientResult<void>) { seen->end(); }});
  }

  /// The events so far, once there are `count` or the watch has ended.
  std::vector<Value> wait(std::size_t count) {
    std::unique_lock lock(seen_->mutex);
    seen_->changed.wait_for(lock, std::chrono::seconds(20),
                            [&] { return seen_->events.size() >= count || seen_->ended; });
    return seen_->events;
  }
  bool wait_end() {
    std::unique_lock lock(seen_->mutex);
    return seen_->changed.wait_for(lock, std::chrono::seconds(20), [&] { return seen_->ended; });
  }

 private:
  struct Seen {
    void take(std::string_view data) {
      const std::lock_guard lock(mutex);
      rest += data;
      for (auto at = rest.find('\n'); at != std::string::npos; at = rest.find('\n')) {
        if (auto value = parse_json(rest.substr(0, at))) events.push_back(std::move(*value));
        rest.erase(0, at + 1);
      }
      changed.notify_all();
    }
    void end() {
      const std::lock_guard lock(mutex);
      ended = true;
      changed.notify_all();
    }

    std::mutex mutex;
    std::condition_variable changed;
    std::string rest;
    std::vector<Value> events;
    bool ended = false;
  };

  std::shared_ptr<Seen> seen_ = std::make_shared<Seen>();
  std::shared_ptr<void> stream_;
};

TEST_F(ServerTest, AnonymousSeesHealthAndNothingElse) {
  EXPECT_EQ(send(nobody_, request("GET", "/healthz")).text, "ok");
  EXPECT_EQ(send(nobody_, request("GET", "/version")).code, 200);
  for (const std::string_view path : {"/api", "/apis", "/metrics", "/api/v1/pods", "/fairlead/v1/http_sd?role=pod"}) {
    const auto answer = send(nobody_, request("GET", path));
    EXPECT_EQ(answer.code, 401) << path;
    EXPECT_EQ(answer.body.at("reason").str(), "Unauthorized");
  }
  auto with_token = request("GET", "/api/v1/pods");
  with_token.headers.add("Authorization", "Bearer nonsense");
  EXPECT_EQ(send(nobody_, with_token).code, 401);
}

/// A TLS connection, byte by byte and blocking.
class TlsPeer {
 public:
  explicit TlsPeer(std::uint16_t port) : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) { connect(port); }
  /// With the certificate and key of a client.
  TlsPeer(std::uint16_t port, const std::string& certificate, const std::string& key)
      : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    const Bio certificate_text(BIO_new_mem_buf(certificate.data(), static_cast<int>(certificate.size())), BIO_free_all);
    const Bio key_text(BIO_new_mem_buf(key.data(), static_cast<int>(key.size())), BIO_free_all);
    X509* x509 = PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr);
    EVP_PKEY* pkey = PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr);
    EXPECT_EQ(SSL_CTX_use_certificate(context_.get(), x509), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(context_.get(), pkey), 1);
    X509_free(x509);
    EVP_PKEY_free(pkey);
    connect(port);
  }

  void send(std::string_view bytes) {
    EXPECT_GT(BIO_write(bio_.get(), bytes.data(), static_cast<int>(bytes.size())), 0);
  }
  /// Everything until `text` stands in it, or the server closes; without one, until it closes.
  std::string read_until(std::string_view text = {}) {
    std::string all;
    std::array<char, 4096> piece{};
    while (text.empty() || all.find(text) == std::string::npos) {
      const int got = BIO_read(bio_.get(), piece.data(), static_cast<int>(piece.size()));
      if (got <= 0) break;
      all.append(piece.data(), static_cast<std::size_t>(got));
    }
    return all;
  }

 private:
  using Bio = std::unique_ptr<BIO, decltype(&BIO_free_all)>;

  void connect(std::uint16_t port) {
    bio_.reset(BIO_new_ssl_connect(context_.get()));
    BIO_set_conn_hostname(bio_.get(), fmt::format("127.0.0.1:{}", port).c_str());
  }

  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  Bio bio_{nullptr, BIO_free_all};
};

std::string say(std::uint16_t port, std::string_view bytes) {
  TlsPeer stranger(port);
  stranger.send(bytes);
  return stranger.read_until();
}

// A body that is never sent: only who does not wait for it can answer.
TEST_F(ServerTest, ReadsNoLargeBodyOfAStranger) {
  for (const auto* head : {"Content-Length: 3000000\r\n", "Transfer-Encoding: chunked\r\n",
                           "Authorization: Bearer a.b.c\r\nContent-Length: 3000000\r\n"}) {
    const auto text = say(server_.port(), fmt::format("POST {} HTTP/1.1\r\nHost: x\r\n{}\r\n", kMaps, head));
    EXPECT_TRUE(text.starts_with("HTTP/1.1 401 ")) << text;
    EXPECT_NE(text.find("connection: close"), std::string::npos) << text;
    EXPECT_NE(text.find(R"("reason":"Unauthorized")"), std::string::npos) << text;
  }
  const auto twice = say(server_.port(), fmt::format("POST {0} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}"
                                                     "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                                                     kMaps));
  EXPECT_TRUE(twice.starts_with("HTTP/1.1 401 ")) << twice;
  EXPECT_NE(twice.find("HTTP/1.1 200 OK"), std::string::npos) << "a small body keeps the connection: " << twice;
}

TEST_F(ServerTest, ReadsTheLargeBodyOfAToken) {
  constexpr std::string_view kAccounts = "/api/v1/namespaces/default/serviceaccounts";
  ASSERT_EQ(post(kAccounts, R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"robot"}})").code, 201);
  const auto token = server_.with_api(
      [this](const Api&) { return server_.tokens().issue("default", "robot", parse_json(R"({"spec":{}})").value()); });
  ASSERT_TRUE(token.has_value()) << token.error().message;
  auto large = request("POST", kMaps, map("a", std::string(1'000'000, 'x')));
  large.headers.add("Authorization", "Bearer " + std::string(token->at("status", "token").str()));
  EXPECT_EQ(send(nobody_, large).code, 403) << "known, and not allowed to";
  EXPECT_EQ(post(kMaps, map("a", std::string(1'000'000, 'x'))).code, 201);
}

/// Of this process, in bytes.
std::size_t resident() {
  std::ifstream statm("/proc/self/statm");
  std::size_t pages = 0;
  statm >> pages >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

TEST_F(ServerTest, WatchesThatNobodyReadsHoldEventsAndNotTheirTexts) {
  constexpr std::size_t kIdle = 30;
  constexpr std::size_t kUpdates = 25;
  constexpr std::size_t kSize = 900'000;
  ASSERT_EQ(post(kMaps, map("a")).code, 201);
  std::vector<std::unique_ptr<TlsPeer>> idle;
  for (std::size_t i = 0; i < kIdle; ++i) {
    const auto& admin = server_.pki().admin;
    idle.push_back(std::make_unique<TlsPeer>(server_.port(), admin.certificate, admin.key));
    idle.back()->send(fmt::format("GET {}?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n", kMaps));
    ASSERT_NE(idle.back()->read_until("ADDED").find("ADDED"), std::string::npos);
  }
  WatchReader reader(admin_, request("GET", std::string(kMaps) + "?watch=1"));
  ASSERT_EQ(reader.wait(1).size(), 1U);
  const std::size_t before = resident();
  for (std::size_t i = 0; i < kUpdates; ++i) {
    const auto patch = fmt::format(R"({{"data":{{"k":"{}"}}}})", std::string(kSize, static_cast<char>('a' + i)));
    ASSERT_EQ(send(admin_, request("PATCH", std::string(kMaps) + "/a", patch, "application/merge-patch+json")).code,
              200);
    ASSERT_EQ(reader.wait(i + 2).size(), i + 2);
  }
  // As texts, what waits would be 675 MB.
  EXPECT_LT(resident(), before + (std::size_t{500} << 20));
  // Nothing is lost for the one that goes on reading.
  EXPECT_NE(idle.front()->read_until(std::string(1000, 'y')).find(std::string(1000, 'y')), std::string::npos);
}

TEST_F(ServerTest, ManyReadersOfALargeListGetAllOfIt) {
  constexpr std::size_t kReaders = 6;
  constexpr std::size_t kObjects = 25;
  for (std::size_t i = 0; i < kObjects; ++i) {
    ASSERT_EQ(post(kMaps, map(fmt::format("m{:02}", i), std::string(900'000, 'x'))).code, 201);
  }
  std::vector<std::unique_ptr<WatchReader>> readers;
  for (std::size_t i = 0; i < kReaders; ++i) {
    readers.push_back(std::make_unique<WatchReader>(
        admin_, request("GET", std::string(kMaps) + "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
                                                    "&allowWatchBookmarks=true")));
  }
  for (const auto& reader : readers) {
    const auto events = reader->wait(kObjects + 1);
    ASSERT_EQ(events.size(), kObjects + 1);
    EXPECT_EQ(events.front().at("object", "metadata", "name"), Value("m00"));
    EXPECT_EQ(events.back().at("type"), Value("BOOKMARK"));
  }
}

TEST_F(ServerTest, ReadsBackWhatWasWritten) {
  const auto made = post(kMaps, map("a"));
  EXPECT_EQ(made.code, 201);
  EXPECT_EQ(get(std::string(kMaps) + "/a").body, made.body);
  const auto removed = send(admin_, request("DELETE", std::string(kMaps) + "/a"));
  EXPECT_EQ(removed.code, 200);
  EXPECT_EQ(removed.body.at("status").str(), "Success");
  EXPECT_EQ(removed.body.at("details", "uid"), made.body.at("metadata", "uid"));
  const auto gone = get(std::string(kMaps) + "/a");
  EXPECT_EQ(gone.code, 404);
  EXPECT_EQ(gone.body.at("message").str(), "configmaps \"a\" not found");
}

TEST_F(ServerTest, PagesShowOneMoment) {
  for (const auto* name : {"a", "b", "c"}) EXPECT_EQ(post(kMaps, map(name)).code, 201);
  const auto first = get(std::string(kMaps) + "?limit=2");
  EXPECT_EQ(first.body.at("items").size(), 2U);
  EXPECT_EQ(first.body.at("metadata", "remainingItemCount").int_or(0), 1);
  EXPECT_EQ(post(kMaps, map("d")).code, 201);
  const auto token = std::string(first.body.at("metadata", "continue").str());
  const auto second = get(std::string(kMaps) + "?limit=2&continue=" + net::percent_encode(token));
  ASSERT_EQ(second.body.at("items").size(), 1U);
  EXPECT_EQ(second.body.at("items", 0, "metadata", "name").str(), "c");
  EXPECT_EQ(second.body.at("metadata", "resourceVersion"), first.body.at("metadata", "resourceVersion"));
}

TEST_F(ServerTest, RefusesWhatItCannotRead) {
  EXPECT_EQ(send(admin_, request("POST", kMaps, "x", "text/plain")).code, 415);
  EXPECT_EQ(post(kMaps, R"({"a":)").code, 400);
  EXPECT_EQ(post(kMaps, R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}})").code, 400);
  EXPECT_EQ(send(admin_, request("PATCH", std::string(kMaps) + "/a", "{}", "application/apply-patch+yaml")).code, 415);
  EXPECT_EQ(post(kMaps, map("a", std::string(kMaxBody, 'x'))).code, 413);
  const auto far_over = post(kMaps, map("a", std::string(3 * kMaxBody, 'x')));
  EXPECT_EQ(far_over.code, 413) << far_over.text;
  EXPECT_EQ(far_over.body.at("reason").str(), "RequestEntityTooLarge");
  EXPECT_EQ(far_over.body.at("message").str(), "Request entity too large: limit is 3145728");
  EXPECT_EQ(post("/api/v1/configmaps", map("a")).code, 405);
  EXPECT_EQ(get("/api/v1/nothings").code, 404);
  EXPECT_EQ(get("/apis/nothing/v1/nothings").text, "404 page not found\n");
  auto html = request("GET", kMaps);
  html.headers.add("Accept", "text/html");
  EXPECT_EQ(send(admin_, html).code, 406);
}

TEST_F(ServerTest, WarnsInAHeader) {
  const auto body = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"w"},"dta":{}})";
  EXPECT_EQ(post(std::string(kMaps) + "?fieldValidation=Strict", body).code, 400);
  const auto warned = post(std::string(kMaps) + "?fieldValidation=Warn", body);
  EXPECT_EQ(warned.code, 201);
  EXPECT_EQ(warned.headers.get("warning"), R"(299 - "unknown field \"dta\"")");
}

TEST_F(ServerTest, DryRunStoresNothing) {
  EXPECT_EQ(post(std::string(kMaps) + "?dryRun=All", map("a")).code, 201);
  EXPECT_EQ(get(std::string(kMaps) + "/a").code, 404);
}

TEST_F(ServerTest, StreamingListEndsWithItsBookmark) {
  EXPECT_EQ(post(kMaps, map("a")).code, 201);
  WatchReader reader(
      admin_, request("GET", std::string(kMaps) + "?watch=true&sendInitialEvents=true"
                                                  "&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"));
  auto events = reader.wait(2);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].at("type").str(), "ADDED");
  EXPECT_EQ(events[1].at("type").str(), "BOOKMARK");
  EXPECT_EQ(events[1].at("object", "metadata", "annotations", "k8s.io/initial-events-end").str(), "true");
  EXPECT_EQ(post(kMaps, map("b")).code, 201);
  events = reader.wait(3);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[2].at("object", "metadata", "name").str(), "b");
}

TEST_F(ServerTest, LeavingASelectorIsADeletion) {
  EXPECT_EQ(post(kMaps, R"({"metadata":{"name":"a","labels":{"t":"1"}}})").code, 201);
  WatchReader reader(admin_, request("GET", std::string(kMaps) + "?watch=true&labelSelector=t%3D1"));
  ASSERT_EQ(reader.wait(1).size(), 1U);
  const auto patched = send(admin_, request("PATCH", std::string(kMaps) + "/a", R"({"metadata":{"labels":{"t":"2"}}})",
                                            "application/merge-patch+json"));
  const auto events = reader.wait(2);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].at("type").str(), "DELETED");
  EXPECT_EQ(events[1].at("object", "metadata", "labels", "t").str(), "1");
  EXPECT_EQ(events[1].at("object", "metadata", "resourceVersion"), patched.body.at("metadata", "resourceVersion"));
}

TEST_F(ServerTest, WatchEndsWhenItsTimeIsUp) {
  WatchReader reader(admin_, request("GET", std::string(kMaps) + "?watch=true&timeoutSeconds=1"));
  EXPECT_TRUE(reader.wait_end());
}

TEST_F(ServerTest, WatchFromARevisionThatIsUnknownExpires) {
  WatchReader reader(admin_, request("GET", std::string(kMaps) + "?watch=true&resourceVersion=99999"));
  const auto events = reader.wait(1);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].at("type").str(), "ERROR");
  EXPECT_EQ(events[0].at("object", "code").int_or(0), 410);
}

TEST_F(ServerTest, EventsOfBothGroupsAreTheSame) {
  const auto made =
      post("/apis/events.k8s.io/v1/namespaces/default/events",
           R"({"metadata":{"name":"e"},"regarding":{"kind":"Pod","name":"p","namespace":"default"},"note":"hello",
                             "reason":"R","type":"Normal","action":"a","eventTime":"2026-11-23T10:00:00.000000Z",
                             "reportingController":"c","reportingInstance":"i"})");
  EXPECT_EQ(made.code, 201) << made.text;
  const auto core = get("/api/v1/namespaces/default/events/e");
  EXPECT_EQ(core.body.at("message").str(), "hello");
  EXPECT_EQ(core.body.at("involvedObject", "name").str(), "p");
  EXPECT_EQ(core.body.at("apiVersion").str(), "v1");
  const auto listed = get("/apis/events.k8s.io/v1/events");
  ASSERT_EQ(listed.body.at("items").size(), 1U);
  EXPECT_EQ(listed.body.at("items", 0, "note").str(), "hello");
  EXPECT_EQ(listed.body.at("items", 0, "apiVersion").str(), "events.k8s.io/v1");
}

TEST_F(ServerTest, OpenApiDocumentsAreCachedByTheirHash) {
  const auto index = get("/openapi/v3");
  const auto url = std::string(index.body.at("paths", "apis/apps/v1", "serverRelativeURL").str());
  const auto document = get(url);
  EXPECT_EQ(document.code, 200);
  EXPECT_TRUE(document.body.at("components", "schemas").has("io.k8s.api.apps.v1.Deployment"));
  auto again = request("GET", url);
  again.headers.add("If-None-Match", document.headers.get("etag"));
  EXPECT_EQ(send(admin_, again).code, 304);
  EXPECT_EQ(get("/openapi/v3/apis/nothing/v1").code, 404);
}

/// Every watcher sees every write, once and in order, however they come.
TEST_F(ServerTest, WatchersLoseNothingUnderConcurrentWriters) {
  constexpr std::size_t kWriters = 3;
  constexpr std::size_t kWrites = 25;
  std::vector<std::unique_ptr<WatchReader>> readers;
  std::vector<std::thread> writers;
  writers.reserve(kWriters);
  for (std::size_t w = 0; w < kWriters; ++w) {
    writers.emplace_back([this, w] {
      net::HttpClient client(options(true));
      for (std::size_t i = 0; i < kWrites; ++i) {
        EXPECT_EQ(send(client, request("POST", kMaps, map(fmt::format("m-{}-{}", w, i)))).code, 201);
      }
    });
  }
  constexpr std::size_t kReaders = 4;
  readers.reserve(kReaders);
  for (std::size_t r = 0; r < kReaders; ++r) {
    readers.push_back(std::make_unique<WatchReader>(admin_, request("GET", std::string(kMaps) + "?watch=true")));
  }
  for (auto& writer : writers) writer.join();
  for (auto& reader : readers) {
    const auto events = reader->wait(kWriters * kWrites);
    ASSERT_EQ(events.size(), kWriters * kWrites);
    std::set<std::string_view> names;
    for (const auto& event : events) names.insert(event.at("object", "metadata", "name").str());
    EXPECT_EQ(names.size(), kWriters * kWrites);
  }
}

}  // namespace
}  // namespace fairlead::api
