// SPDX-License-Identifier: Apache-2.0
#include "core/process/hardening.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

namespace hoop::process {

void harden() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  // A reader that goes away must give EPIPE where we write, not end the process before the log is sealed.
  std::signal(SIGPIPE, SIG_IGN);
}

void close_descriptors_from(unsigned first) {
  if (::close_range(first, ~0U, 0) == 0) return;
  // Kernels before 5.9.
  for (int descriptor = static_cast<int>(first); descriptor < 65536; ++descriptor) ::close(descriptor);
}

}  // namespace hoop::process
