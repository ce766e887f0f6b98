// Pods on a real node: how they start, what they see, how they are probed, restarted and ended.
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <sstream>
#include <thread>

#include "engine/node/live_test/cluster.h"

namespace fairlead::node {
namespace {

Value& main_container(Value& pod) { return pod.make("spec", "containers").mutable_items()[0]; }
const Value& main_status(const Value& status) { return status.at("containerStatuses", 0); }

TEST(Pod, StartsWithinTheTimeAllowed) {
  const auto begin = std::chrono::steady_clock::now();
  const auto uid = cluster().run("first");
  ASSERT_TRUE(cluster().wait_ready(uid));
  const auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin).count();
  RecordProperty("first_pod_ms", std::to_string(took));
  std::printf("first pod ready after %ld ms\n", static_cast<long>(took));
  EXPECT_EQ(cluster().ask(uid, "name"), "first");
  EXPECT_EQ(cluster().ask(uid, "env/FROM_IMAGE"), "yes");
  const Value status = cluster().status(uid);
  EXPECT_EQ(status.at("phase").str(), "Running");
  EXPECT_TRUE(main_status(status).at("imageID").str().find("@sha256:") != std::string_view::npos);
  EXPECT_TRUE(main_status(status).at("containerID").str().starts_with("crun://"));
  cluster().stop(uid);
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

TEST(Pod, TwentyStartTogether) {
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::string> uids;
  for (int i = 0; i < 20; ++i) uids.push_back(cluster().run("many" + std::to_string(i)));
  for (const auto& uid : uids) ASSERT_TRUE(cluster().wait_ready(uid));
  const auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin).count();
  std::printf("20 pods ready after %ld ms\n", static_cast<long>(took));
  EXPECT_LT(took, 8000);
  for (const auto& uid : uids) cluster().stop(uid, Duration{0});
  for (const auto& uid : uids) EXPECT_TRUE(cluster().wait_stopped(uid));
}

TEST(Pod, RunsAsTheUserItAsksForWithoutPrivileges) {
  const auto uid = cluster().run("user", [](Value& pod) {
    main_container(pod).make("securityContext") =
        Value::object({{"runAsUser", 10001},
                       {"runAsGroup", 10002},
                       {"runAsNonRoot", true},
                       {"readOnlyRootFilesystem", true},
                       {"allowPrivilegeEscalation", false},
                       {"capabilities", Value::object({{"drop", Value::array({"ALL"})}})},
                       {"seccompProfile", Value::object({{"type", "RuntimeDefault"}})}});
  });
  ASSERT_TRUE(cluster().wait_ready(uid))
      << cluster().status(uid).at("containerStatuses", 0, "state", "waiting", "message").str();
  EXPECT_EQ(cluster().ask(uid, "id"), "10001:10002");
  EXPECT_EQ(cluster().ask(uid, "write/file"), "error: Read-only file system");
  EXPECT_EQ(cluster().ask(uid, "status/NoNewPrivs"), "1");
  EXPECT_EQ(cluster().ask(uid, "status/Seccomp:"), "2");
  EXPECT_EQ(cluster().ask(uid, "status/CapEff"), "0000000000000000");
  EXPECT_EQ(cluster().ask(uid, "status/CapBnd"), "0000000000000000");
  cluster().stop(uid);
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

TEST(Pod, RefusesRootWhereThePodForbidsIt) {
  const auto uid = cluster().run("root", [](Value& pod) {
    main_container(pod).make("securityContext") = Value::object({{"runAsNonRoot", true}, {"runAsUser", 0}});
  });
  EXPECT_TRUE(cluster().wait(uid, [](const Value& status) {
    return main_status(status).at("state", "waiting", "reason").str() == "CreateContainerConfigError";
  }));
  cluster().stop(uid);
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

TEST(Pod, MissingImageIsNamed) {
  const auto uid =
      cluster().run("missing", [](Value& pod) { main_container(pod)["image"] = "localhost/shop/catalog:v9"; });
  EXPECT_TRUE(cluster().wait(uid, [](const Value& status) {
    return main_status(status).at("state", "waiting", "reason").str() == "ErrImagePull";
  }));
  const Value status = cluster().status(uid);
  const std::string message(main_status(status).at("state", "waiting", "message").str());
  EXPECT_NE(message.find("localhost/shop/catalog:v9"), std::string::npos);
  EXPECT_EQ(status.at("phase").str(), "Pending");
  EXPECT_TRUE(cluster().wait(uid, [](const Value& later) {
    return main_status(later).at("state", "waiting", "reason").str() == "ImagePullBackOff";
  }));
  cluster().stop(uid);
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

TEST(Pod, VolumesEnvironmentAndTheirChange) {
  seam::PodInputs inputs;
  inputs.env["main"] = {{"GREETING", "hello"}, {"PORT", "8080"}};
  inputs.files["settings"] = {{"color", "blue", 0644}, {"deep/nested.txt", "nested", 0644}, {"private", "x", 0400}};
  const auto change = [](Value& pod) {
    pod.make("spec", "volumes") =
        Value::array({Value::object({{"name", "settings"}, {"configMap", Value::object({{"name", "s"}})}}),
                      Value::object({{"name", "scratch"}, {"emptyDir", Value::object()}}),
                      Value::object({{"name", "memory"},
                                     {"emptyDir", Value::object({{"medium", "Memory"}, {"sizeLimit", "1Mi"}})}})});
    auto& container = main_container(pod);
    container["args"] = Value::array({"serve", "$(PORT)"});
    container["volumeMounts"] =
        Value::array({Value::object({{"name", "settings"}, {"mountPath", "/etc/settings"}}),
                      Value::object({{"name", "settings"}, {"mountPath", "/one"}, {"subPath", "color"}}),
                      Value::object({{"name", "memory"}, {"mountPath", "/memory"}}),
                      Value::object({{"name", "scratch"}, {"mountPath", "/scratch"}})});
    pod.make("spec", "hostAliases") =
        Value::array({Value::object({{"ip", "10.1.2.3"}, {"hostnames", Value::array({"alias.example"})}})});
  };
  const auto uid = cluster().run("volumes", change, inputs);
  ASSERT_TRUE(cluster().wait_ready(uid));
  EXPECT_EQ(cluster().ask(uid, "env/GREETING"), "hello");
  EXPECT_EQ(cluster().ask(uid, "read/etc/settings/color"), "blue");
  EXPECT_EQ(cluster().ask(uid, "read/etc/settings/deep/nested.txt"), "nested");
  EXPECT_EQ(cluster().ask(uid, "read/one"), "blue");
  // Root's file, the image's user: refused where uids are real.
  EXPECT_EQ(cluster().ask(uid, "read/etc/settings/private"), cluster().privileged() ? "error: Permission denied" : "x");
  EXPECT_EQ(cluster().ask(uid, "write/etc/settings/color"), "error: Read-only file system");
  EXPECT_EQ(cluster().ask(uid, "write/scratch/x"), "ok");
  EXPECT_EQ(cluster().ask(uid, "write/memory/x"), "ok");
  EXPECT_NE(cluster().ask(uid, "read/etc/hosts").find("10.1.2.3\talias.example"), std::string::npos);
  EXPECT_NE(cluster().ask(uid, "read/etc/resolv.conf").find("search shop.svc.cluster.local"), std::string::npos);
  inputs.files["settings"] = {{"color", "green", 0644}};
  cluster().run_again(uid, [](Value&) {}, inputs);
  for (int i = 0; i < 200 && cluster().ask(uid, "read/etc/settings/color") != "green"; ++i) std::this_thread::yield();
  EXPECT_EQ(cluster().ask(uid, "read/etc/settings/color"), "green");
  EXPECT_EQ(cluster().ask(uid, "read/etc/settings/deep/nested.txt"), "error: No such file or directory");
  cluster().stop(uid);
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

/// A pod whose first container links `to` from x in an emptyDir; its second one mounts that volume's `sub_path`.
std::string run_with_link(const std::string& name, const std::string& to, const std::string& sub_path) {
  return cluster().run(name, [&](Value& pod) {
    auto& container = main_container(pod);
    Value init = container;
    init["name"] = "plant";
    init["args"] = Value::array({"link", to, "/shared/x"});
    init["volumeMounts"] = Value::array({Value::object({{"name", "shared"}, {"mountPath", "/shared"}})});
    container["volumeMounts"] =
        Value::array({Value::object({{"name", "shared"}, {"mountPath", "/part"}, {"subPath", sub_path}}),
                      Value::object({{"name", "shared"}, {"mountPath", "/all"}})});
    pod.make("spec", "volumes") = Value::array({Value::object({{"name", "shared"}, {"emptyDir", Value::object()}})});
    pod.make("spec", "initContainers") = Value::array({std::move(init)});
  });
}

TEST(Pod, ASubPathIsMadeInTheVolumeAndLastsAsLongAsIt) {
  const auto uid = run_with_link("subpath", "real", "deep/data");
  ASSERT_TRUE(cluster().wait_ready(uid)) << cluster().notes(uid);
  EXPECT_EQ(cluster().ask(uid, "write/part/file"), "ok");
  EXPECT_EQ(cluster().ask(uid, "read/all/deep/data/file"), "written");
  (void)cluster().ask(uid, "exit/1");
  ASSERT_TRUE(cluster().wait(uid, [](const Value& status) {
    return main_status(status).at("restartCount").int_or(0) == 1 && main_status(status).at("ready").bool_or(false);
  }));
  EXPECT_EQ(cluster().ask(uid, "read/part/file"), "written");
  cluster().stop(uid, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

TEST(Pod, ALinkInAVolumeLeadsNoSubPathOutOfIt) {
  const std::string outside = cluster().directory() + "/log";
  const auto uid = run_with_link("escape", outside, "x/escaped");
  EXPECT_TRUE(cluster().wait_note(uid, "Failed", "volume shared: the subPath x/escaped leads out of the volume"))
      << cluster().notes(uid);
  EXPECT_FALSE(std::filesystem::exists(outside + "/escaped"));
  cluster().stop(uid, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

TEST(Pod, AKilledContainerStartsAgain) {
  const auto uid = cluster().run("killed");
  ASSERT_TRUE(cluster().wait_ready(uid));
  (void)cluster().ask(uid, "exit/3");
  ASSERT_TRUE(cluster().wait(uid, [](const Value& status) {
    return main_status(status).at("restartCount").int_or(0) == 1 && main_status(status).at("ready").bool_or(false);
  }));
  EXPECT_EQ(main_status(cluster().status(uid)).at("lastState", "terminated", "exitCode").int_or(0), 3);
  EXPECT_NE(cluster().logs({.uid = uid, .container = "main", .previous = true}).find("serving\n"), std::string::npos);
  // The second end in a row waits: 10 s.
  (void)cluster().ask(uid, "exit/4");
  ASSERT_TRUE(cluster().wait(uid, [](const Value& status) {
    return main_status(status).at("state", "waiting", "reason").str() == "CrashLoopBackOff";
  }));
  EXPECT_TRUE(cluster().wait_note(uid, "BackOff", "Back-off restarting failed container main"));
  cluster().stop(uid);
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

TEST(Pod, TheLogsOfTheLastTwoStartsAreKept) {
  const auto uid = cluster().run("restarts", [](Value& pod) { main_container(pod).erase("readinessProbe"); });
  const std::string folder = fmt::format("{}/log/pods/shop_restarts_{}/main", cluster().directory(), uid);
  const auto started = [](int restarts) {
    return [restarts](const Value& status) {
      return main_status(status).at("restartCount").int_or(-1) == restarts &&
             main_status(status).at("state").has("running");
    };
  };
  ASSERT_TRUE(cluster().wait(uid, started(0)));
  cluster().signal(uid, SIGKILL);
  ASSERT_TRUE(cluster().wait(uid, started(1)));
  EXPECT_TRUE(std::filesystem::exists(folder + "/0.log"));
  cluster().signal(uid, SIGKILL);
  // The second restart waits for its back-off; the first start's log goes as soon as it is counted.
  ASSERT_TRUE(
      cluster().wait(uid, [](const Value& status) { return main_status(status).at("restartCount").int_or(0) == 2; }));
  EXPECT_FALSE(std::filesystem::exists(folder + "/0.log"));
  EXPECT_TRUE(std::filesystem::exists(folder + "/1.log"));
  cluster().stop(uid, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uid));
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST(Pod, TheLogsOfAnEarlierLifeGoWithTheirPod) {
  const std::string folder = cluster().directory() + "/log/pods/shop_earlier_1234/main";
  const std::string other = cluster().directory() + "/log/pods/shop_other_5678/main";
  ASSERT_TRUE(std::filesystem::create_directories(folder) && std::filesystem::create_directories(other));
  cluster().stop("1234", Duration{0});
  EXPECT_TRUE(cluster().wait_stopped("1234"));
  EXPECT_FALSE(std::filesystem::exists(folder));
  EXPECT_TRUE(std::filesystem::exists(other));
}

TEST(Pod, RootWritesNothingBelowSys) {
  const auto uid = cluster().run(
      "sys", [](Value& pod) { main_container(pod).make("securityContext") = Value::object({{"runAsUser", 0}}); });
  ASSERT_TRUE(cluster().wait_ready(uid)) << cluster().notes(uid);
  ASSERT_EQ(cluster().ask(uid, "id"), "0:0");
  EXPECT_EQ(cluster().ask(uid, "write/file"), "ok");
  std::istringstream mounts(cluster().ask(uid, "read/proc/self/mounts"));
  int seen = 0;
  for (std::string source, place, type, options, rest; mounts >> source >> place >> type >> options;
       std::getline(mounts, rest)) {
    if (place != "/sys" && !place.starts_with("/sys/")) continue;
    ++seen;
    EXPECT_TRUE(options == "ro" || options.starts_with("ro,")) << place << " " << options;
  }
  EXPECT_GT(seen, 1);
  EXPECT_EQ(cluster().ask(uid, "write/sys/fs/cgroup/file"), "error: Read-only file system");
  cluster().stop(uid, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

TEST(Pod, HasTheDescriptorLimitThatTheNodeWasStartedWith) {
  rlimit own{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &own), 0);
  EXPECT_EQ(own.rlim_cur, own.rlim_max) << "the node takes what it may";
  const auto uid = cluster().run("files");
  ASSERT_TRUE(cluster().wait_ready(uid)) << cluster().notes(uid);
  std::istringstream lines(cluster().ask(uid, "read/proc/self/limits"));
  std::string found;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Max open files")) found = line;
  }
  std::istringstream columns(found.substr(std::min(found.size(), std::string("Max open files").size())));
  rlim_t soft = 0;
  columns >> soft;
  EXPECT_EQ(soft, kSoftFileLimit) << found;
  cluster().stop(uid, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

TEST(Pod, ItsDeadlineCountsFromItsStartAlsoWhenTheNodeStartedLater) {
  const auto uid = cluster().run("deadline", [](Value& pod) {
    pod.make("spec", "activeDeadlineSeconds") = 3600;
    pod.make("status", "startTime") = "2026-01-01T00:00:00Z";
  });
  ASSERT_TRUE(cluster().wait(uid, [](const Value& status) { return status.at("phase").str() == "Failed"; }));
  EXPECT_EQ(cluster().status(uid).at("reason").str(), "DeadlineExceeded");
  cluster().stop(uid, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

TEST(Pod, InitContainersRunInOrderAndJobsComplete) {
  const auto uid = cluster().run("job", [](Value& pod) {
    auto& container = main_container(pod);
    Value init = container;
    init["name"] = "init";
    init["args"] = Value::array({"touch", "/shared/done"});
    container["args"] = Value::array({"healthy", "/shared/done"});
    const Value mount = Value::array({Value::object({{"name", "shared"}, {"mountPath", "/shared"}})});
    init["volumeMounts"] = mount;
    container["volumeMounts"] = mount;
    pod.make("spec", "volumes") = Value::array({Value::object({{"name", "shared"}, {"emptyDir", Value::object()}})});
    pod.make("spec", "initContainers") = Value::array({std::move(init)});
    pod.make("spec", "restartPolicy") = "Never";
  });
  ASSERT_TRUE(cluster().wait(uid, [](const Value& status) { return status.at("phase").str() == "Succeeded"; }));
  const Value status = cluster().status(uid);
  EXPECT_EQ(main_status(status).at("state", "terminated", "reason").str(), "Completed");
  EXPECT_EQ(status.at("initContainerStatuses", 0, "state", "terminated", "exitCode").int_or(9), 0);
  cluster().stop(uid);
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

TEST(Pod, AFailureKeepsItsMessage) {
  const auto uid = cluster().run("failing", [](Value& pod) {
    main_container(pod)["args"] = Value::array({"exit", "7", "the reason"});
    pod.make("spec", "restartPolicy") = "Never";
  });
  ASSERT_TRUE(cluster().wait(uid, [](const Value& status) { return status.at("phase").str() == "Failed"; }));
  const Value ended = main_status(cluster().status(uid)).at("state", "terminated");
  EXPECT_EQ(ended.at("exitCode").int_or(0), 7);
  EXPECT_EQ(ended.at("message").str(), "the reason");
  cluster().stop(uid);
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

TEST(Pod, ProbesDecideReadinessAndRestarts) {
  const auto uid = cluster().run("probed", [](Value& pod) {
    auto& container = main_container(pod);
    const auto http = [](const char* path) { return Value::object({{"path", path}, {"port", 8080}}); };
    container["startupProbe"] = Value::object(
        {{"exec", Value::object({{"command", Value::array({"/node_workload", "healthy", "/etc/hosts"})}})},
         {"periodSeconds", 1}});
    container["readinessProbe"] =
        Value::object({{"httpGet", http("/ready")}, {"periodSeconds", 1}, {"failureThreshold", 1}});
    container["livenessProbe"] =
        Value::object({{"httpGet", http("/health")}, {"periodSeconds", 1}, {"failureThreshold", 1}});
  });
  ASSERT_TRUE(cluster().wait_ready(uid)) << cluster().notes(uid);
  (void)cluster().ask(uid, "set-ready/0");
  ASSERT_TRUE(cluster().wait(uid, [](const Value& status) { return !main_status(status).at("ready").bool_or(true); }));
  EXPECT_TRUE(cluster().wait_note(uid, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"));
  (void)cluster().ask(uid, "set-ready/1");
  ASSERT_TRUE(cluster().wait_ready(uid));
  (void)cluster().ask(uid, "set-health/0");
  ASSERT_TRUE(
      cluster().wait(uid, [](const Value& status) { return main_status(status).at("restartCount").int_or(0) == 1; }));
  EXPECT_TRUE(cluster().wait_note(uid, "Killing", "failed liveness probe, will be restarted"));
  ASSERT_TRUE(cluster().wait_ready(uid));
  cluster().stop(uid);
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

TEST(Pod, PreStopThenTermThenKill) {
  const auto change = [](Value& pod) {
    auto& container = main_container(pod);
    container["env"] = Value::array();
    container.make("lifecycle", "preStop") =
        Value::object({{"httpGet", Value::object({{"path", "/say/preStop"}, {"port", 8080}})}});
  };
  seam::PodInputs stubborn;
  stubborn.env["main"] = {{"IGNORE_TERM", "1"}};
  const auto uid = cluster().run("stubborn", change, stubborn);
  ASSERT_TRUE(cluster().wait_ready(uid));
  std::string log;
  const auto begin = std::chrono::steady_clock::now();
  std::thread reader([&] { log = cluster().logs({.uid = uid, .container = "main", .follow = true}); });
  (void)cluster().ask(uid, "say/before");
  cluster().stop(uid, Duration{1'500});
  EXPECT_TRUE(cluster().wait_stopped(uid));
  const auto took = std::chrono::steady_clock::now() - begin;
  reader.join();
  EXPECT_GE(took, std::chrono::milliseconds(1'400));
  EXPECT_LT(took, std::chrono::milliseconds(4'000));
  EXPECT_TRUE(log.ends_with("before\npreStop\ngot SIGTERM\n")) << log;
  EXPECT_EQ(main_status(cluster().status(uid)).at("state", "terminated", "exitCode").int_or(0), 137);
}

TEST(Pod, LogsTailSinceTimestampsAndLimit) {
  const auto uid = cluster().run("logs");
  ASSERT_TRUE(cluster().wait_ready(uid));
  for (const char* text : {"one", "two", "three"}) (void)cluster().ask(uid, std::string("say/") + text);
  const auto until_three = [&](const std::string& text) { return text.find("three") != std::string::npos; };
  for (int i = 0; i < 1000 && !until_three(cluster().logs({.uid = uid, .container = "main"})); ++i)
    std::this_thread::yield();
  EXPECT_EQ(cluster().logs({.uid = uid, .container = "main", .tail_lines = 2}), "two\nthree\n");
  EXPECT_EQ(cluster().logs({.uid = uid, .container = "main", .tail_lines = 2, .limit_bytes = 5}), "two\nt");
  const auto stamped = cluster().logs({.uid = uid, .container = "main", .timestamps = true, .tail_lines = 1});
  EXPECT_TRUE(stamped.ends_with("Z three\n")) << stamped;
  const auto later = std::chrono::floor<Duration>(std::chrono::system_clock::now()) + std::chrono::hours(1);
  EXPECT_EQ(cluster().logs({.uid = uid, .container = "main", .since = later}), "");
  EXPECT_NE(cluster().logs({.uid = uid, .container = "other"}).find("not valid"), std::string::npos);
  cluster().stop(uid);
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

TEST(Pod, MemoryOverTheLimitIsKilledAndUsageIsMeasured) {
  const auto uid = cluster().run("hungry", [](Value& pod) {
    main_container(pod).make("resources", "limits") = Value::object({{"memory", "64Mi"}});
  });
  ASSERT_TRUE(cluster().wait_ready(uid));
  (void)cluster().ask(uid, "eat/32");
  std::thread spinner([&] { (void)cluster().ask(uid, "spin/7000"); });
  std::int64_t cpu = 0;
  std::int64_t memory = 0;
  for (int i = 0; i < 130 && (memory < (32 << 20) || cpu < 5'000'000); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    for (const auto& pod : cluster().node().usage()) {
      if (pod.uid != uid) continue;
      cpu = pod.containers.at(0).cpu_nano_cores;
      memory = pod.containers.at(0).memory_bytes;
    }
  }
  spinner.join();
  // An idle server uses none; a busy machine gives a spinning one little.
  EXPECT_GT(cpu, 5'000'000);
  EXPECT_GE(memory, 32 << 20);
  EXPECT_LT(memory, 64 << 20);
  (void)cluster().ask(uid, "eat/64");
  ASSERT_TRUE(cluster().wait(uid, [](const Value& status) {
    return main_status(status).at("lastState", "terminated", "reason").str() == "OOMKilled";
  }));
  cluster().stop(uid);
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

TEST(Pod, HostProgramsRunForThePlatformAlone) {
  const auto host = [](Value& pod) {
    main_container(pod)["image"] = "fairlead.local/host";
    main_container(pod)["command"] =
        Value::array({"/bin/sh", "-c", "echo from the host; touch /usr/x; id -u; sleep 1000"});
    main_container(pod)["args"] = Value::array();
    main_container(pod).erase("readinessProbe");
  };
  const auto refused = cluster().run("intruder", host);
  EXPECT_TRUE(cluster().wait(refused, [](const Value& status) {
    return main_status(status).at("state", "waiting", "message").str().find("platform's own namespaces") !=
           std::string_view::npos;
  }));
  const auto uid = cluster().run("host", [&](Value& pod) {
    host(pod);
    pod.make("metadata")["namespace"] = "monitoring";
  });
  ASSERT_TRUE(cluster().wait_ready(uid))
      << cluster().status(uid).at("containerStatuses", 0, "state", "waiting", "message").str();
  std::string log;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (log.find("0\n") == std::string::npos && std::chrono::steady_clock::now() < deadline)
    log = cluster().logs({.uid = uid, .container = "main"});
  EXPECT_NE(log.find("from the host"), std::string::npos) << log;
  EXPECT_NE(log.find("Read-only file system"), std::string::npos) << log;
  for (const auto& pod : {refused, uid}) cluster().stop(pod, Duration{0});
  for (const auto& pod : {refused, uid}) EXPECT_TRUE(cluster().wait_stopped(pod));
}

}  // namespace
}  // namespace fairlead::node
