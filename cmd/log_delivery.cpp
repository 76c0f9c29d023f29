// SPDX-License-Identifier: Apache-2.0
#include "cmd/log_delivery.h"

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/identity/jwt.h"
#include "core/record/uploader.h"

namespace hoop::cmd {
namespace {

constexpr int kMaxSteps = 1'000'000;  // a gateway that never advances must not keep us for ever
constexpr int kMaxStalls = 5;

/// What a gateway says no to for good, as opposed to what may work later.
bool is_final(ErrorCode code) { return code == ErrorCode::integrity; }

Task<std::string> upload(GatewayClient& client, std::string session, record::Uploader& uploader,
                         LogOrigin origin, const UploadProgress& progress) {
  int stalls = 0;
  for (int i = 0; i < kMaxSteps && stalls < kMaxStalls; ++i) {
    HOOP_CO_TRY(record::Uploader::Step step, uploader.next());
    if (auto* done = std::get_if<record::Uploader::Done>(&step)) co_return std::move(done->receipt);
    const std::uint64_t before = uploader.sent();
    if (std::holds_alternative<record::Uploader::AskOffset>(step)) {
      std::uint64_t offset = 0;
      if (origin == LogOrigin::earlier_run) {
        HOOP_CO_TRY(offset, co_await client.log_offset(session));
      }
      HOOP_CO_CHECK(uploader.offset_is(offset));
    } else if (auto* chunk = std::get_if<record::Uploader::PutChunk>(&step)) {
      HOOP_CO_TRY(
          const std::uint64_t offset,
          co_await client.put_log(session, chunk->offset, std::move(chunk->bytes), chunk->digest));
      HOOP_CO_CHECK(uploader.offset_is(offset));
      stalls = uploader.sent() > before ? 0 : stalls + 1;
    } else if (const auto* finish = std::get_if<record::Uploader::Finish>(&step)) {
      HOOP_CO_TRY(std::string receipt, co_await client.finish_log(session, finish->length,
                                                                  finish->digest, finish->sealed));
      uploader.finished(std::move(receipt));
    }
    if (progress) progress(uploader.sent(), uploader.summary().length);
  }
  co_return fail(ErrorCode::upstream_refused, "the gateway does not take the log's bytes",
                 "it stays here: hoopctl sessions pending");
}

std::unexpected<Error> wrong_receipt(std::string why) {
  return fail(ErrorCode::integrity, std::move(why), "show the log to the gateway's operator");
}

}  // namespace

Result<record::Spool> open_spool(const Environment& environment) {
  HOOP_TRY(const std::string state, environment.state_folder());
  return record::Spool::open(state + "/spool");
}

Result<Receipt> check_receipt(const std::string& receipt, const identity::KeySet& keys,
                              const identity::GatewayRecord& gateway,
                              const record::LogSummary& log) {
  auto claims = identity::verify_jws(receipt, keys, "hoopctl-receipt+jwt");
  if (!claims)
    return wrong_receipt("the receipt's signature is not the gateway's: " + claims.error().message);
  const auto says = [&](std::string_view name, std::string_view wanted) {
    const std::string* text = claims->text(name);
    return text != nullptr && *text == wanted;
  };
  if (!says("iss", gateway.audience) && !says("iss", gateway.url))
    return wrong_receipt("the receipt is from another gateway");
  if (!says("session", log.header.session))
    return wrong_receipt("the receipt is for another session");
  if (!says("digest", to_hex(log.digest)))
    return wrong_receipt("the receipt is for a log with another digest");
  const identity::Json* length = claims->find("length");
  if (length == nullptr || length->integer() == nullptr ||
      *length->integer() != static_cast<std::int64_t>(log.length)) {
    return wrong_receipt("the receipt is for a log of another length");
  }
  const std::string* at = claims->text("received_at");
  return Receipt{receipt, at != nullptr ? *at : std::string(), log.records};
}

Task<Receipt> deliver_log(GatewayClient& client, record::Spool& spool, record::SpoolEntry entry,
                          LogOrigin origin, UploadProgress progress) {
  auto uploader = record::Uploader::open(entry.path);
  if (!uploader) {
    HOOP_CO_CHECK(spool.set_aside(entry.session));
    Error error = std::move(uploader).error().within(
        fmt::format("the log of session {} is broken here, and was set aside", entry.session));
    error.code = ErrorCode::integrity;
    co_return std::unexpected(std::move(error));
  }
  auto text = co_await upload(client, entry.session, *uploader, origin, progress);
  if (!text) {
    if (is_final(text.error().code)) HOOP_CO_CHECK(spool.set_aside(entry.session));
    co_return std::unexpected(std::move(text).error());
  }
  HOOP_CO_TRY(const identity::KeySet keys, co_await client.receipt_keys());
  // Without a good receipt the local copy stays: it may be the only one.
  HOOP_CO_TRY(Receipt receipt, check_receipt(*text, keys, client.record(), uploader->summary()));
  HOOP_CO_CHECK(spool.remove(entry.session));
  co_return receipt;
}

}  // namespace hoop::cmd
