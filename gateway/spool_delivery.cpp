// SPDX-License-Identifier: Apache-2.0
#include "gateway/spool_delivery.h"

#include "core/base/encoding.h"
#include "core/record/uploader.h"

namespace hoop::gateway {
namespace {

constexpr std::chrono::seconds kTryEvery{60};

/// Whether the same log can be taken another time.
bool may_pass(ErrorCode code) {
  switch (code) {
    case ErrorCode::malformed:
    case ErrorCode::too_large:
    case ErrorCode::unsupported:
    case ErrorCode::integrity:
    case ErrorCode::not_found: return false;
    case ErrorCode::usage:
    case ErrorCode::config:
    case ErrorCode::unauthenticated:
    case ErrorCode::denied:
    case ErrorCode::upstream_unreachable:
    case ErrorCode::upstream_refused:
    case ErrorCode::timeout:
    case ErrorCode::cancelled:
    case ErrorCode::io:
    case ErrorCode::storage:
    case ErrorCode::internal: return true;
  }
  return true;
}

}  // namespace

SpoolDelivery::SpoolDelivery(Parts parts)
    : parts_(std::move(parts)), wake_(parts_.executor), tasks_(parts_.executor) {}

Result<void> SpoolDelivery::start() {
  HOOP_TRY(const auto left, parts_.spool.list());
  for (const record::SpoolEntry& entry : left) waiting_.insert(entry.session);
  if (parts_.metrics != nullptr) parts_.metrics->logs_waiting(waiting_.size());
  if (!left.empty()) parts_.log.warning("log.left_over", {{"count", std::to_string(left.size())}});
  tasks_.spawn(loop());
  return {};
}

asio::awaitable<void> SpoolDelivery::stop() {
  stopping_ = true;
  wake_.cancel();
  co_await tasks_.join();
}

asio::awaitable<void> SpoolDelivery::loop() {
  while (!stopping_) {
    const std::set<std::string> due = std::exchange(waiting_, {});
    for (const std::string& session : due) {
      if (stopping_) co_return;
      // What went wrong has been logged, and stands in waiting_ again.
      static_cast<void>(co_await deliver(session));
    }
    if (stopping_) co_return;
    wake_.expires_after(kTryEvery);
    co_await wake_.async_wait(as_result);
  }
}

Task<FinishedLog> SpoolDelivery::deliver(std::string session) {
  Work<FinishedLog> work = [this, session] { return deliver_blocking(session); };
  auto delivered = co_await parts_.workers.run(work);
  const bool waits = !delivered && may_pass(delivered.error().code);
  if (waits) waiting_.insert(session);
  if (parts_.metrics != nullptr) {
    parts_.metrics->log_kept(delivered ? LogKept::receipted
                             : waits   ? LogKept::failed
                                       : LogKept::refused);
    parts_.metrics->logs_waiting(waiting_.size());
  }
  co_return delivered;
}

Result<FinishedLog> SpoolDelivery::deliver_blocking(const std::string& session) {
  const auto delivered = [&]() -> Result<FinishedLog> {
    HOOP_TRY(const auto record, parts_.store.find(session));
    if (!record) return fail(ErrorCode::not_found, "no session of this name is known");
    return take(*record);
  }();
  if (!delivered) {
    const Error& error = delivered.error();
    parts_.log.error("log.not_delivered", {{"session", session},
                                           {"code", std::string(to_string(error.code))},
                                           {"error", error.message}});
    if (!may_pass(error.code)) static_cast<void>(parts_.spool.set_aside(session));
    return delivered;
  }
  parts_.log.info("log.received", {{"session", session},
                                   {"length", std::to_string(delivered->length)},
                                   {"sealed", delivered->sealed ? "yes" : "no"}});
  // It is kept and receipted: a copy that stays behind is delivered again at the next start, to the
  // same end.
  if (const auto removed = parts_.spool.remove(session); !removed)
    parts_.log.warning("spool.not_removed",
                       {{"session", session}, {"error", removed.error().message}});
  return delivered;
}

Result<FinishedLog> SpoolDelivery::take(const SessionRecord& record) {
  HOOP_TRY(auto uploader, record::Uploader::open(parts_.spool.path_of(record.session)));
  for (;;) {
    HOOP_TRY(auto step, uploader.next());
    if (std::holds_alternative<record::Uploader::AskOffset>(step)) {
      HOOP_TRY(const auto size, parts_.logs.size(record.session));
      HOOP_CHECK(uploader.offset_is(size));
    } else if (const auto* chunk = std::get_if<record::Uploader::PutChunk>(&step)) {
      HOOP_TRY(const auto size, parts_.logs.append(record.session, chunk->offset, chunk->bytes));
      HOOP_CHECK(uploader.offset_is(size));
    } else if (const auto* whole = std::get_if<record::Uploader::Finish>(&step)) {
      const LogClaim claim{whole->length, to_hex(whole->digest), whole->sealed};
      HOOP_TRY(auto log,
               receive_log(parts_.logs, record, claim, parts_.signer, parts_.clock.system_now()));
      HOOP_CHECK(parts_.store.set_finished(record.session, log));
      return log;
    } else {
      return fail(ErrorCode::internal, "a log was delivered without its end");
    }
  }
}

}  // namespace hoop::gateway
