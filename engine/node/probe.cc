#include "engine/node/probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>

#include "engine/node/files.h"

namespace fairlead::node {

namespace {

/// While a container is this young, nobody listening is no failure yet: the first attempt waits for it in small steps.
/// (Upstream would fail and come back a whole period later.)
constexpr Duration kBirth{1'000};
constexpr Duration kBirthStep{20};
constexpr std::size_t kMaxHead = 4096;

std::uint16_t port_of(const Value& port, const Value& container) {
  if (port.is_int()) return static_cast<std::uint16_t>(port.int_or(0));
  for (const auto& entry : container.at("ports").items()) {
    if (entry.at("name").str() == port.str()) return static_cast<std::uint16_t>(entry.at("containerPort").int_or(0));
  }
  return 0;
}

/// One connection, and for HTTP one request on it.
class Dial : public std::enable_shared_from_this<Dial> {
 public:
  Dial(Loop& loop, std::string place, std::string request, std::function<void(ProbeResult)> done)
      : loop_(loop), place_(std::move(place)), request_(std::move(request)), done_(std::move(done)) {}

  void start(Address address, std::uint16_t port, Duration timeout) {
    auto self = shared_from_this();
    timer_ = loop_.after(timeout, [self] {
      self->finish(false, self->connected_ && !self->request_.empty()
                              ? "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
                              : "dial tcp " + self->place_ + ": i/o timeout");
    });
    socket_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    name.sin_addr.s_addr = htonl(address);
    const int rc = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name);
    if (rc != 0 && errno != EINPROGRESS) {
      const int error = errno;
      loop_.post([self, error] { self->refuse(error); });
      return;
    }
    loop_.watch(socket_.get(), EPOLLOUT, [self](std::uint32_t) { self->ready(); });
  }

 private:
  void ready() {
    if (!connected_) {
      int error = 0;
      socklen_t size = sizeof error;
      ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) return refuse(error);
      connected_ = true;
      if (request_.empty()) return finish(true, "");
      ::send(socket_.get(), request_.data(), request_.size(), MSG_NOSIGNAL);
      loop_.change(socket_.get(), EPOLLIN);
      return;
    }
    char buffer[1024];
    const ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got > 0) head_.append(buffer, static_cast<std::size_t>(got));
    const auto line_end = head_.find("\r\n");
    if (line_end == std::string::npos && got > 0 && head_.size() < kMaxHead) return;
    int code = 0;
    if (head_.starts_with("HTTP/1.") && head_.size() > 12) std::from_chars(head_.data() + 9, head_.data() + 12, code);
    if (code == 0) return finish(false, "EOF");
    finish(code >= 200 && code < 400, fmt::format("HTTP probe failed with statuscode: {}", code));
  }

  void refuse(int error) {
    refused_ = error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH;
    std::string text = error_text(error);
    text[0] = static_cast<char>(text[0] | 0x20);
    finish(false, "dial tcp " + place_ + ": connect: " + text);
  }

  void finish(bool ok, std::string message) {
    if (!done_) return;
    auto done = std::exchange(done_, nullptr);
    const auto self = shared_from_this();
    loop_.cancel(timer_);
    if (socket_) loop_.unwatch(socket_.get());
    socket_.reset();
    done({ok, refused_, std::move(message)});
  }

  Loop& loop_;
  std::string place_;
  std::string request_;
  std::function<void(ProbeResult)> done_;
  Descriptor socket_;
  Loop::Timer timer_;
  std::string head_;
  bool connected_ = false;
  bool refused_ = false;
};

