// SPDX-License-Identifier: Apache-2.0
#include "core/process/spawn.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>

#include <fmt/format.h>

namespace hoop::process {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin";

/// What the child needs, made before fork: between fork and exec nothing may allocate.
struct Image {
  std::vector<std::string> candidates;  // paths to try, in order
  std::vector<char*> words;
  std::vector<char*> shell_words;  // /bin/sh CANDIDATE words…, for a script without "#!"; [1] is
                                   // filled in by the child
  std::vector<char*> environment;
};

std::unexpected<Error> no_process(std::string_view what) {
  return fail(ErrorCode::internal, fmt::format("{}: {}", what, std::strerror(errno)));
}

/// environment is borrowed; so are the words.
Image make_image(const std::vector<std::string>& program, const std::vector<char*>& environment) {
  Image out;
  out.environment = environment;
  const std::string& name = program.front();
  std::string_view path = kDefaultPath;
  for (const char* variable : environment) {
    if (variable != nullptr && std::string_view(variable).starts_with("PATH="))
      path = std::string_view(variable).substr(5);
  }
  if (name.find('/') != std::string::npos) {
    out.candidates.push_back(name);
  } else {
    for (std::size_t begin = 0; begin <= path.size();) {
      const std::size_t end = std::min(path.find(':', begin), path.size());
      const std::string_view folder = path.substr(begin, end - begin);
      out.candidates.push_back(fmt::format("{}/{}", folder.empty() ? "." : folder, name));
      begin = end + 1;
    }
  }
  static constexpr const char* kShell = "/bin/sh";
  out.shell_words = {const_cast<char*>(kShell), nullptr};
  for (const std::string& word : program) out.words.push_back(const_cast<char*>(word.c_str()));
  out.words.push_back(nullptr);
  out.shell_words.insert(out.shell_words.end(), out.words.begin() + 1, out.words.end());
  return out;
}

std::vector<char*> pointers_to(const std::vector<std::string>& environment) {
  std::vector<char*> out;
  for (const std::string& variable : environment)
    out.push_back(const_cast<char*>(variable.c_str()));
  out.push_back(nullptr);
  return out;
}

/// Answers why none of them could be. Async-signal-safe.
int exec_image(Image& image) {
  int failure = ENOENT;
  for (const std::string& candidate : image.candidates) {
    ::execve(candidate.c_str(), image.words.data(), image.environment.data());
    if (errno == ENOEXEC) {
      image.shell_words[1] = const_cast<char*>(candidate.c_str());
      ::execve(image.shell_words[0], image.shell_words.data(), image.environment.data());
      errno = ENOEXEC;
    }
    if (errno == ENOENT || errno == ENOTDIR) continue;
    failure = errno;  // EACCES: a later folder of PATH may hold one that can be run
    if (failure != EACCES) break;
  }
  return failure;
}

/// Where a child says why there is no program, and of an isolated one what its listeners come by.
struct Pipes {
  Descriptor report;       // ours
  Descriptor report_end;   // the child's
  Descriptor channel;      // ours; none without isolation
  Descriptor channel_end;  // the child's
};

Result<Pipes> make_pipes(bool isolated) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return no_process("make a pipe");
  Pipes out;
  out.report = Descriptor(ends[0]);
  out.report_end = Descriptor(ends[1]);
  if (!isolated) return out;
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return no_process("make a channel");
  out.channel = Descriptor(ends[0]);
  out.channel_end = Descriptor(ends[1]);
  return out;
}

