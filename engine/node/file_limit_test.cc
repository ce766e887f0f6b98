#include "engine/node/file_limit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>

#include "engine/node/host_ports.h"
#include "engine/node/process.h"

namespace fairlead::node {
namespace {

/// While it lives, this process can open nothing more.
class NoFiles {
 public:
  NoFiles() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoFiles() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoFiles(const NoFiles&) = delete;
  NoFiles& operator=(const NoFiles&) = delete;

 private:
  rlimit before_{};
};

std::chrono::nanoseconds cpu_time() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

bool readable(const Descriptor& socket, int milliseconds) {
  pollfd poll{socket.get(), POLLIN, 0};
  return ::poll(&poll, 1, milliseconds) > 0;
}

sockaddr_in name_of(const Descriptor& socket) {
  sockaddr_in name{};
  socklen_t size = sizeof name;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &size);
  return name;
}

Descriptor listener() {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  EXPECT_EQ(::listen(socket.get(), 16), 0);
  return socket;
}

/// An outside whose next answer is this descriptor.
Descriptor outside_that_gives(int fd, Descriptor& other_end) {
  int pair[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
  other_end.reset(pair[1]);
  char text = '+';
  iovec part{&text, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  EXPECT_EQ(::sendmsg(pair[1], &message, 0), 1);
  return Descriptor(pair[0]);
}

TEST(FileLimit, AProgramThatCannotBeStartedForWantOfDescriptorsIsAnAnswer) {
  Loop loop;
  Reaper reaper(loop);
  std::optional<Outcome> got;
  const auto done = [&](Outcome outcome) {
    got = std::move(outcome);
    loop.stop();
  };
  {
    const NoFiles none;
    reaper.run({.argv = {"true"}, .input = {}}, done);
    loop.run();
  }
  ASSERT_TRUE(got);
  EXPECT_EQ(got->exit.code, 127);
  EXPECT_EQ(got->output, "cannot make a pipe: Too many open files");
}

TEST(FileLimit, AHostPortWaitsForDescriptorsInsteadOfSpinning) {
  const Descriptor pod = listener();
  const Descriptor port = listener();
  const sockaddr_in at = name_of(port);
  Descriptor other_end;
  Outside outside(outside_that_gives(port.get(), other_end));
  HostPorts ports(outside);
  Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(ports.open(ntohs(at.sin_port), INADDR_LOOPBACK, ntohs(name_of(pod).sin_port)));
  {
    const NoFiles none;
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    const auto before = cpu_time();
    EXPECT_FALSE(readable(pod, 300)) << "nobody can be accepted";
    EXPECT_LT(cpu_time() - before, std::chrono::milliseconds(100));
  }
  EXPECT_TRUE(readable(pod, 5'000)) << "the connection goes on once there are descriptors";
}

}  // namespace
}  // namespace fairlead::node
