#include "engine/node/seccomp.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fairlead::node {

namespace {

struct Denied {
  std::string_view name;
  int number;  ///< -1: 32-bit programs alone have it.
};

#define FAIRLEAD_CALL(name) \
  Denied { #name, SYS_##name }
#define FAIRLEAD_OLD_CALL(name) Denied{#name, -1}
constexpr Denied kDenied[] = {FAIRLEAD_CALL(acct),
                              FAIRLEAD_CALL(add_key),
                              FAIRLEAD_CALL(adjtimex),
                              FAIRLEAD_CALL(bpf),
                              FAIRLEAD_CALL(chroot),
                              FAIRLEAD_CALL(clock_adjtime),
                              FAIRLEAD_CALL(clock_settime),
                              FAIRLEAD_CALL(delete_module),
                              FAIRLEAD_CALL(fanotify_init),
                              FAIRLEAD_CALL(finit_module),
                              FAIRLEAD_CALL(fsconfig),
                              FAIRLEAD_CALL(fsmount),
                              FAIRLEAD_CALL(fsopen),
                              FAIRLEAD_CALL(fspick),
                              FAIRLEAD_CALL(get_mempolicy),
                              FAIRLEAD_CALL(init_module),
                              FAIRLEAD_CALL(io_uring_enter),
                              FAIRLEAD_CALL(io_uring_register),
                              FAIRLEAD_CALL(io_uring_setup),
                              FAIRLEAD_CALL(kcmp),
                              FAIRLEAD_CALL(kexec_file_load),
                              FAIRLEAD_CALL(kexec_load),
                              FAIRLEAD_CALL(keyctl),
                              FAIRLEAD_CALL(lookup_dcookie),
                              FAIRLEAD_CALL(mbind),
                              FAIRLEAD_CALL(migrate_pages),
                              FAIRLEAD_CALL(mount),
                              FAIRLEAD_CALL(mount_setattr),
                              FAIRLEAD_CALL(move_mount),
                              FAIRLEAD_CALL(move_pages),
                              FAIRLEAD_CALL(name_to_handle_at),
                              FAIRLEAD_CALL(nfsservctl),
                              FAIRLEAD_CALL(open_by_handle_at),
                              FAIRLEAD_CALL(open_tree),
                              FAIRLEAD_CALL(perf_event_open),
                              FAIRLEAD_CALL(personality),
                              FAIRLEAD_CALL(pivot_root),
                              FAIRLEAD_CALL(process_vm_readv),
                              FAIRLEAD_CALL(process_vm_writev),
                              FAIRLEAD_CALL(quotactl),
                              FAIRLEAD_CALL(quotactl_fd),
                              FAIRLEAD_CALL(reboot),
                              FAIRLEAD_CALL(request_key),
                              FAIRLEAD_CALL(set_mempolicy),
                              FAIRLEAD_CALL(setdomainname),
                              FAIRLEAD_CALL(sethostname),
                              FAIRLEAD_CALL(setns),
                              FAIRLEAD_CALL(settimeofday),
                              FAIRLEAD_CALL(swapoff),
                              FAIRLEAD_CALL(swapon),
                              FAIRLEAD_CALL(syslog),
                              FAIRLEAD_CALL(umount2),
                              FAIRLEAD_CALL(unshare),
                              FAIRLEAD_CALL(userfaultfd),
                              FAIRLEAD_CALL(vhangup),
#ifdef __x86_64__
                              FAIRLEAD_CALL(create_module),
                              FAIRLEAD_CALL(get_kernel_syms),
                              FAIRLEAD_CALL(ioperm),
                              FAIRLEAD_CALL(iopl),
                              FAIRLEAD_CALL(query_module),
                              FAIRLEAD_CALL(sysfs),
                              FAIRLEAD_CALL(uselib),
                              FAIRLEAD_CALL(ustat),
#endif
                              FAIRLEAD_OLD_CALL(stime),
                              FAIRLEAD_OLD_CALL(umount),
                              FAIRLEAD_OLD_CALL(vm86),
                              FAIRLEAD_OLD_CALL(vm86old)};
#undef FAIRLEAD_CALL
#undef FAIRLEAD_OLD_CALL

#ifdef __x86_64__
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
constexpr std::uint32_t kFirstForeign = 0x40000000;  ///< Numbers from here on are x32's.
#else
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
constexpr std::uint32_t kFirstForeign = 0xFFFFFFFF;
#endif

/// clone may be called, but not to make namespaces: CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID |
/// NEWNET.
constexpr std::int64_t kNamespaceFlags = 0x7E020000;

Value make_profile() {
  Value names = Value::array();
  for (const Denied& call : kDenied) names.push_back(call.name);
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

sock_filter statement(unsigned code, std::uint32_t value) { return {static_cast<std::uint16_t>(code), 0, 0, value}; }

sock_filter jump(unsigned test, std::uint32_t value, std::uint8_t otherwise) {
  return {static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), 0, otherwise, value};
}

sock_filter load(std::size_t offset) { return statement(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); }

sock_filter refuse(int error) {
  return statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (static_cast<std::uint32_t>(error) & SECCOMP_RET_DATA));
}

std::vector<sock_filter> make_filter() {
  // Programs for other processors than this one's own mode have other numbers: they get nothing at all.
  std::vector<sock_filter> out = {load(offsetof(seccomp_data, arch)), jump(BPF_JEQ, kArchitecture, 1),
                                  load(offsetof(seccomp_data, nr)), jump(BPF_JGE, kFirstForeign, 1), refuse(ENOSYS)};
  out[1].jf = 2;  // Past the load and the test, to the refusal.
  const auto deny = [&](int number, int error) {
    out.push_back(jump(BPF_JEQ, static_cast<std::uint32_t>(number), 1));
    out.push_back(refuse(error));
  };
  for (const Denied& call : kDenied) {
    if (call.number >= 0) deny(call.number, EPERM);
  }
  deny(SYS_clone3, ENOSYS);
  out.push_back(jump(BPF_JEQ, SYS_clone, 3));
  out.push_back(load(offsetof(seccomp_data, args)));  // The lower half of the first argument: both are little-endian.
  out.push_back(jump(BPF_JSET, kNamespaceFlags, 1));
  out.push_back(refuse(EPERM));
  out.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  return out;
}

}  // namespace

const std::vector<sock_filter>& default_seccomp_filter() {
  static const std::vector<sock_filter> filter = make_filter();
  return filter;
}

const Value& default_seccomp() {
  static const Value profile = make_profile();
  return profile;
}

}  // namespace fairlead::node
