#include "engine/node/live_test/cluster.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <thread>

#include "base/json.h"
#include "engine/node/files.h"
#include "engine/node/image_builder.h"
#include "engine/node/ruleset.h"

namespace fairlead::node {

namespace {

constexpr auto kPatience = std::chrono::seconds(20);

Value default_pod(const std::string& name, const std::string& uid, const std::string& image) {
  Value container = Value::object({{"name", "main"}, {"image", image}, {"args", Value::array({"serve", "8080"})}});
  container.set("readinessProbe",
                Value::object({{"tcpSocket", Value::object({{"port", 8080}})}, {"periodSeconds", 1}}));
  return Value::object({{"apiVersion", "v1"},
                        {"kind", "Pod"},
                        {"metadata", Value::object({{"name", name}, {"namespace", "shop"}, {"uid", uid}})},
                        {"spec", Value::object({{"containers", Value::array({std::move(container)})}})}});
}

}  // namespace

struct ThreadExecutor::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::move_only_function<void()>> tasks;
  bool stop = false;
  std::thread thread;
};

ThreadExecutor::ThreadExecutor() : state_(std::make_unique<State>()) {
  state_->thread = std::thread([state = state_.get()] {
    std::unique_lock lock(state->mutex);
    for (;;) {
      state->wake.wait(lock, [&] { return state->stop || !state->tasks.empty(); });
      if (state->tasks.empty()) return;
      auto task = std::move(state->tasks.front());
      state->tasks.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  });
}

ThreadExecutor::~ThreadExecutor() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->wake.notify_one();
  state_->thread.join();
}

void ThreadExecutor::post(std::move_only_function<void()> task) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->tasks.push_back(std::move(task));
  }
  state_->wake.notify_one();
}

Cluster::Cluster(Inside& where, std::string directory)
    : directory_(std::move(directory)), privileged_(where.privileged) {
  if (directory_.empty()) directory_ = temporary_.emplace("node").path();
  ImageStore store(directory_ + "/images");
  const auto built = build_image(
      {.name = "fairlead.local/test:1", .program = FAIRLEAD_WORKLOAD, .labels = {}, .environment = {"FROM_IMAGE=yes"}},
      store);
  if (!built) {
    std::fprintf(stderr, "%s\n", built.error().message.c_str());
    std::abort();
  }
  image_ = "registry.example/test@" + built->digest;
  LocalNodeOptions options;
  options.state_directory = directory_;
  options.problem = [](const std::string& problem) { std::fprintf(stderr, "%s\n", problem.c_str()); };
  auto made = LocalNode::create(std::move(options), where, control_);
  if (!made) {
    std::fprintf(stderr, "%s\n", made.error().message.c_str());
    std::abort();
  }
  node_ = std::move(*made);
  node_->on_report([this](const seam::PodReport& report) {
    const seam::KnownPod pod{report.uid, std::string(report.status.at("podIP").str())};
    if (!pod.ip.empty() && !report.stopped) {
      const std::lock_guard lock(program_mutex_);
      const bool fresh = std::ranges::find(known_, pod) == known_.end();
      if (fresh) known_.push_back(pod);
      if (fresh) send_program();
    }
    const std::lock_guard lock(mutex_);
    auto& notes = notes_[report.uid];
    notes.insert(notes.end(), report.notes.begin(), report.notes.end());
    latest_[report.uid] = report;
    changed_.notify_all();
  });
}

Cluster::~Cluster() = default;

std::string Cluster::run(const std::string& name, const std::function<void(Value&)>& change, seam::PodInputs inputs) {
  const std::string uid = fmt::format("uid-{}-{}", name, next_++);
  Value pod = default_pod(name, uid, image_);
  if (change) change(pod);
  pods_[uid] = std::make_shared<const Value>(std::move(pod));
  node_->run(pods_[uid], std::move(inputs));
  return uid;
}

void Cluster::run_again(const std::string& uid, const std::function<void(Value&)>& change, seam::PodInputs inputs) {
  Value pod = *pods_[uid];
  change(pod);
  pods_[uid] = std::make_shared<const Value>(std::move(pod));
  node_->run(pods_[uid], std::move(inputs));
}

