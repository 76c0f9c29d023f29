// SPDX-License-Identifier: Apache-2.0
#include "core/process/terminal.h"

#include <unistd.h>

#include <cstring>

namespace hoop::process {

std::optional<Terminal> Terminal::on_stdin() {
  Terminal out;
  // tcgetpgrp fails on a terminal that is not the controlling one: job control has no meaning
  // there.
  if (::tcgetattr(STDIN_FILENO, &out.modes_) != 0 || ::tcgetpgrp(STDIN_FILENO) < 0)
    return std::nullopt;
  return out;
}

bool Terminal::in_front(pid_t group) const { return ::tcgetpgrp(STDIN_FILENO) == group; }

void Terminal::bring_to_front(pid_t group) const { ::tcsetpgrp(STDIN_FILENO, group); }

void Terminal::restore_modes() const {
  termios now{};
  if (::tcgetattr(STDIN_FILENO, &now) != 0) return;
  const bool same = now.c_iflag == modes_.c_iflag && now.c_oflag == modes_.c_oflag &&
                    now.c_cflag == modes_.c_cflag && now.c_lflag == modes_.c_lflag &&
                    std::memcmp(now.c_cc, modes_.c_cc, sizeof now.c_cc) == 0;
  if (!same) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &modes_);
}

}  // namespace hoop::process
