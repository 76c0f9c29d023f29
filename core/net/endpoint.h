// SPDX-License-Identifier: Apache-2.0
// The loopback listener of one session, which lets only the program in, by its process tree, or by
// its user.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/descriptor.h"
#include "core/net/stream.h"

namespace hoop::net {

/// The process tree that may connect: the program, or nobody while there is none (nullopt).
struct ProgramTree {
  pid_t program = 0;
  pid_t reaper = 0;  // see descends_from
};
using ProgramLookup = std::function<std::optional<ProgramTree>()>;
/// Told about each peer that was turned away; the text names pids and uids only.
using RefusalListener = std::function<void(std::string_view why)>;

class Endpoint {
 public:
  virtual ~Endpoint() = default;
  /// The next connection whose peer passed the check. A peer that did not is closed at once,
  /// without a byte, and reported. Fails with cancelled once close() was called. One call at a
  /// time.
  virtual Task<StreamPtr> accept() = 0;
  /// Stops listening, and takes the socket file away. Accepted streams live on. Safe to call twice.
  virtual void close() = 0;
  /// 0 on a Unix socket.
  virtual std::uint16_t port() const = 0;
};
using EndpointPtr = std::unique_ptr<Endpoint>;

inline constexpr std::size_t kMaxSocketPath = 107;  // sun_path, without its NUL

/// A Unix socket at path, mode 0600, in a folder that only we can change (the caller's duty). Fails
/// with io (the path is too long, or something is there already).
Result<EndpointPtr> listen_unix(asio::any_io_executor executor, std::string path,
                                ProgramLookup lookup, RefusalListener on_refusal);
/// The same for every process of our uid.
Result<EndpointPtr> listen_unix_for_user(asio::any_io_executor executor, std::string path,
                                         RefusalListener on_refusal);
/// 127.0.0.1; the peer's uid must be ours. port 0: one that the system chooses. Fails with io.
Result<EndpointPtr> listen_loopback(asio::any_io_executor executor, std::uint16_t port,
                                    RefusalListener on_refusal);
/// The same for the program alone: a process of its tree must have the connection's other end open
/// when it is accepted. For protocols in which nobody proves anything.
Result<EndpointPtr> listen_loopback_for_program(asio::any_io_executor executor, std::uint16_t port,
                                                ProgramLookup lookup, RefusalListener on_refusal);
/// A TCP socket that listens already where nobody but the program can reach it: in a network of its
/// own. Fails with io.
Result<EndpointPtr> listen_by(asio::any_io_executor executor, Descriptor listener);

}  // namespace hoop::net
