// SPDX-License-Identifier: Apache-2.0
// Brings the logs that this gateway wrote itself from its spool into the session store.
#pragma once

#include <set>

#include "core/base/log.h"
#include "core/net/task_group.h"
#include "core/record/spool.h"
#include "gateway/metrics.h"
#include "gateway/receipt.h"
#include "gateway/worker_pool.h"

namespace hoop::gateway {

/// One io_context. What cannot be delivered now is tried again every minute; what never can be is
/// set aside in the spool and told to the operator.
class SpoolDelivery {
 public:
  /// What it borrows outlives it, the pool's work included.
  struct Parts {
    record::Spool& spool;
    SessionStore& logs;
    Store& store;
    ReceiptSigner signer;
    WorkerPool& workers;
    const Clock& clock;
    Log& log;
    asio::any_io_executor executor;
    Metrics* metrics = nullptr;
  };
  explicit SpoolDelivery(Parts parts);

  /// Takes what a crash has left in the spool, and begins to deliver it. Call before the first
  /// session is opened. Fails with storage.
  Result<void> start();
  asio::awaitable<void> stop();
  /// Verifies the log, receipts it, keeps both, and removes it from the spool. The log's writer is
  /// gone. Fails with storage (it is tried again), integrity, malformed, not_found.
  Task<FinishedLog> deliver(std::string session);

 private:
  asio::awaitable<void> loop();
  Result<FinishedLog> deliver_blocking(const std::string& session);
  Result<FinishedLog> take(const SessionRecord& record);
  Parts parts_;
  std::set<std::string> waiting_;
  asio::steady_timer wake_;
  bool stopping_ = false;
  net::TaskGroup tasks_;
};

}  // namespace hoop::gateway
