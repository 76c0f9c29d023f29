// SPDX-License-Identifier: Apache-2.0
#include "cmd/target_session.h"

#include <algorithm>

#include <fmt/format.h>

#include "cmd/endpoint_entry.h"
#include "cmd/gateway_path.h"
#include "cmd/http_clients.h"
#include "cmd/local_approvals.h"
#include "cmd/local_path.h"
#include "cmd/log_delivery.h"
#include "core/access/client_words.h"
#include "core/access/names.h"

namespace hoop::cmd {
namespace {

constexpr auto kRevokeTime =
    std::chrono::seconds(5);  // the gateway revokes by itself when the grant expires
constexpr auto kLeftoversTime =
    std::chrono::seconds(10);  // for logs of earlier runs, after the work

}  // namespace

std::string_view to_string(Upload upload) {
  switch (upload) {
    case Upload::none: return "none";
    case Upload::receipted: return "receipted";
    case Upload::spooled: return "spooled";
    case Upload::refused: return "refused";
    case Upload::unconfirmed: return "unconfirmed";
  }
  return "none";
}

Result<void> check_grant(const access::Grant& grant, const std::string& target) {
  if (grant.target.name != target || !std::ranges::all_of(grant.logins, access::is_login))
    return fail(ErrorCode::malformed, "the gateway's grant names another target, or no login",
                "are hoopctl and the gateway of the same version?");
  const bool is_over_http =
      grant.target.protocol == "http" || grant.target.protocol == "kubernetes";
  return is_over_http ? check_http_target(grant.target) : Result<void>{};
}

Task<OpenTarget> TargetSession::open(Wish wish) {
  const std::string name = wish.target;
  auto opened = co_await ask(std::move(wish));
  if (!opened && !session_.empty()) HOOP_CO_CHECK(co_await end_grant());
  if (opened)
    environment_.console.detail("session", fmt::format("session {} on target '{}'", session_, name),
                                {{"session", session_}});
  co_return opened;
}

Task<OpenTarget> TargetSession::ask(Wish wish) {
  HOOP_CO_TRY(const std::string url, chosen_gateway(environment_));
  HOOP_CO_TRY(client_, GatewayClient::open(environment_, context_.get_executor(), url));
  HOOP_CO_TRY(spool_, open_spool(environment_));
  crypto::Ed25519Key key = crypto::Ed25519Key::generate();
  GrantWish asked{wish.target,  wish.reason,   key.public_key(),  environment_.claimed_agent(),
                  wish.program, wish.approval, wish.approval_wait};
  const SteadyTime asked_at = environment_.clock.boot_now();
  HOOP_CO_TRY(access::Grant grant, co_await client_->create_grant(std::move(asked)));
  session_ = grant.session;
  data_path_ = grant.path;
  HOOP_CO_CHECK(check_grant(grant, wish.target));
  if (make_entry(grant.target.protocol, environment_.random) == nullptr) {
    co_return fail(ErrorCode::unsupported,
                   fmt::format("target '{}' ({}) is not something this version can open",
                               remote_text(grant.target.name), remote_text(grant.target.protocol)),
                   "use a newer hoopctl");
  }
  HOOP_CO_CHECK(
      access::check_connect_words(grant.target.protocol, grant.target.name, wish.after_mark));
  OpenTarget out;
  out.target = grant.target;
  out.logins = grant.logins;
  out.expires_at = grant.expires_at;
  out.control = std::make_unique<SessionControl>(
      environment_, *client_, context_.get_executor(),
      SessionControl::Plan{grant.session, grant.policy.version, grant.heartbeat, asked_at});
  if (grant.renewable)
    out.renewal = std::make_unique<GrantRenewal>(environment_, *client_, context_.get_executor(),
                                                 grant.session, grant.path);
  HOOP_CO_TRY(out.path, path_of(std::move(grant), std::move(key), std::move(wish)));
  co_return out;
}

Result<std::unique_ptr<SessionPath>> TargetSession::path_of(access::Grant grant,
                                                            crypto::Ed25519Key key, Wish wish) {
  if (grant.path == access::DataPath::gateway)
    return std::make_unique<GatewayPath>(environment_, *client_, std::move(grant), std::move(key));
  if (const auto disk = spool_->space(); disk && disk->room == record::DiskRoom::low)
    environment_.console.warn(
        "disk_low",
        fmt::format("the disk of the session log has {} MiB left", disk->free_bytes >> 20),
        "free some: when it is full nothing passes any more, since nothing can be recorded",
        {{"session", grant.session}});
  HOOP_TRY(std::unique_ptr<record::LogSink> sink,
           spool_->create(grant.session, client_->record().url, grant.target.name));
  auto approvals = std::make_unique<LocalApprovals>(*client_, grant.session);
  LocalPath::Parts parts{std::move(grant),
                         std::move(sink),
                         std::move(key),
                         std::move(wish.program),
                         std::move(wish.reason),
                         std::move(approvals),
                         wish.approval_wait.value_or(std::chrono::seconds(0))};
  return LocalPath::create(environment_, context_.get_executor(), std::move(parts));
}

Task<void> TargetSession::end_grant() {
  auto ended = co_await client_->delete_grant(session_, kRevokeTime);
  if (!ended)
    environment_.console.detail(
        "not_revoked",
        "the gateway did not confirm that access has ended: " + ended.error().message);
  co_return Result<void>{};
}

Task<void> TargetSession::upload_log() {
  HOOP_CO_TRY(const std::vector<record::SpoolEntry> entries, spool_->list());
  const auto own = std::ranges::find(entries, session_, &record::SpoolEntry::session);
  if (own == entries.end()) co_return Result<void>{};
  auto receipt = co_await deliver_log(*client_, *spool_, *own, LogOrigin::this_run,
                                      [this](std::uint64_t sent, std::uint64_t total) {
                                        if (total > kProgressBytes)
                                          environment_.console.progress("uploading the session log",
                                                                        sent, total);
                                      });
  environment_.console.finish_progress();
  if (receipt) {
    upload_ = Upload::receipted;
    environment_.console.detail("log_receipted",
                                fmt::format("the log of session {} is at the gateway", session_));
    co_return Result<void>{};
  }
  upload_ = receipt.error().code == ErrorCode::integrity ? Upload::refused : Upload::spooled;
  Error error = std::move(receipt).error();
  if (upload_ == Upload::spooled) {
    environment_.console.warn(
        "log_spooled",
        fmt::format("the session log could not be delivered, and is kept here: {}", error.message),
        "hoopctl sessions upload sends it; so does the next run", {{"session", session_}});
    co_return Result<void>{};
  }
  co_return std::unexpected(std::move(error));
}

/// What earlier runs could not deliver; silent, since nobody asked.
Task<void> TargetSession::upload_leftovers() {
  HOOP_CO_TRY(const std::vector<record::SpoolEntry> entries, spool_->list());
  const SteadyTime until = environment_.clock.steady_now() + kLeftoversTime;
  for (const record::SpoolEntry& entry : entries) {
    if (entry.gateway_url != client_->record().url || entry.session == session_) continue;
    if (environment_.clock.steady_now() > until) break;
    if (!spool_->claim(entry.session)) continue;  // another run is delivering it
    auto receipt = co_await deliver_log(*client_, *spool_, entry, LogOrigin::earlier_run, {});
    if (!receipt) {
      environment_.console.detail(
          "leftover", fmt::format("session {}: {}", entry.session, receipt.error().message));
      if (receipt.error().code == ErrorCode::upstream_unreachable ||
          receipt.error().code == ErrorCode::timeout)
        break;
    }
  }
  co_return Result<void>{};
}

Task<void> TargetSession::deliver(const SessionResult& result) {
  if (data_path_ == access::DataPath::local) {
    // Side by side: the role's end takes the database some milliseconds, and nobody waits twice.
    asio::steady_timer revoked(context_, SteadyTime::max());
    bool is_revoked = false;
    asio::co_spawn(context_, end_grant(), [&](const std::exception_ptr&, const Result<void>&) {
      is_revoked = true;
      revoked.cancel();
    });
    Result<void> uploaded = co_await upload_log();
    while (!is_revoked)
      co_await revoked.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
    co_return uploaded;
  }
  if (result.receipted) {
    upload_ = Upload::receipted;
  } else if (result.failure) {
    upload_ = Upload::unconfirmed;
    environment_.console.warn(
        "not_confirmed",
        "the gateway did not confirm the end of the session: " + result.failure->message,
        fmt::format("it ends the session by itself; later: hoopctl sessions show {}", session_),
        {{"session", session_}});
  } else {
    upload_ = Upload::spooled;
  }
  co_return Result<void>{};
}

asio::awaitable<void> TargetSession::close() {
  if (upload_ == Upload::receipted) {
    const auto leftovers = co_await upload_leftovers();
    if (!leftovers) environment_.console.detail("leftover", leftovers.error().message);
  }
  client_->close();
}

}  // namespace hoop::cmd
