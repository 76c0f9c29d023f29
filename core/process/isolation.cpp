// SPDX-License-Identifier: Apache-2.0
#include "core/process/isolation.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include "core/process/call_filter.h"
#include "core/process/spawn.h"

namespace hoop::process {
namespace {

constexpr std::size_t kMostListeners = 64;
constexpr int kMostPending = 128;
constexpr int kHandOverSeconds = 10;

enum Step : int {
  exec_step = 0,
  namespaces_step,
  maps_step,
  parent_step,
  loopback_step,
  listen_step,
  hand_over_step,
  hide_step,
  privileges_step,
  filter_step,
  arguments_step,
};

constexpr std::array<std::string_view, 11> kSteps{"exec",
                                                  "make namespaces",
                                                  "map the user into a namespace",
                                                  "follow its parent",
                                                  "bring up a network of its own",
                                                  "listen in it",
                                                  "hand the listeners over",
                                                  "hide folders",
                                                  "give up privileges",
                                                  "filter system calls",
                                                  "read its arguments"};

// ---- What the program may ask of the kernel ----

// What would lead out of the namespaces, into other processes, or around the filter. A namespace
// made inside could not undo anything, but is a large part of the kernel that nobody needs here.
constexpr std::array kRefusedCalls{SYS_unshare,
                                   SYS_setns,
                                   SYS_mount,
                                   SYS_umount2,
                                   SYS_pivot_root,
                                   SYS_chroot,
                                   SYS_open_tree,
                                   SYS_move_mount,
                                   SYS_fsopen,
                                   SYS_fsmount,
                                   SYS_mount_setattr,
                                   SYS_ptrace,
                                   SYS_process_vm_readv,
                                   SYS_process_vm_writev,
                                   SYS_pidfd_getfd,
                                   SYS_keyctl,
                                   SYS_add_key,
                                   SYS_request_key,
                                   SYS_bpf,
                                   SYS_perf_event_open,
                                   SYS_userfaultfd,
                                   SYS_open_by_handle_at};

std::vector<sock_filter> make_filter() {
  // The lower half, on the little-endian machines that there are.
  constexpr std::size_t kFirstArgument = offsetof(seccomp_data, args);
  std::vector<sock_filter> out{
      load(offsetof(seccomp_data, arch)), jump(BPF_JEQ, kArchitecture, 1, 0), answer(refuse(EPERM)),
      load(offsetof(seccomp_data, nr)), jump(BPF_JGE, kForeignCalls, 0, 1), answer(refuse(EPERM)),
      // Of sockets the two that lead to our listeners: a Unix socket with a name leads out of every
      // network namespace, to agents and daemons.
      jump(BPF_JEQ, SYS_socket, 0, 5), load(kFirstArgument), jump(BPF_JEQ, AF_INET, 2, 0),
      jump(BPF_JEQ, AF_INET6, 1, 0), answer(refuse(EAFNOSUPPORT)), answer(SECCOMP_RET_ALLOW),
      jump(BPF_JEQ, SYS_clone, 0, 4), load(kFirstArgument), jump(BPF_JSET, CLONE_NEWUSER, 0, 1),
      answer(refuse(EPERM)), answer(SECCOMP_RET_ALLOW),
      // Its flags lie in memory; libraries go on with clone().
      jump(BPF_JEQ, SYS_clone3, 0, 1), answer(refuse(ENOSYS)),
      // It makes sockets without a system call that the filter sees.
      jump(BPF_JEQ, SYS_io_uring_setup, 0, 1), answer(refuse(ENOSYS))};
  for (const long call : kRefusedCalls) {
    out.push_back(jump(BPF_JEQ, static_cast<std::uint32_t>(call), 0, 1));
    out.push_back(answer(refuse(EPERM)));
  }
  out.push_back(answer(SECCOMP_RET_ALLOW));
  return out;
}

// ---- The process in between ----

struct Order {
  int report = -1;
  int channel = -1;
  pid_t parent = 0;
  Isolation isolation;
  std::vector<std::string> program;
};

template <class T>
bool read_number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

/// As isolator_words() writes it.
bool read_order(int argc, char** argv, Order& out) {
  int at = 1;
  const auto next = [&](auto& number) { return at < argc && read_number(argv[at++], number); };
  std::size_t ports = 0, hidden = 0;
  if (!next(out.report) || !next(out.channel) || !next(out.parent) || !next(ports) ||
      ports > kMostListeners)
    return false;
  for (std::size_t i = 0; i < ports; ++i)
    if (!next(out.isolation.ports.emplace_back())) return false;
  if (!next(hidden) || hidden > kMostListeners) return false;
  for (std::size_t i = 0; i < hidden; ++i) {
    if (at >= argc) return false;
    out.isolation.hidden.emplace_back(argv[at++]);
  }
  out.program.assign(argv + at, argv + argc);
  return !out.program.empty();
}

bool write_file(const char* path, std::string_view text) {
  const Descriptor file(::open(path, O_WRONLY | O_CLOEXEC));
  return file.is_open() &&
         ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// Nobody but this user, and nobody but this group, are in the namespace.
bool map_ids(uid_t user, gid_t group) {
  return write_file("/proc/self/setgroups", "deny") &&
         write_file("/proc/self/uid_map", fmt::format("{} {} 1", user, user)) &&
         write_file("/proc/self/gid_map", fmt::format("{} {} 1", group, group));
}

bool bring_up_loopback() {
  const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", sizeof request.ifr_name - 1);
  request.ifr_flags = IFF_UP;
  return socket.is_open() && ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0;
}

bool listen_at(const std::vector<std::uint16_t>& ports, std::vector<Descriptor>& out) {
  for (const std::uint16_t port : ports) {
    Descriptor& socket =
        out.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!socket.is_open() ||
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(socket.get(), kMostPending) != 0)
      return false;
  }
  return true;
}

/// Room for the descriptors of one message.
union ControlRoom {
  cmsghdr header;
  std::array<char, CMSG_SPACE(sizeof(int) * kMostListeners)> bytes;
};

bool hand_over(int channel, const std::vector<Descriptor>& listeners) {
  char nothing = 0;
  iovec part{&nothing, 1};
  ControlRoom room{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room.bytes.data();
  message.msg_controllen = CMSG_SPACE(sizeof(int) * listeners.size());
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * listeners.size());
  auto* out = reinterpret_cast<unsigned char*>(CMSG_DATA(header));
  for (const Descriptor& one : listeners) {
    const int value = one.get();
    std::memcpy(out, &value, sizeof value);
    out += sizeof value;
  }
  return ::sendmsg(channel, &message, MSG_NOSIGNAL) == 1;
}

bool hide(const std::vector<std::string>& folders) {
  // What is mounted here stays here.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return false;
  for (const std::string& folder : folders) {
    const int mounted = ::mount("none", folder.c_str(), "tmpfs",
                                MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0500,size=4k");
    if (mounted != 0 && errno != ENOENT) return false;
  }
  return true;
}

bool give_up_privileges() {
  // Also of root: exec would give it all of the namespace's again.
  for (int capability = 0; capability <= CAP_LAST_CAP; ++capability)
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EINVAL) return false;
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return false;
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

bool filter_calls() { return install_filter(make_filter()); }

/// Answers the step that failed, its reason in errno.
Step isolate(const Order& order) {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC) != 0)
    return namespaces_step;
  if (!map_ids(user, group)) return maps_step;
  // Other credentials have taken it back.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::getppid() != order.parent) return errno = ESRCH, parent_step;
  if (!bring_up_loopback()) return loopback_step;
  std::vector<Descriptor> listeners;
  if (!listen_at(order.isolation.ports, listeners)) return listen_step;
  if (!hide(order.isolation.hidden)) return hide_step;
  if (!give_up_privileges()) return privileges_step;
  // Nothing that could hang comes after it: whoever waits for it has a deadline.
  if (!listeners.empty() && !hand_over(order.channel, listeners)) return hand_over_step;
  return filter_calls() ? exec_step : filter_step;
}

}  // namespace

