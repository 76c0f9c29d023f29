// SPDX-License-Identifier: Apache-2.0
// Opens the upstream stream to a target: directly, later through an agent. TLS to the target is the
// handler's, on top.
#pragma once

#include <string>

#include "core/net/stream.h"

namespace hoop::net {

class Dialer {
 public:
  virtual ~Dialer() = default;
  /// Fails with upstream_unreachable or timeout.
  virtual Task<StreamPtr> dial(std::string host, std::uint16_t port, Deadline deadline) = 0;
};

class DirectDialer final : public Dialer {
 public:
  explicit DirectDialer(asio::any_io_executor executor) : executor_(std::move(executor)) {}
  Task<StreamPtr> dial(std::string host, std::uint16_t port, Deadline deadline) override;

 private:
  asio::any_io_executor executor_;
};

}  // namespace hoop::net
