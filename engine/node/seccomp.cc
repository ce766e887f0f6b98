#include "engine/node/seccomp.h"

#include <array>
#include <cerrno>
#include <string_view>

namespace fairlead::node {

namespace {

constexpr std::array<std::string_view, 67> kDenied = {"acct",
                                                      "add_key",
                                                      "bpf",
                                                      "clock_adjtime",
                                                      "clock_settime",
                                                      "create_module",
                                                      "delete_module",
                                                      "fanotify_init",
                                                      "finit_module",
                                                      "fsconfig",
                                                      "fsmount",
                                                      "fsopen",
                                                      "fspick",
                                                      "get_kernel_syms",
                                                      "get_mempolicy",
                                                      "init_module",
                                                      "io_uring_enter",
                                                      "io_uring_register",
                                                      "io_uring_setup",
                                                      "ioperm",
                                                      "iopl",
                                                      "kcmp",
                                                      "kexec_file_load",
                                                      "kexec_load",
                                                      "keyctl",
                                                      "lookup_dcookie",
                                                      "mbind",
                                                      "migrate_pages",
                                                      "mount",
                                                      "mount_setattr",
                                                      "move_mount",
                                                      "move_pages",
                                                      "name_to_handle_at",
                                                      "nfsservctl",
                                                      "open_by_handle_at",
                                                      "open_tree",
                                                      "perf_event_open",
                                                      "personality",
                                                      "pivot_root",
                                                      "process_vm_readv",
                                                      "process_vm_writev",
                                                      "query_module",
                                                      "quotactl",
                                                      "quotactl_fd",
                                                      "reboot",
                                                      "request_key",
                                                      "set_mempolicy",
                                                      "setns",
                                                      "settimeofday",
                                                      "stime",
                                                      "swapoff",
                                                      "swapon",
                                                      "syslog",
                                                      "sysfs",
                                                      "umount",
                                                      "umount2",
                                                      "unshare",
                                                      "uselib",
                                                      "userfaultfd",
                                                      "ustat",
                                                      "vhangup",
                                                      "vm86",
                                                      "vm86old",
                                                      "chroot",
                                                      "setdomainname",
                                                      "sethostname",
                                                      "adjtimex"};

/// clone may be called, but not to make namespaces: CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID |
/// NEWNET.
constexpr std::int64_t kNamespaceFlags = 0x7E020000;

Value make_profile() {
  Value names = Value::array();
  for (const auto name : kDenied) names.push_back(name);
  Value clone = Value::array();
  for (int bit = 0; bit < 32; ++bit) {
    const std::int64_t flag = std::int64_t{1} << bit;
    if ((kNamespaceFlags & flag) == 0) continue;
    clone.push_back(Value::object(
        {{"names", Value::array({"clone"})},
         {"action", "SCMP_ACT_ERRNO"},
         {"errnoRet", EPERM},
         {"args", Value::array({Value::object(
                      {{"index", 0}, {"value", flag}, {"valueTwo", flag}, {"op", "SCMP_CMP_MASKED_EQ"}})})}}));
  }
  Value calls = Value::array(
      {Value::object({{"names", std::move(names)}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", EPERM}}),
       // Its flags stand in memory that a filter cannot read: ENOSYS makes libc fall back to clone.
       Value::object({{"names", Value::array({"clone3"})}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", ENOSYS}})});
  for (auto& rule : clone.mutable_items()) calls.push_back(std::move(rule));
  return Value::object({{"defaultAction", "SCMP_ACT_ALLOW"},
                        {"architectures", Value::array({"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"})},
                        {"syscalls", std::move(calls)}});
}

}  // namespace

const Value& default_seccomp() {
  static const Value profile = make_profile();
  return profile;
}

}  // namespace fairlead::node
