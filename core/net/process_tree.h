// SPDX-License-Identifier: Apache-2.0
// Which processes are a program's, and what sockets they hold, by /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace hoop::net {

/// True if pid is ancestor or one of its descendants. Orphans count when reaper, a subreaper whose
/// children all come from ancestor, has inherited them; pass reaper = 0 otherwise. Walks
/// /proc/PID/stat.
bool descends_from(pid_t pid, pid_t ancestor, pid_t reaper);

/// True if ancestor or one of its descendants, as descends_from() has them, has the socket of that
/// inode open. False also for a process whose files we may not list: of another user, or not
/// dumpable. Bounded: it looks at 4,096 processes and at 65,536 open files of theirs.
bool tree_holds_socket(std::uint64_t inode, pid_t ancestor, pid_t reaper);

/// The two ways of that on their own, for tests: down from ancestor, by the children that each
/// process has, which costs little and may miss one while its siblings end; and by the parents of
/// all processes.
bool tree_holds_socket_by_children(std::uint64_t inode, pid_t ancestor, pid_t reaper);
bool tree_holds_socket_by_parents(std::uint64_t inode, pid_t ancestor, pid_t reaper);

/// What a file in /proc says, up to limit bytes.
std::optional<std::string> read_proc(const std::string& path, std::size_t limit);

}  // namespace hoop::net
