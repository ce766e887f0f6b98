// Enters a real enclosure and runs the tests inside it. Where the machine forbids that, says what to change and skips.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>

#include "engine/node/live_test/cluster.h"
#include "engine/node/machine.h"

namespace fairlead::node {

namespace {

/// What ctest takes for "skipped".
constexpr int kSkipped = 77;

/// GET http://127.0.0.1:<port>/name, with a body that is read to its end.
std::string get_on_host(std::uint16_t port) {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) return "no connection";
  const std::string request = "GET /name HTTP/1.0\r\n\r\n";
  ::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL);
  std::string answer;
  char buffer[1024];
  for (ssize_t got = 0; (got = ::recv(socket.get(), buffer, sizeof buffer, 0)) > 0;)
    answer.append(buffer, static_cast<std::size_t>(got));
  const auto body = answer.find("\r\n\r\n");
  return body == std::string::npos ? "no answer" : answer.substr(body + 4);
}

Inside* the_inside = nullptr;
Cluster* the_cluster = nullptr;

}  // namespace

Cluster& cluster() { return *the_cluster; }
Inside& inside() { return *the_inside; }

int run(int argc, char** argv) {
  for (const auto& check : check_machine()) {
    const bool needed =
        check.name == "user namespaces" || check.name == "overlayfs" || check.name == "crun" || check.name == "nft";
    if (check.ok || !needed) continue;
    std::fprintf(stderr, "SKIPPED: %s: %s. %s\n", check.name.c_str(), check.detail.c_str(), check.advice.c_str());
    return kSkipped;
  }
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = kSoftFileLimit;
  ::setrlimit(RLIMIT_NOFILE, &files);
  EnclosureOptions options;
  // The tests inside cannot reach the host's loopback: they ask the process outside to.
  options.answer = [](const std::string& request) -> Result<Descriptor> {
    if (!request.starts_with("get ")) return fail("unknown request");
    return fail("{}", get_on_host(static_cast<std::uint16_t>(std::atoi(request.c_str() + 4))));
  };
  const auto code = enter(options, [&](Inside& where) {
    ::testing::InitGoogleTest(&argc, argv);
    the_inside = &where;
    Cluster made(where);
    the_cluster = &made;
    return RUN_ALL_TESTS();
  });
  if (code) return *code;
  std::fprintf(stderr, "%s\n", code.error().message.c_str());
  return 1;
}

}  // namespace fairlead::node

int main(int argc, char** argv) {
  // What careful people have: pods of other users must run all the same.
  ::umask(077);
  return fairlead::node::run(argc, argv);
}
