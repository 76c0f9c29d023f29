// SPDX-License-Identifier: Apache-2.0
// GET /healthz and /readyz: for whoever watches the gateway, without a login.
#pragma once

#include "core/base/log.h"
#include "core/http/message.h"
#include "gateway/sampled.h"
#include "gateway/store.h"

namespace hoop::gateway {

/// "/healthz", "/readyz".
bool is_health_path(std::string_view path);

/// On one io_context.
class Health {
 public:
  /// Borrows all; they outlive it, the pool's work included.
  /// folders: of the gateway's state, whose disks must have room.
  Health(Store& store, std::vector<std::string> folders, WorkerPool& workers, const Clock& clock,
         Log& log);

  /// For a health path. /healthz answers as soon as it is asked; /readyz looks at the store, a few
  /// times a second at most whoever asks.
  asio::awaitable<http::Response> answer(http::Request request);
  /// From now on the gateway is not ready.
  void set_stopping() { stopping_ = true; }

 private:
  asio::awaitable<http::Response> readiness();
  Sampled<void> store_;
  Log& log_;
  bool stopping_ = false;
  bool store_failed_ = false;
};

}  // namespace hoop::gateway
