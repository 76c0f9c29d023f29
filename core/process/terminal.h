// SPDX-License-Identifier: Apache-2.0
// The controlling terminal on stdin: who is in front, and the modes to restore.
#pragma once

#include <sys/types.h>
#include <termios.h>

#include <optional>

namespace hoop::process {

/// Remembers the terminal's modes when it is made. A value.
class Terminal {
 public:
  /// nullopt unless stdin is our controlling terminal.
  static std::optional<Terminal> on_stdin();

  bool in_front(pid_t group) const;
  /// Makes group the one that the keyboard speaks to. SIGTTOU must be ignored or blocked.
  void bring_to_front(pid_t group) const;
  /// Puts back the modes of the beginning, if they have changed.
  void restore_modes() const;

 private:
  termios modes_{};
};

}  // namespace hoop::process
