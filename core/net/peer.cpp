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

namespace hoop::net {
namespace {

constexpr int kMaxAncestors =
    4096;  // deeper than any real tree; bounds a walk over a tree that changes under us

/// What a file in /proc says, up to limit bytes.
std::optional<std::string> read_proc(const std::string& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return std::nullopt;
  std::string out;
  char chunk[8192];
  while (out.size() < limit) {
    const ssize_t count = ::read(file.get(), chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    out.append(chunk, static_cast<std::size_t>(count));
  }
  return out;
}

std::optional<pid_t> parent_of(pid_t pid) {
  const auto stat = read_proc(fmt::format("/proc/{}/stat", pid), 4096);
  if (!stat) return std::nullopt;
  // "pid (name) state ppid …": the name may hold anything, so count from the last parenthesis.
  const std::size_t name_end = stat->rfind(')');
  if (name_end == std::string::npos || name_end + 4 >= stat->size()) return std::nullopt;
  pid_t out = 0;
  const char* begin = stat->data() + name_end + 4;
  if (std::from_chars(begin, stat->data() + stat->size(), out).ec != std::errc())
    return std::nullopt;
  return out;
}

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

bool descends_from(pid_t pid, pid_t ancestor, pid_t reaper) {
  if (pid <= 0 || ancestor <= 0) return false;
  for (int step = 0; step < kMaxAncestors && pid > 0; ++step) {
    if (pid == ancestor) return true;
    // Not the reaper itself: it holds no connection to its own endpoint.
    if (step > 0 && reaper > 0 && pid == reaper) return true;
    const auto parent = parent_of(pid);
    if (!parent) return false;
    pid = *parent;
  }
  return false;
}

Result<uid_t> tcp_peer_uid_by_sock_diag(const asio::ip::tcp::endpoint& local,
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
  return message.idiag_uid;
}

Result<uid_t> tcp_peer_uid_by_proc(const asio::ip::tcp::endpoint& local,
                                   const asio::ip::tcp::endpoint& remote) {
  const auto table = read_proc("/proc/net/tcp", 64U << 20);
  if (!table) return unknown_owner("/proc/net/tcp cannot be read");
  // "  sl  local_address rem_address st tx:rx tr:tm retrnsmt uid …", addresses as %08X of the raw
  // word.
  const std::string wanted = fmt::format(" {:08X}:{:04X} {:08X}:{:04X} ", raw_address(remote),
                                         remote.port(), raw_address(local), local.port());
  const std::size_t at = table->find(wanted);
  if (at == std::string::npos) return unknown_owner("/proc/net/tcp does not list it");
  std::string_view rest(*table);
  rest.remove_prefix(at + wanted.size());
  for (int column = 0; column < 4; ++column) {  // st, queues, timer, retransmits
    const std::size_t end = rest.find(' ');
    if (end == std::string_view::npos) return unknown_owner("/proc/net/tcp has an odd line");
    rest.remove_prefix(std::min(rest.find_first_not_of(' ', end), rest.size()));
  }
  uid_t uid = 0;
  if (std::from_chars(rest.data(), rest.data() + rest.size(), uid).ec != std::errc())
    return unknown_owner("/proc/net/tcp has an odd line");
  return uid;
}

Result<uid_t> tcp_peer_uid(const asio::ip::tcp::endpoint& local,
                           const asio::ip::tcp::endpoint& remote) {
  if (!local.address().is_v4() || !remote.address().is_v4()) return unknown_owner("it is not IPv4");
  auto uid = tcp_peer_uid_by_sock_diag(local, remote);
  return uid ? uid : tcp_peer_uid_by_proc(local, remote);
}

}  // namespace hoop::net
