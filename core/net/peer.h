// SPDX-License-Identifier: Apache-2.0
// Who is at the other end of a local connection: the process behind a Unix socket, the user behind
// a loopback TCP socket.
#pragma once

#include <sys/types.h>

#include <optional>

#include "core/net/asio.h"

namespace hoop::net {

struct UnixPeer {
  pid_t pid = 0;  // 0: in a pid namespace that ours cannot see
  uid_t uid = 0;
};

/// SO_PEERCRED: as it was at connect(). Fails with io.
Result<UnixPeer> unix_peer(int socket);

/// True if pid is ancestor or one of its descendants. Orphans count when reaper, a subreaper whose
/// children all come from ancestor, has inherited them; pass reaper = 0 otherwise. Walks
/// /proc/PID/stat.
bool descends_from(pid_t pid, pid_t ancestor, pid_t reaper);

/// The uid that owns the socket whose own address is remote and whose peer is local (both as our
/// side sees them): asks sock_diag(7) for exactly that socket, else reads /proc/net/tcp. Fails with
/// io if neither knows it.
Result<uid_t> tcp_peer_uid(const asio::ip::tcp::endpoint& local,
                           const asio::ip::tcp::endpoint& remote);

/// The two ways on their own, for tests.
Result<uid_t> tcp_peer_uid_by_sock_diag(const asio::ip::tcp::endpoint& local,
                                        const asio::ip::tcp::endpoint& remote);
Result<uid_t> tcp_peer_uid_by_proc(const asio::ip::tcp::endpoint& local,
                                   const asio::ip::tcp::endpoint& remote);

}  // namespace hoop::net