/// Async-signal-safe from here to exec.
[[noreturn]] void become(Image& image, const Program& program, ProcessGroup group, pid_t parent,
                         const Pipes& pipes) {
  if (group != ProcessGroup::shared) ::setpgid(0, 0);
  if (group == ProcessGroup::own_in_front) ::tcsetpgrp(0, ::getpid());  // SIGTTOU is blocked still
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction now{};
    // What our caller had ignored (nohup) stays so; SIGPIPE and SIGTTOU are ignored by us.
    if (::sigaction(signal, nullptr, &now) != 0) continue;
    if (now.sa_handler == SIG_IGN && signal != SIGPIPE && signal != SIGTTOU) continue;
    ::sigaction(signal, &standard, nullptr);
  }
  if (program.dies_with_us) ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::getppid() != parent) ::_exit(128 + SIGKILL);  // it died before the line above
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  for (const int descriptor : program.descriptors) ::fcntl(descriptor, F_SETFD, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (program.isolation) {
    ::fcntl(pipes.report_end.get(), F_SETFD, 0);
    ::fcntl(pipes.channel_end.get(), F_SETFD, 0);
  }
  const SpawnFailure failure{0, exec_image(image)};
  const ssize_t ignored = ::write(pipes.report_end.get(), &failure, sizeof failure);
  static_cast<void>(ignored);
  ::_exit(127);
}

}  // namespace

int exec_program(const std::vector<std::string>& words) {
  std::vector<char*> environment;
  for (char** variable = environ; *variable != nullptr; ++variable)
    environment.push_back(*variable);
  environment.push_back(nullptr);
  Image image = make_image(words, environment);
  return exec_image(image);
}

Result<Spawned> spawn(const Program& program, ProcessGroup group) {
  HOOP_ASSERT(!program.words.empty());
  HOOP_TRY(Pipes pipes, make_pipes(program.isolation.has_value()));
  const pid_t parent = ::getpid();
  const std::vector<char*> environment = pointers_to(program.environment);
  std::vector<std::string> words = program.words;
  if (program.isolation)
    words = isolator_words(*program.isolation, pipes.report_end.get(), pipes.channel_end.get(),
                           parent, program.words);
  Image image = make_image(words, environment);
  if (program.isolation) {
    image.candidates = {"/proc/self/exe"};
  } else if (!program.executable.empty()) {
    image.candidates = {program.executable};
  }
  // Our own handlers must not run in the child: they would write into the pipe that we share with
  // it.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  Spawned out;
  out.pid = ::fork();
  if (out.pid == 0) become(image, program, group, parent, pipes);
  const int fork_failure = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pipes.report_end.reset();
  pipes.channel_end.reset();
  if (out.pid < 0) {
    errno = fork_failure;
    return no_process("start a process");
  }
  if (group != ProcessGroup::shared) ::setpgid(out.pid, out.pid);  // whoever comes first
  const bool wants_listeners = program.isolation && !program.isolation->ports.empty();
  if (wants_listeners)
    out.listeners = receive_listeners(pipes.channel.get(), program.isolation->ports.size());
  // It has said why, or it never will.
  const bool is_deaf = wants_listeners && out.listeners.empty();
  if (is_deaf) ::kill(out.pid, SIGKILL);
  SpawnFailure failure;
  ssize_t count = 0;
  do {
    count = ::read(pipes.report.get(), &failure, sizeof failure);
  } while (count < 0 && errno == EINTR);
  if (count != sizeof failure && !is_deaf) return out;
  while (::waitpid(out.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (count != sizeof failure) return std::unexpected(no_listeners());
  if (failure.step != 0) return std::unexpected(isolation_error(failure));
  const std::string& name = program.words.front();
  if (failure.error == ENOENT)
    return fail(ErrorCode::not_found, fmt::format("program '{}' is not found", name),
                "is it installed, and in PATH?");
  return fail(ErrorCode::unsupported, fmt::format("program '{}' cannot be executed: {}", name,
                                                  std::strerror(failure.error)));
}

std::vector<int> inherited_descriptors() {
  std::vector<int> out;
  DIR* entries = ::opendir("/proc/self/fd");
  if (entries == nullptr) return out;
  while (const dirent* entry = ::readdir(entries)) {
    int descriptor = -1;
    const std::string_view name(entry->d_name);
    if (std::from_chars(name.data(), name.data() + name.size(), descriptor).ec != std::errc())
      continue;
    if (descriptor <= 2 || descriptor == ::dirfd(entries)) continue;
    if (const int flags = ::fcntl(descriptor, F_GETFD); flags >= 0 && (flags & FD_CLOEXEC) == 0)
      out.push_back(descriptor);
  }
  ::closedir(entries);
  return out;
}

}  // namespace hoop::process