std::string http_request(const Value& get, const std::string& place) {
  std::string path(get.at("path").string_or("/"));
  if (!path.starts_with("/")) path.insert(0, "/");
  std::string host = place;
  std::string headers;
  bool agent = false;
  for (const auto& header : get.at("httpHeaders").items()) {
    const auto name = header.at("name").str();
    if (name == "Host" || name == "host") {
      host = header.at("value").str();
      continue;
    }
    agent = agent || name == "User-Agent";
    headers += fmt::format("{}: {}\r\n", name, header.at("value").str());
  }
  if (!agent) headers += "User-Agent: kube-probe/1.36\r\n";
  return fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n{}Accept: */*\r\nConnection: close\r\n\r\n", path, host, headers);
}

}  // namespace

void attempt(Loop& loop, Runtime& runtime, const Value& handler, const ProbeTarget& target, Duration timeout,
             std::function<void(ProbeResult)> done) {
  const auto refuse = [&](std::string why) { loop.post([done, why = std::move(why)] { done({false, false, why}); }); };
  if (const Value* exec = handler.find("exec")) {
    std::vector<std::string> argv;
    for (const auto& part : exec->at("command").items()) argv.emplace_back(part.str());
    return runtime.exec(target.exec, argv, timeout, [done, timeout](const Outcome& outcome) {
      if (outcome.timed_out)
        return done({false, false, fmt::format("command timed out after {}", format_duration(timeout))});
      done({outcome.exit.code == 0, false, outcome.output});
    });
  }
  const Value* http = handler.find("httpGet");
  const Value* tcp = handler.find("tcpSocket");
  if (http == nullptr && tcp == nullptr) return refuse("the local node has httpGet, tcpSocket and exec probes only");
  if (http != nullptr && http->at("scheme").str() == "HTTPS") return refuse("the local node cannot probe over HTTPS");
  const Value& spec = http != nullptr ? *http : *tcp;
  const std::uint16_t port = port_of(spec.at("port"), *target.container);
  Address address = target.address;
  if (!spec.at("host").str().empty()) address = parse_address(spec.at("host").str());
  if (port == 0 || address == 0) return refuse("the probe's host or port is not known");
  const std::string place = fmt::format("{}:{}", format_address(address), port);
  const std::string request = http != nullptr ? http_request(*http, place) : std::string();
  std::string prefix;
  if (http != nullptr) prefix = fmt::format("Get \"http://{}{}\": ", place, http->at("path").string_or("/"));
  auto finish = [done = std::move(done), prefix](ProbeResult result) {
    if (!result.ok && !result.message.starts_with("HTTP")) result.message.insert(0, prefix);
    done(std::move(result));
  };
  std::make_shared<Dial>(loop, place, request, std::move(finish))->start(address, port, timeout);
}

ProbeWorker::ProbeWorker(Loop& loop, Runtime& runtime, const Value& probe, ProbeTarget target, Callbacks callbacks)
    : loop_(loop),
      runtime_(runtime),
      probe_(probe),
      target_(std::move(target)),
      callbacks_(std::move(callbacks)),
      begin_(std::chrono::steady_clock::now()) {
  const Duration delay = std::chrono::seconds(probe_.at("initialDelaySeconds").int_or(0));
  timer_ = loop_.after(delay, [this] { run(); });
}

ProbeWorker::~ProbeWorker() {
  *alive_ = false;
  loop_.cancel(timer_);
}

void ProbeWorker::run() {
  const Duration timeout = std::chrono::seconds(std::max<std::int64_t>(1, probe_.at("timeoutSeconds").int_or(1)));
  attempt(loop_, runtime_, probe_, target_, timeout, [this, alive = alive_](const ProbeResult& result) {
    if (*alive) judge(result);
  });
}

void ProbeWorker::judge(const ProbeResult& result) {
  const auto age = std::chrono::steady_clock::now() - begin_;
  if (result.refused && !ever_answered_ && age < kBirth) {
    timer_ = loop_.after(kBirthStep, [this] { run(); });
    return;
  }
  ever_answered_ = ever_answered_ || result.ok;
  const Duration period = std::chrono::seconds(std::max<std::int64_t>(1, probe_.at("periodSeconds").int_or(10)));
  timer_ = loop_.after(period, [this] { run(); });
  successes_ = result.ok ? successes_ + 1 : 0;
  failures_ = result.ok ? 0 : failures_ + 1;
  const auto alive = alive_;
  if (!result.ok) callbacks_.unhealthy(result.message);
  if (!*alive) return;
  if (successes_ >= probe_.at("successThreshold").int_or(1) && result_ != 1) {
    result_ = 1;
    callbacks_.succeeded();
  } else if (failures_ >= probe_.at("failureThreshold").int_or(3) && result_ != -1) {
    result_ = -1;
    callbacks_.failed();
  }
}

}  // namespace fairlead::node
