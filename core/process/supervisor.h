// SPDX-License-Identifier: Apache-2.0
// Runs the wrapped program: terminal, signals, stops, our parent's death, and its end.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "core/net/asio.h"
#include "core/process/spawn.h"

namespace hoop::process {

struct SupervisorSettings {
  /// What the death of our parent means to the program: a tool call that was killed must not leave
  /// a session behind.
  enum class ParentDeath { ends_program, is_ignored } parent_death = ParentDeath::is_ignored;
  /// Inherit the program's orphans (PR_SET_CHILD_SUBREAPER), so that they still count as its
  /// descendants, and reap them. For a process with one supervisor.
  enum class Orphans { ours, inits } orphans = Orphans::inits;
};

/// How the program ended.
struct ProgramEnd {
  int status = 0;                // 0 to 255; 128+N if signal N ended it
  std::optional<int> signal;     // that ended it
  std::optional<int> forwarded;  // the last signal that we were sent and passed on
  enum class Cause { itself, parent_died, ended } cause = Cause::itself;
};

/// A resource. Three arrangements, by what stdin, stdout and stderr are:
///   - stdin and stdout are a terminal: the program leads a group of its own and gets the terminal
///   while we are in front. The
///     keyboard's signals reach it alone. When it stops, we take the terminal back and stop too;
///     SIGCONT undoes both.
///   - only one of them is, and we are in front (a pipeline): it stays in our group, which the
///   terminal signals as a whole.
///   - else: a group of its own.
/// SIGTERM, SIGHUP, SIGINT and SIGQUIT that we are sent go to its group (in a pipeline the first
/// two go to it alone; the keyboard has sent it the others); ten seconds after SIGTERM or SIGHUP it
/// is killed. They are held back from us until this object goes, so that the log can be sealed.
class Supervisor {
 public:
  Supervisor(asio::any_io_executor executor, SupervisorSettings settings);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// Once. Fails as spawn() does; the terminal is ours again then.
  Result<void> start(const Program& program);
  /// The program's process id from start() to its end.
  std::optional<pid_t> pid() const;
  /// Of an isolated program, in the order of its ports; once, after start().
  std::vector<Descriptor> take_listeners();
  /// Waits for the program's end; the terminal is ours, in the modes that we found, after it. Once,
  /// after start().
  Task<ProgramEnd> wait();
  /// Ends the program: SIGTERM to its group, SIGKILL ten seconds later.
  void end();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace hoop::process
