// How pods live and end on a real node: what they wait for, how they are killed, what remains of them.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <thread>
#include <vector>

#include "engine/node/container_log.h"
#include "engine/node/files.h"
#include "engine/node/image_builder.h"
#include "engine/node/live_test/cluster.h"

namespace fairlead::node {
namespace {

Value& main_container(Value& pod) { return pod.make("spec", "containers").mutable_items()[0]; }
const Value& main_status(const Value& status) { return status.at("containerStatuses", 0); }

bool has_address(const Value& status) { return !status.at("podIP").str().empty(); }
bool is_running(const Value& status) { return main_status(status).at("state").has("running"); }

TEST(Lifecycle, ThePodsOwnAddressIsInItsEnvironmentAndFiles) {
  const std::string mark(seam::kPodIpMark);
  seam::PodInputs inputs;
  inputs.env["main"] = {{"POD_IP", mark}};
  inputs.files["info"] = {{"url", "http://" + mark + ":80", 0644}};
  const auto uid = cluster().run(
      "self",
      [](Value& pod) {
        pod.make("spec", "volumes") =
            Value::array({Value::object({{"name", "info"}, {"downwardAPI", Value::object()}})});
        main_container(pod)["volumeMounts"] = Value::array({Value::object({{"name", "info"}, {"mountPath", "/info"}})});
      },
      inputs);
  ASSERT_TRUE(cluster().wait_ready(uid)) << cluster().notes(uid);
  EXPECT_EQ(cluster().ask(uid, "env/POD_IP"), cluster().ip(uid));
  EXPECT_EQ(cluster().ask(uid, "read/info/url"), "http://" + cluster().ip(uid) + ":80");
  cluster().stop(uid, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

TEST(Lifecycle, NothingStartsBeforeItsPoliciesHold) {
  cluster().hold_programs(true);
  const auto uid = cluster().run("early");
  ASSERT_TRUE(cluster().wait(uid, has_address));
  // Long enough for any start: a pod takes a tenth of it.
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  while (std::chrono::steady_clock::now() < end) {
    ASSERT_FALSE(is_running(cluster().status(uid)));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  cluster().hold_programs(false);
  ASSERT_TRUE(cluster().wait_ready(uid)) << cluster().notes(uid);
  cluster().stop(uid, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

TEST(Lifecycle, TheFirstPacketMeetsThePolicy) {
  const auto server = cluster().run("server");
  ASSERT_TRUE(cluster().wait_ready(server));
  for (const bool isolated : {false, true}) {
    cluster().hold_programs(true);
    const auto uid = cluster().run("client", [&](Value& pod) {
      main_container(pod)["args"] = Value::array({"dial", cluster().ip(server), "8080", "8080"});
    });
    ASSERT_TRUE(cluster().wait(uid, has_address));
    cluster().release_with({{}, {{"shop", "client", cluster().ip(uid), false, isolated, {}, {}}}, {}});
    ASSERT_TRUE(cluster().wait_ready(uid)) << cluster().notes(uid);
    EXPECT_EQ(cluster().logs({.uid = uid, .container = "main"}), isolated ? "first: timeout\n" : "first: open\n");
    cluster().stop(uid, Duration{0});
    EXPECT_TRUE(cluster().wait_stopped(uid));
  }
  cluster().stop(server, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(server));
  cluster().program({});
}

TEST(Lifecycle, AContainerKilledFromOutsideStartsAgainAndThenBacksOff) {
  const auto uid = cluster().run("victim");
  ASSERT_TRUE(cluster().wait_ready(uid));
  const std::string address = cluster().ip(uid);
  cluster().signal(uid, SIGKILL);
  ASSERT_TRUE(cluster().wait(uid, [](const Value& status) {
    return main_status(status).at("restartCount").int_or(0) == 1 && main_status(status).at("ready").bool_or(false);
  }));
  const Value last = main_status(cluster().status(uid)).at("lastState", "terminated");
  EXPECT_EQ(last.at("exitCode").int_or(0), 137);
  EXPECT_EQ(last.at("reason").str(), "Error");
  EXPECT_EQ(cluster().ip(uid), address) << "the pod stays the same";
  const auto second = std::chrono::steady_clock::now();
  cluster().signal(uid, SIGKILL);
  ASSERT_TRUE(cluster().wait(uid, [](const Value& status) {
    return main_status(status).at("state", "waiting", "reason").str() == "CrashLoopBackOff";
  }));
  EXPECT_TRUE(main_status(cluster().status(uid)).at("state", "waiting", "message").str().starts_with("back-off 10s "));
  ASSERT_TRUE(cluster().wait(uid, [](const Value& status) {
    return main_status(status).at("restartCount").int_or(0) == 2 && main_status(status).at("ready").bool_or(false);
  }));
  EXPECT_GE(std::chrono::steady_clock::now() - second, std::chrono::seconds(10));
  EXPECT_EQ(cluster().ask(uid, "name"), "victim");
  cluster().stop(uid, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

TEST(Lifecycle, CommandsInsideHaveTheRightsOfTheContainer) {
  for (const bool restricted : {true, false}) {
    seam::PodInputs inputs;
    inputs.env["main"] = {{"MARK", "of-the-container"}};
    const auto uid = cluster().run(
        "rights",
        [&](Value& pod) {
          Value& container = main_container(pod);
          pod.make("spec", "volumes") = Value::array({Value::object({{"name", "out"}, {"emptyDir", Value::object()}})});
          container["volumeMounts"] = Value::array({Value::object({{"name", "out"}, {"mountPath", "/out"}})});
          container.make("lifecycle", "postStart") = Value::object(
              {{"exec", Value::object({{"command", Value::array({"/node_workload", "rights", "/out/rights"})}})}});
          if (!restricted) return;
          container["securityContext"] =
              Value::object({{"runAsUser", 10001},
                             {"runAsGroup", 10002},
                             {"allowPrivilegeEscalation", false},
                             {"capabilities", Value::object({{"drop", Value::array({"ALL"})}})},
                             {"seccompProfile", Value::object({{"type", "RuntimeDefault"}})}});
        },
        inputs);
    ASSERT_TRUE(cluster().wait_ready(uid)) << cluster().notes(uid);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::string rights;
    while (rights.find("of-the-container") == std::string::npos && std::chrono::steady_clock::now() < deadline)
      rights = cluster().ask(uid, "read/out/rights");
    std::string own;
    for (const char* field : {"Uid:", "Gid:", "CapEff:", "CapBnd:", "NoNewPrivs:", "Seccomp:"})
      own += cluster().ask(uid, std::string("status/") + field) + " ";
    EXPECT_TRUE(rights.starts_with(own)) << "a command has: " << rights << "\nthe container: " << own
                                         << cluster().notes(uid);
    EXPECT_EQ(own.ends_with(" 1 2 "), restricted) << "no_new_privs and a seccomp filter";
    cluster().stop(uid, Duration{0});
    EXPECT_TRUE(cluster().wait_stopped(uid));
  }
}

TEST(Lifecycle, PreStopRunsInsideBeforeTheSignal) {
  const auto uid = cluster().run("hooked", [](Value& pod) {
    main_container(pod).make("lifecycle", "preStop") = Value::object(
        {{"exec",
          Value::object({{"command", Value::array({"/node_workload", "get", "127.0.0.1", "8080", "/say/hook"})}})}});
  });
  ASSERT_TRUE(cluster().wait_ready(uid));
  std::string log;
  std::thread reader([&] { log = cluster().logs({.uid = uid, .container = "main", .follow = true}); });
  (void)cluster().ask(uid, "say/before");
  cluster().stop(uid, std::chrono::seconds(10));
  EXPECT_TRUE(cluster().wait_stopped(uid));
  reader.join();
  EXPECT_TRUE(log.ends_with("before\nhook\ngot SIGTERM\n")) << log << cluster().notes(uid);
  EXPECT_EQ(main_status(cluster().status(uid)).at("state", "terminated", "exitCode").int_or(9), 0);
}

TEST(Lifecycle, PreStopMaySleepAndAShorterGraceCutsIt) {
  const auto change = [](Value& pod) {
    main_container(pod).make("lifecycle", "preStop") = Value::object({{"sleep", Value::object({{"seconds", 60}})}});
  };
  const auto uid = cluster().run("sleepy", change);
  ASSERT_TRUE(cluster().wait_ready(uid));
  const auto begin = std::chrono::steady_clock::now();
  cluster().stop(uid, std::chrono::seconds(60));
  ASSERT_TRUE(cluster().wait_note(uid, "Killing", "Stopping container main"));
  EXPECT_EQ(cluster().ask(uid, "name"), "sleepy") << "it serves while it sleeps";
  cluster().stop(uid, Duration{500});
  EXPECT_TRUE(cluster().wait_stopped(uid));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST(Lifecycle, WhatAContainerWritesIsOnDiskUntilItsPodEnds) {
  const auto uid = cluster().run("writer", [](Value& pod) {
    main_container(pod).make("securityContext") = Value::object({{"runAsUser", 0}});
    main_container(pod)["volumeMounts"] = Value::array({Value::object({{"name", "out"}, {"mountPath", "/out"}})});
    pod.make("spec", "volumes") = Value::array({Value::object({{"name", "out"}, {"emptyDir", Value::object()}})});
  });
  ASSERT_TRUE(cluster().wait_ready(uid)) << cluster().notes(uid);
  ASSERT_EQ(cluster().ask(uid, "write/file"), "ok");
  ASSERT_EQ(cluster().ask(uid, "write/out/file"), "ok");
  const std::string run = cluster().directory() + "/run";
  EXPECT_EQ(read_file(run + "/layers/" + uid + "/main/upper/file").value_or(""), "written");
  EXPECT_EQ(read_file(run + "/volumes/" + uid + "/out/file").value_or(""), "written");
  for (const char* place : {"/layers", "/volumes", "/rootfs"}) {
    EXPECT_EQ(std::filesystem::status(run + place).permissions(), std::filesystem::perms::owner_all)
        << "files that run as root may lie there";
  }
  cluster().stop(uid, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uid));
  EXPECT_FALSE(std::filesystem::exists(run + "/layers/" + uid));
  EXPECT_FALSE(std::filesystem::exists(run + "/volumes/" + uid));
}

TEST(Lifecycle, AnUnpackedImageGoesWithTheLastPodThatUsesIt) {
  ImageStore store(cluster().directory() + "/images");
  const auto built = build_image({.name = "fairlead.local/other:1",
                                  .program = FAIRLEAD_WORKLOAD,
                                  .labels = {},
                                  .environment = {"FROM_IMAGE=other"}},
                                 store);
  ASSERT_TRUE(built);
  const std::string place = cluster().directory() + "/run/rootfs/" + built->digest.substr(7);
  std::vector<std::string> uids;
  for (const char* name : {"one", "two"}) {
    uids.push_back(cluster().run(name, [&](Value& pod) { main_container(pod)["image"] = "other@" + built->digest; }));
  }
  for (const auto& uid : uids) ASSERT_TRUE(cluster().wait_ready(uid)) << cluster().notes(uid);
  EXPECT_EQ(cluster().ask(uids[0], "env/FROM_IMAGE"), "other");
  cluster().stop(uids[0], Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uids[0]));
  const auto later = cluster().run("later");
  ASSERT_TRUE(cluster().wait_ready(later));
  EXPECT_TRUE(std::filesystem::exists(place)) << "the other pod still runs from it";
  cluster().stop(uids[1], Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uids[1]));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::filesystem::exists(place) && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_FALSE(std::filesystem::exists(place));
  EXPECT_EQ(cluster().ask(later, "name"), "later");
  cluster().stop(later, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(later));
}

/// An image that counts as unpacked.
struct MarkedImage {
  std::string reference;
  std::string place;
};

MarkedImage marked_image(const std::string& name) {
  // Answered by the node after what it does about the ends of other tests' pods.
  (void)cluster().logs({.uid = "none", .container = "main"});
  ImageStore store(cluster().directory() + "/images");
  const auto built = build_image(
      {.name = "fairlead.local/" + name, .program = FAIRLEAD_WORKLOAD, .labels = {}, .environment = {"NAME=" + name}},
      store);
  EXPECT_TRUE(built);
  MarkedImage out{"any@" + built->digest, cluster().directory() + "/run/rootfs/" + built->digest.substr(7)};
  EXPECT_TRUE(make_directories(out.place));
  return out;
}

void run_and_stop(const std::string& name) {
  const auto uid = cluster().run(name);
  EXPECT_TRUE(cluster().wait_ready(uid)) << cluster().notes(uid);
  cluster().stop(uid, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uid));
  // Answered by the node after what it does about the end.
  (void)cluster().logs({.uid = uid, .container = "main"});
}

TEST(Lifecycle, AnUnpackedImageStaysForAContainerThatHasNotStartedYet) {
  const auto by_digest = marked_image("waits:1");
  const auto by_name = marked_image("waits-by-name:1");
  const auto waits = cluster().run("waits", [&](Value& pod) {
    Value first = main_container(pod);
    first.set("name", "first");
    first.erase("readinessProbe");
    pod.make("spec").set("initContainers", Value::array({std::move(first)}));
    Value second = main_container(pod);
    second.set("name", "second");
    second.set("image", "fairlead.local/waits-by-name:1");
    main_container(pod)["image"] = by_digest.reference;
    pod.make("spec", "containers").push_back(std::move(second));
  });
  ASSERT_TRUE(cluster().wait(waits, [](const Value& status) {
    return status.at("initContainerStatuses", 0, "state").has("running");
  })) << cluster().notes(waits);
  run_and_stop("passes-by");
  EXPECT_TRUE(std::filesystem::exists(by_digest.place));
  EXPECT_TRUE(std::filesystem::exists(by_name.place));
  cluster().stop(waits, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(waits));
  (void)cluster().logs({.uid = waits, .container = "main"});
  EXPECT_FALSE(std::filesystem::exists(by_digest.place));
  EXPECT_FALSE(std::filesystem::exists(by_name.place));
}

TEST(Lifecycle, APodThatNeverRanHereTakesNoUnpackedImageWithIt) {
  const auto image = marked_image("of-an-earlier-life:1");
  cluster().stop("never-ran-here", Duration{0});
  EXPECT_TRUE(cluster().wait_stopped("never-ran-here"));
  (void)cluster().logs({.uid = "never-ran-here", .container = "main"});
  EXPECT_TRUE(std::filesystem::exists(image.place)) << "at a start its own pod may be yet to come";
  run_and_stop("takes-it-along");
  EXPECT_FALSE(std::filesystem::exists(image.place));
}

TEST(Lifecycle, APodThatIsOverGoesWhileItsImageTurnsOutBad) {
  ImageStore store(cluster().directory() + "/images");
  const std::string layer = store.put_blob("a layer that comes slowly").value_or("");
  const std::string config = store.put_blob("{}").value_or("");
  const auto manifest =
      store.put_blob(fmt::format(R"({{"config":{{"digest":"{}"}},"layers":[{{"digest":"{}"}}]}})", config, layer));
  ASSERT_TRUE(manifest);
  const std::string blob = store.blob_path(layer);
  ASSERT_TRUE(std::filesystem::remove(blob) && ::mkfifo(blob.c_str(), 0600) == 0);
  const auto uid = cluster().run("late", [&](Value& pod) {
    main_container(pod)["image"] = "any@" + *manifest;
    pod.make("spec").set("activeDeadlineSeconds", 1);
    pod.make("spec").set("volumes", Value::array({Value::object({{"name", "out"}, {"emptyDir", Value::object()}})}));
  });
  const bool failed = cluster().wait(uid, [](const Value& status) { return status.at("phase").str() == "Failed"; });
  ASSERT_TRUE(write_file(blob, "something else"));
  ASSERT_TRUE(failed) << cluster().notes(uid);
  const std::string volumes = cluster().directory() + "/run/volumes/" + uid;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::filesystem::exists(volumes) && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_FALSE(std::filesystem::exists(volumes)) << "nothing of it runs: what it has is given back";
  cluster().stop(uid, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uid));
  std::filesystem::remove(blob);
}

TEST(Lifecycle, LogsOfPodsThatAreNoMoreGoAndThoseOfCompletedOnesAreRead) {
  const std::string logs = cluster().directory() + "/log/pods";
  const std::string gone = logs + "/shop_gone_1111";
  const std::string done = logs + "/shop_done_2222";
  for (const std::string& folder : {gone, done}) ASSERT_TRUE(make_directories(folder + "/main"));
  ASSERT_TRUE(write_file(done + "/main/0.log", "2026-01-01T00:00:01.000000000Z stdout F first\n"));
  ASSERT_TRUE(write_file(done + "/main/1.log", "2026-01-01T00:00:02.000000000Z stdout F last\n"));
  const auto running = cluster().run("running");
  ASSERT_TRUE(cluster().wait_ready(running));
  cluster().node().keep_logs_of({running, "2222"});
  EXPECT_EQ(cluster().logs({.uid = "2222", .container = "main"}), "last\n");
  EXPECT_EQ(cluster().logs({.uid = "2222", .container = "main", .previous = true}), "first\n");
  EXPECT_EQ(cluster().logs({.uid = "2222", .container = "main", .follow = true}), "last\n");
  EXPECT_FALSE(std::filesystem::exists(gone));
  EXPECT_NE(cluster().logs({.uid = running, .container = "main"}).find("serving"), std::string::npos);
  cluster().stop(running, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(running));
  cluster().stop("2222", Duration{0});
  EXPECT_TRUE(cluster().wait_stopped("2222"));
  EXPECT_FALSE(std::filesystem::exists(done));
}

TEST(Lifecycle, LogsAreRotatedAndTheLatestLinesStay) {
  const auto uid = cluster().run("chatty");
  ASSERT_TRUE(cluster().wait_ready(uid));
  (void)cluster().ask(uid, "flood/200000");  // 27 MB with their time stamps.
  const std::string last = "1 " + std::string(90, 'x') + "\n";
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  const auto newest = [&] { return cluster().logs({.uid = uid, .container = "main", .tail_lines = 1}); };
  while (newest() != last) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  const auto all = cluster().logs({.uid = uid, .container = "main"});
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 200'002) << "none is lost at a rotation";
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(cluster().directory() + "/log/pods")) {
    if (!entry.is_regular_file() || entry.path().string().find("chatty") == std::string::npos) continue;
    ++files;
    EXPECT_LT(entry.file_size(), kMaxLogFile + 100'000);
  }
  EXPECT_EQ(files, 3);
  cluster().stop(uid, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uid));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(cluster().directory() + "/log/pods")) {
    EXPECT_EQ(entry.path().string().find("chatty"), std::string::npos) << "a pod's logs go with it";
  }
}

}  // namespace
}  // namespace fairlead::node