void Cluster::stop(const std::string& uid, Duration grace) { node_->stop(uid, grace); }

bool Cluster::wait_for(const std::function<bool()>& good) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, good);
}

bool Cluster::wait(const std::string& uid, const std::function<bool(const Value& status)>& good) {
  return wait_for([&] { return latest_.contains(uid) && good(latest_[uid].status); });
}

bool Cluster::wait_ready(const std::string& uid) {
  return wait(uid, [](const Value& status) {
    for (const auto& condition : status.at("conditions").items()) {
      if (condition.at("type").str() == "Ready") return condition.at("status").str() == "True";
    }
    return false;
  });
}

void Cluster::signal(const std::string& uid, int number) {
  const Value status = this->status(uid);
  const std::string_view id = status.at("containerStatuses", 0, "containerID").str();
  const std::string file = directory_ + "/run/live/crun/" + std::string(id.substr(id.find("//") + 2)) + "/status";
  const auto kept = parse_json(read_file(file).value_or(""));
  const auto pid = static_cast<pid_t>(kept ? kept->at("pid").int_or(0) : 0);
  if (pid > 1) ::kill(pid, number);
}

bool Cluster::wait_stopped(const std::string& uid) {
  return wait_for([&] { return latest_.contains(uid) && latest_[uid].stopped; });
}

bool Cluster::wait_note(const std::string& uid, const std::string& reason, const std::string& part) {
  return wait_for([&] {
    for (const auto& note : notes_[uid]) {
      if (note.reason == reason && note.message.find(part) != std::string::npos) return true;
    }
    return false;
  });
}

std::string Cluster::notes(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& note : notes_[uid]) out += note.reason + ": " + note.message + "\n";
  return out;
}

Value Cluster::status(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  return latest_[uid].status;
}

std::string Cluster::ip(const std::string& uid) { return std::string(status(uid).at("podIP").str()); }

std::string Cluster::ask(const std::string& uid, const std::string& path) {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(8080);
  name.sin_addr.s_addr = htonl(parse_address(ip(uid)));
  const timeval limit{5, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
    return "no connection: " + error_text(errno);
  const std::string request = "GET /" + path + " HTTP/1.0\r\n\r\n";
  ::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL);
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::recv(socket.get(), buffer, sizeof buffer, 0)) > 0;)
    answer.append(buffer, static_cast<std::size_t>(got));
  const auto body = answer.find("\r\n\r\n");
  return body == std::string::npos ? "no answer" : answer.substr(body + 4);
}

std::string Cluster::logs(seam::LogRequest request) {
  std::string text;
  bool ended = false;
  const auto subscription = node_->logs(std::move(request), [&](std::string_view chunk, bool end) {
    const std::lock_guard lock(mutex_);
    text += chunk;
    ended = end;
    changed_.notify_all();
  });
  wait_for([&] { return ended; });
  return text;
}

/// Under program_mutex_.
void Cluster::send_program() {
  if (held_) return;
  program_.known = known_;
  std::ranges::sort(program_.known);
  node_->program(program_);
}

void Cluster::hold_programs(bool held) {
  const std::lock_guard lock(program_mutex_);
  held_ = held;
  send_program();
}

void Cluster::release_with(const seam::NetworkProgram& program) {
  const std::lock_guard lock(program_mutex_);
  held_ = false;
  program_ = program;
  send_program();
}

void Cluster::program(const seam::NetworkProgram& program) {
  // The marker is a Service of the program itself: once DNS-independent rules hold it, everything before holds too.
  static int marker = 0;
  const std::string address = fmt::format("10.96.255.{}", ++marker % 250 + 1);
  {
    const std::lock_guard lock(program_mutex_);
    program_ = program;
    program_.services.push_back({"marker", "marker", address, "", {{"m", "TCP", 1, {{"10.244.0.1", 1}}}}, {}});
    send_program();
  }
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    std::FILE* pipe = ::popen("nft list map ip fairlead services 2>&1", "r");
    std::string text;
    char buffer[4096];
    for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, got);
    ::pclose(pipe);
    if (text.find(address) != std::string::npos) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace fairlead::node
