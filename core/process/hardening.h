// SPDX-License-Identifier: Apache-2.0
// What keeps other processes of the same uid, and core files, out of this process's memory.
#pragma once

namespace hoop::process {

/// PR_SET_DUMPABLE 0 (no ptrace, no /proc/PID/mem or environ for the same uid), no core files,
/// SIGPIPE ignored. First thing in main; call again after anything that changes credentials. It
/// does not survive execve: a program that we start holds no secret.
void harden();

}  // namespace hoop::process
