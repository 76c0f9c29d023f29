// SPDX-License-Identifier: Apache-2.0
#include "core/process/supervisor.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include <asio/posix/stream_descriptor.hpp>
#include <asio/signal_set.hpp>

#include "core/process/terminal.h"

namespace hoop::process {
namespace {

constexpr auto kGrace = std::chrono::seconds(10);  // from SIGTERM to SIGKILL
constexpr auto kStopMayFail =
    std::chrono::milliseconds(200);  // an orphaned group cannot be stopped: then we are still here

bool is_ignored(int signal) {
  struct sigaction now{};
  return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

}  // namespace

struct Supervisor::State : std::enable_shared_from_this<Supervisor::State> {
  State(asio::any_io_executor executor, SupervisorSettings settings_)
      : settings(settings_),
        signals(executor),
        grace(executor),
        resume_timer(executor),
        ended(executor),
        parent(executor) {
    ended.expires_at(asio::steady_timer::time_point::max());
  }

  void watch_signals();
  void watch_parent();
  void on_signal(int signal);
  void reap();
  void program_stopped();
  void resume();
  void forward(int signal);
  void end(ProgramEnd::Cause cause);
  void program_ended(int status, std::optional<int> signal);
  void signal_program(int signal) const {
    ::kill(group == ProcessGroup::shared ? program : -program, signal);
  }
  void arm_grace();

  SupervisorSettings settings;
  std::vector<Descriptor> listeners;  // of an isolated program
  asio::signal_set signals;
  asio::steady_timer grace;
  asio::steady_timer resume_timer;
  asio::steady_timer ended;  // cancelled when the program ends: an event
  asio::posix::stream_descriptor parent;
  std::optional<Terminal> terminal;
  ProcessGroup group = ProcessGroup::own;
  pid_t program = 0;
  bool running = false;
  bool stopped = false;
  ProgramEnd outcome;
};

void Supervisor::State::watch_signals() {
  signals.async_wait([self = shared_from_this()](const std::error_code& failure, int signal) {
    if (failure) return;
    self->on_signal(signal);
    self->watch_signals();
  });
}

void Supervisor::State::watch_parent() {
  const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, ::getppid(), 0));
  if (descriptor < 0) return;  // our parent lives in a pid namespace that we cannot see
  std::error_code failure;
  parent.assign(descriptor, failure);
  if (failure) {
    ::close(descriptor);
    return;
  }
  parent.async_wait(asio::posix::stream_descriptor::wait_read,
                    [self = shared_from_this()](const std::error_code& error) {
                      if (!error && self->running) self->end(ProgramEnd::Cause::parent_died);
                    });
}

void Supervisor::State::on_signal(int signal) {
  switch (signal) {
    case SIGCHLD: return reap();
    case SIGCONT: return resume();
    case SIGINT:
    case SIGQUIT:
      // The keyboard signals the whole group, the program too: a second one would end what the
      // first one only cancelled.
      if (group != ProcessGroup::shared) forward(signal);
      return;
    default: forward(signal); arm_grace();
  }
}

void Supervisor::State::reap() {
  siginfo_t info{};
  while (running &&
         ::waitid(P_PID, static_cast<id_t>(program), &info,
                  WEXITED | WSTOPPED | WCONTINUED | WNOHANG) == 0 &&
         info.si_pid != 0) {
    if (info.si_code == CLD_STOPPED || info.si_code == CLD_TRAPPED) {
      program_stopped();
    } else if (info.si_code == CLD_CONTINUED) {
      stopped = false;
    } else {
      const bool exited = info.si_code == CLD_EXITED;
      program_ended(exited ? info.si_status : 128 + info.si_status,
                    exited ? std::nullopt : std::optional<int>(info.si_status));
    }
    info = {};
  }
  if (settings.orphans != SupervisorSettings::Orphans::ours) return;
  // The program's own end must not be taken here: look first, then take.
  while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0 &&
         !(running && info.si_pid == program)) {
    ::waitid(P_PID, static_cast<id_t>(info.si_pid), &info, WEXITED | WNOHANG);
    info = {};
  }
}

void Supervisor::State::program_stopped() {
  stopped = true;
  if (!terminal || group == ProcessGroup::shared)
    return;  // in a shared group the terminal stops us as well
  if (terminal->in_front(program)) terminal->bring_to_front(::getpgrp());
  // The shell that started us sees its job stop, as it would without us.
  ::kill(0, SIGTSTP);
  resume_timer.expires_after(kStopMayFail);
  resume_timer.async_wait([self = shared_from_this()](const std::error_code& failure) {
    if (!failure) self->resume();
  });
}

