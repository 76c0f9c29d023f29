// SPDX-License-Identifier: Apache-2.0
#include "core/process/call_filter.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>

namespace hoop::process {
namespace {

constexpr std::array kMovesBytes{
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_recvfrom, SYS_sendto, SYS_recvmsg, SYS_sendmsg,
    SYS_ppoll, SYS_epoll_pwait, SYS_epoll_ctl, SYS_epoll_create1, SYS_close, SYS_shutdown,
    SYS_getsockopt, SYS_setsockopt, SYS_getsockname, SYS_getpeername, SYS_fcntl, SYS_ioctl,
    SYS_lseek, SYS_fstat, SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise, SYS_futex,
    SYS_clock_gettime, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday, SYS_getrandom,
    SYS_getpid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_rt_sigaction,
    SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_setitimer, SYS_restart_syscall,
    SYS_sched_yield, SYS_membarrier, SYS_exit, SYS_exit_group,
#if defined(__x86_64__)
    SYS_poll, SYS_select, SYS_epoll_wait, SYS_time, SYS_alarm,
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
    // By which the sanitizers' runtime looks whether memory is there.
    SYS_pipe2,
#if defined(__x86_64__)
    SYS_pipe,
#endif
#endif
#endif
    SYS_pselect6};

void limit(__rlimit_resource what, rlim_t most) {
  const rlimit both{most, most};
  ::setrlimit(what, &both);
}

}  // namespace

bool install_filter(std::vector<sock_filter> filter) {
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool confine_to_open_descriptors() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_NPROC, 0);
  std::vector<sock_filter> filter{load(offsetof(seccomp_data, arch)),
                                  jump(BPF_JEQ, kArchitecture, 1, 0),
                                  answer(refuse(EPERM)),
                                  load(offsetof(seccomp_data, nr)),
                                  jump(BPF_JGE, kForeignCalls, 0, 1),
                                  answer(refuse(EPERM))};
  // The third argument: what the memory may be used for. The lower half, as elsewhere.
  constexpr std::size_t kThirdArgument = offsetof(seccomp_data, args) + 2 * sizeof(std::uint64_t);
  for (const long call : {SYS_mmap, SYS_mprotect}) {
    filter.push_back(jump(BPF_JEQ, static_cast<std::uint32_t>(call), 0, 4));
    filter.push_back(load(kThirdArgument));
    filter.push_back(jump(BPF_JSET, PROT_EXEC, 0, 1));
    filter.push_back(answer(refuse(EPERM)));
    filter.push_back(answer(SECCOMP_RET_ALLOW));
  }
  for (const long call : kMovesBytes) {
    filter.push_back(jump(BPF_JEQ, static_cast<std::uint32_t>(call), 0, 1));
    filter.push_back(answer(SECCOMP_RET_ALLOW));
  }
  filter.push_back(answer(refuse(EPERM)));
  return install_filter(std::move(filter));
}

}  // namespace hoop::process
