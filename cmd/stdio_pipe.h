// SPDX-License-Identifier: Apache-2.0
// Our own standard input and output as one stream: for a client that has started us to reach
// something, as ssh's ProxyCommand does.
#pragma once

#include <memory>

#include "core/net/stream.h"

namespace hoop::cmd {

/// On one io_context.
class StdioPipe {
 public:
  explicit StdioPipe(asio::io_context& context);
  ~StdioPipe();
  StdioPipe(const StdioPipe&) = delete;
  StdioPipe& operator=(const StdioPipe&) = delete;

  /// Carries from now on; the other end is answered, a socket. Once. Fails with io.
  Result<net::StreamPtr> open();
  /// Nothing more is carried; the other end has ended.
  void close();
  /// What has been said to standard output is there, or two seconds are over.
  asio::awaitable<void> drain();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace hoop::cmd
