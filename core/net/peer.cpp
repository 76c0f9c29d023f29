// SPDX-License-Identifier: Apache-2.0
#include "core/net/peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <string>

#include <fmt/format.h>

#include "core/base/descriptor.h"
#include "core/net/process_tree.h"

namespace hoop::net {
namespace {

/// The address as the kernel's tables hold it: network order in memory.
std::uint32_t raw_address(const asio::ip::tcp::endpoint& endpoint) {
  const auto bytes = endpoint.address().to_v4().to_bytes();
  std::uint32_t out = 0;
  std::memcpy(&out, bytes.data(), sizeof out);
  return out;
}

std::unexpected<Error> unknown_owner(std::string_view why) {
  return fail(ErrorCode::io,
              fmt::format("the owner of a loopback connection cannot be told: {}", why));
}

}  // namespace

Result<UnixPeer> unix_peer(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return fail(ErrorCode::io, fmt::format("SO_PEERCRED: {}", std::strerror(errno)));
  }
  return UnixPeer{credentials.pid, credentials.uid};
}

Result<TcpPeer> tcp_peer_by_sock_diag(const asio::ip::tcp::endpoint& local,
                                      const asio::ip::tcp::endpoint& remote) {
  const Descriptor netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (netlink.get() < 0) return unknown_owner(std::strerror(errno));
  const timeval patience{1, 0};
  ::setsockopt(netlink.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  struct {
    nlmsghdr header;
    inet_diag_req_v2 body;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.body.sdiag_family = AF_INET;
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_states = ~0U;
  // The peer's own view: its source is our remote.
  request.body.id.idiag_sport = htons(remote.port());
  request.body.id.idiag_dport = htons(local.port());
  request.body.id.idiag_src[0] = raw_address(remote);
  request.body.id.idiag_dst[0] = raw_address(local);
  request.body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  if (::send(netlink.get(), &request, sizeof request, 0) < 0)
    return unknown_owner(std::strerror(errno));
  alignas(nlmsghdr) char answer[8192];
  const ssize_t count = ::recv(netlink.get(), answer, sizeof answer, 0);
  if (count < 0) return unknown_owner(std::strerror(errno));
  nlmsghdr header{};
  if (static_cast<std::size_t>(count) < sizeof header)
    return unknown_owner("short answer of sock_diag");
  std::memcpy(&header, answer, sizeof header);
  inet_diag_msg message{};
  if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
      static_cast<std::size_t>(count) < NLMSG_HDRLEN + sizeof message) {
    return unknown_owner("sock_diag does not know it");
  }
  std::memcpy(&message, answer + NLMSG_HDRLEN, sizeof message);
  if (message.id.idiag_sport != request.body.id.idiag_sport ||
      message.id.idiag_dport != request.body.id.idiag_dport) {
    return unknown_owner("sock_diag spoke of another socket");
  }
  return TcpPeer{message.idiag_uid, message.idiag_inode};
}

Result<TcpPeer> tcp_peer_by_proc(const asio::ip::tcp::endpoint& local,
                                 const asio::ip::tcp::endpoint& remote) {
  const auto table = read_proc("/proc/net/tcp", 64U << 20);
  if (!table) return unknown_owner("/proc/net/tcp cannot be read");
  // "  sl  local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode …", addresses as
  // %08X of the raw word.
  const std::string wanted = fmt::format(" {:08X}:{:04X} {:08X}:{:04X} ", raw_address(remote),
                                         remote.port(), raw_address(local), local.port());
  const std::size_t at = table->find(wanted);
  if (at == std::string::npos) return unknown_owner("/proc/net/tcp does not list it");
  std::string_view rest(*table);
  rest.remove_prefix(at + wanted.size());
  TcpPeer out;
  for (int column = 0; column <= 6; ++column) {  // st, queues, timer, retransmits, uid, …
    const char* const end = rest.data() + rest.size();
    const bool fits =
        (column != 4 || std::from_chars(rest.data(), end, out.uid).ec == std::errc()) &&
        (column != 6 || std::from_chars(rest.data(), end, out.inode).ec == std::errc());
    const std::size_t next = rest.find(' ');
    if (!fits || next == std::string_view::npos)
      return unknown_owner("/proc/net/tcp has an odd line");
    rest.remove_prefix(std::min(rest.find_first_not_of(' ', next), rest.size()));
  }
  return out;
}

Result<TcpPeer> tcp_peer(const asio::ip::tcp::endpoint& local,
                         const asio::ip::tcp::endpoint& remote) {
  if (!local.address().is_v4() || !remote.address().is_v4()) return unknown_owner("it is not IPv4");
  auto peer = tcp_peer_by_sock_diag(local, remote);
  return peer ? peer : tcp_peer_by_proc(local, remote);
}

}  // namespace hoop::net
