// SPDX-License-Identifier: Apache-2.0
#include "core/process/hardening.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>

namespace hoop::process {

void harden() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  rlimit cores{};
  // The hard limit stays: the program that we start may want cores of its own.
  if (::getrlimit(RLIMIT_CORE, &cores) == 0) {
    cores.rlim_cur = 0;
    ::setrlimit(RLIMIT_CORE, &cores);
  }
  // A reader that goes away must give EPIPE where we write, not end the process before the log is
  // sealed.
  std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace hoop::process