std::vector<std::string> isolator_words(const Isolation& isolation, int report, int channel,
                                        int parent, const std::vector<std::string>& program) {
  HOOP_ASSERT(isolation.ports.size() <= kMostListeners &&
              isolation.hidden.size() <= kMostListeners);
  std::vector<std::string> out{std::string(kIsolatorName), std::to_string(report),
                               std::to_string(channel), std::to_string(parent),
                               std::to_string(isolation.ports.size())};
  for (const std::uint16_t port : isolation.ports) out.push_back(std::to_string(port));
  out.push_back(std::to_string(isolation.hidden.size()));
  out.insert(out.end(), isolation.hidden.begin(), isolation.hidden.end());
  out.insert(out.end(), program.begin(), program.end());
  return out;
}

int run_isolator(int argc, char** argv) {
  Order order;
  SpawnFailure failure{arguments_step, EINVAL};
  if (!read_order(argc, argv, order) || ::fcntl(order.report, F_SETFD, FD_CLOEXEC) != 0 ||
      ::fcntl(order.channel, F_SETFD, FD_CLOEXEC) != 0)
    return 127;
  failure.step = isolate(order);
  failure.error = errno;
  if (failure.step == exec_step) failure.error = exec_program(order.program);
  const ssize_t ignored = ::write(order.report, &failure, sizeof failure);
  static_cast<void>(ignored);
  return 127;
}

std::vector<Descriptor> receive_listeners(int channel, std::size_t count) {
  char nothing = 0;
  iovec part{&nothing, 1};
  ControlRoom room{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room.bytes.data();
  message.msg_controllen = room.bytes.size();
  ssize_t got = 0;
  const timeval patience{kHandOverSeconds, 0};
  if (::setsockopt(channel, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0) return {};
  do {
    got = ::recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  std::vector<Descriptor> out;
  const cmsghdr* header = got == 1 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
    return out;
  const std::size_t sent = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (std::size_t i = 0; i < sent; ++i) {
    int value = -1;
    std::memcpy(&value, CMSG_DATA(header) + i * sizeof value, sizeof value);
    out.emplace_back(value);
  }
  if (out.size() != count) out.clear();
  return out;
}

Error isolation_error(const SpawnFailure& failure) {
  const auto step = static_cast<std::size_t>(failure.step);
  return {ErrorCode::unsupported,
          fmt::format("the program cannot be isolated: {}: {}",
                      step < kSteps.size() ? kSteps[step] : "start", std::strerror(failure.error)),
          "does this machine let users make namespaces (user.max_user_namespaces, "
          "kernel.unprivileged_userns_clone, AppArmor)? Inside of containers it often does not",
          {}};
}

Error no_listeners() { return isolation_error({hand_over_step, ETIMEDOUT}); }

Result<void> check_isolation() {
  Program program;
  program.words = {"true"};
  program.environment = {"PATH=/usr/bin:/bin"};
  program.isolation.emplace();
  HOOP_TRY(const Spawned spawned, spawn(program, ProcessGroup::own));
  while (::waitpid(spawned.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return {};
}

}  // namespace hoop::process
