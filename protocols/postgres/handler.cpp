// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/handler.h"

#include <algorithm>
#include <set>

#include "protocols/postgres/connection.h"

namespace hoop::postgres {
namespace {

constexpr std::chrono::seconds kCancelTime{5};

/// Whether names must be resolved to judge or to mask: reading the catalog costs some milliseconds
/// a connection.
bool reads_catalog(const access::PolicyDocument& policy) {
  const bool masks = std::any_of(policy.masks.begin(), policy.masks.end(),
                                 [](const access::Mask& mask) { return !mask.columns.empty(); });
  return masks ||
         std::any_of(policy.rules.begin(), policy.rules.end(), [](const access::Rule& rule) {
           // What is approved is approved for what names stand for.
           return rule.effect == access::Effect::require_approval || rule.when.contains("table") ||
                  rule.when.contains("reads") || rule.when.contains("writes") ||
                  rule.when.contains("function");
         });
}

class PostgresHandler final : public session::ProtocolHandler {
 public:
  PostgresHandler(session::SessionContext context, std::shared_ptr<TargetCache> cache)
      : shared_{context,         reads_catalog(context.gate.policy().document()), 0, {}, {}, {},
                std::move(cache)} {}

  Task<void> serve(std::uint64_t connection, net::StreamPtr downstream,
                   session::Opening opening) override {
    if (opening.kind == session::Opening::Kind::cancel) {
      co_return co_await cancel(std::move(downstream), std::move(opening.cancel_key));
    }
    PostgresConnection served(shared_, connection, std::move(downstream), std::move(opening));
    live_.insert(&served);
    Result<void> outcome = co_await served.serve();
    live_.erase(&served);
    co_return outcome;
  }

  void end_all(std::string reason) override {
    for (PostgresConnection* connection : live_) {
      connection->end(reason);
    }
  }

  void announce(std::string words) override {
    for (PostgresConnection* connection : live_) connection->announce(words);
  }

  bool can_judge_by(const access::PolicyDocument& policy) const override {
    // Without a catalog no table has a name that rules could match.
    return shared_.reads_catalog || !reads_catalog(policy);
  }

 private:
  /// An unknown key is ignored without a word, as the server does.
  Task<void> cancel(net::StreamPtr downstream, Bytes key) {
    const std::optional<Bytes> target_key = shared_.cancel_keys.find(key);
    Result<void> outcome = Result<void>{};
    const bool waited = std::any_of(live_.begin(), live_.end(),
                                    [&](PostgresConnection* one) { return one->cancel_wait(key); });
    if (!waited && target_key && !target_key->empty()) {
      outcome =
          co_await send_cancel(shared_.context.dialer, shared_.context.grant.target, *target_key,
                               shared_.cache, Deadline::after(shared_.context.clock, kCancelTime));
    }
    downstream->close();
    co_return outcome;
  }

  SessionShared shared_;
  std::set<PostgresConnection*> live_;
};

Result<std::unique_ptr<session::ProtocolHandler>> make_with(session::SessionContext context,
                                                            std::shared_ptr<TargetCache> cache) {
  if (context.grant.target.protocol != "postgres")
    return fail(ErrorCode::config, "the grant is not for a PostgreSQL target");
  if (context.grant.credential_as<access::PostgresCredential>() == nullptr)
    return fail(ErrorCode::config, "the grant holds no credential");
  return std::make_unique<PostgresHandler>(context, std::move(cache));
}

}  // namespace

Result<std::unique_ptr<session::ProtocolHandler>> make_handler(session::SessionContext context) {
  return make_with(context, std::make_shared<TargetCache>());
}

session::HandlerFactory sharing_handlers() {
  return [cache = std::make_shared<TargetCache>()](session::SessionContext context) {
    return make_with(context, cache);
  };
}

}  // namespace hoop::postgres
