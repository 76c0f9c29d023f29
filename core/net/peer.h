// SPDX-License-Identifier: Apache-2.0
// Who is at the other end of a local connection: the process behind a Unix socket, the user and the
// socket behind a loopback TCP socket.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "core/net/asio.h"

namespace hoop::net {

struct UnixPeer {
  pid_t pid = 0;  // 0: in a pid namespace that ours cannot see
  uid_t uid = 0;
};

/// SO_PEERCRED: as it was at connect(). Fails with io.
Result<UnixPeer> unix_peer(int socket);

struct TcpPeer {
  uid_t uid = 0;
  std::uint64_t inode = 0;  // of its socket; 0: no process holds it any more
};

/// Who owns the socket whose own address is remote and whose peer is local (both as our side sees
/// them): asks sock_diag(7) for exactly that socket, else reads /proc/net/tcp. Fails with io if
/// neither knows it.
Result<TcpPeer> tcp_peer(const asio::ip::tcp::endpoint& local,
                         const asio::ip::tcp::endpoint& remote);

/// The two ways on their own, for tests.
Result<TcpPeer> tcp_peer_by_sock_diag(const asio::ip::tcp::endpoint& local,
                                      const asio::ip::tcp::endpoint& remote);
Result<TcpPeer> tcp_peer_by_proc(const asio::ip::tcp::endpoint& local,
                                 const asio::ip::tcp::endpoint& remote);

}  // namespace hoop::net