void Supervisor::State::resume() {
  if (!running) return;
  resume_timer.cancel();
  if (terminal && group != ProcessGroup::shared && terminal->in_front(::getpgrp()))
    terminal->bring_to_front(program);
  if (std::exchange(stopped, false)) signal_program(SIGCONT);
}

void Supervisor::State::forward(int signal) {
  if (!running) return;
  outcome.forwarded = signal;
  signal_program(signal);
  if (stopped) signal_program(SIGCONT);  // a stopped program would not see it
}

void Supervisor::State::arm_grace() {
  if (!running || grace.expiry() > std::chrono::steady_clock::now()) return;
  grace.expires_after(kGrace);
  grace.async_wait([self = shared_from_this()](const std::error_code& failure) {
    if (!failure && self->running) self->signal_program(SIGKILL);
  });
}

void Supervisor::State::end(ProgramEnd::Cause cause) {
  if (!running) return;
  outcome.cause = cause;
  signal_program(SIGTERM);
  if (stopped) signal_program(SIGCONT);
  arm_grace();
}

void Supervisor::State::program_ended(int status, std::optional<int> signal) {
  running = false;
  outcome.status = status;
  outcome.signal = signal;
  if (terminal && group != ProcessGroup::shared) {
    // Not if somebody else has been brought to the front meanwhile (we were put into the
    // background).
    if (!terminal->in_front(::getpgrp())) {
      if (terminal->in_front(program)) terminal->bring_to_front(::getpgrp());
    }
    if (terminal->in_front(::getpgrp())) terminal->restore_modes();
  }
  grace.cancel();
  resume_timer.cancel();
  ended.cancel();
  std::error_code ignored;
  parent.close(ignored);
}

Supervisor::Supervisor(asio::any_io_executor executor, SupervisorSettings settings)
    : state_(std::make_shared<State>(std::move(executor), settings)) {}

Supervisor::~Supervisor() {
  if (state_->running) state_->signal_program(SIGKILL);
  std::error_code ignored;
  state_->signals.cancel(ignored);
  state_->signals.clear(ignored);
  state_->grace.cancel();
  state_->resume_timer.cancel();
  state_->parent.close(ignored);
}

Result<void> Supervisor::start(const Program& program) {
  State& state = *state_;
  state.terminal = Terminal::on_stdin();
  const bool in_front = state.terminal && state.terminal->in_front(::getpgrp());
  const bool any_terminal = ::tcgetpgrp(STDOUT_FILENO) >= 0 || ::tcgetpgrp(STDERR_FILENO) >= 0;
  if (state.terminal && ::isatty(STDOUT_FILENO) == 1) {
    state.group = in_front ? ProcessGroup::own_in_front : ProcessGroup::own;
  } else {
    state.group = state.terminal || any_terminal ? ProcessGroup::shared : ProcessGroup::own;
  }
  std::signal(SIGTTOU, SIG_IGN);  // we give the terminal away and take it back from behind
  if (state.settings.orphans == SupervisorSettings::Orphans::ours)
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  std::error_code failure;
  for (const int signal : {SIGCHLD, SIGCONT, SIGTERM, SIGHUP, SIGINT, SIGQUIT}) {
    // Under nohup, or in the background of a shell script, some are ignored: that is for the
    // program too.
    if (signal == SIGCHLD || signal == SIGCONT || !is_ignored(signal))
      state.signals.add(signal, failure);
    if (failure) return fail(ErrorCode::internal, "watch signals: " + failure.message());
  }
  if (state.settings.parent_death == SupervisorSettings::ParentDeath::ends_program)
    state.watch_parent();
  auto child = spawn(program, state.group);
  if (!child) {
    if (state.group == ProcessGroup::own_in_front) state.terminal->bring_to_front(::getpgrp());
    return std::unexpected(child.error());
  }
  state.program = child->pid;
  state.listeners = std::move(child->listeners);
  state.running = true;
  state.watch_signals();
  state.reap();  // it may have ended before the first wait
  return {};
}

std::optional<pid_t> Supervisor::pid() const {
  return state_->running ? std::optional<pid_t>(state_->program) : std::nullopt;
}

std::vector<Descriptor> Supervisor::take_listeners() { return std::move(state_->listeners); }

Task<ProgramEnd> Supervisor::wait() {
  const std::shared_ptr<State> state = state_;
  HOOP_ASSERT(state->program != 0);
  while (state->running)
    co_await state->ended.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
  co_return state->outcome;
}

void Supervisor::end() { state_->end(ProgramEnd::Cause::ended); }

}  // namespace hoop::process
