// SPDX-License-Identifier: Apache-2.0
#include "gateway/receipt.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/identity/json.h"
#include "core/identity/jwt.h"
#include "core/record/session_log_reader.h"

namespace hoop::gateway {
namespace {

/// Takes the totals from the log's own last record.
Result<void> take_totals(const record::Record& record, FinishedLog& out) {
  HOOP_TRY(const auto end, identity::parse_json(as_text(record.payload)));
  const auto number = [&](std::string_view key) -> std::uint64_t {
    const identity::Json* member = end.find(key);
    const std::int64_t* value = member != nullptr ? member->integer() : nullptr;
    return value != nullptr ? static_cast<std::uint64_t>(std::max<std::int64_t>(*value, 0)) : 0;
  };
  out.actions = number("actions");
  out.denied = number("denied");
  out.masked_values = number("masked_values");
  out.rows = number("rows");
  if (const std::string* at = end.text("at")) {
    if (const auto time = parse_rfc3339(*at)) out.ended_at = *time;
  }
  return {};
}

Result<void> compare(const record::LogSummary& summary, const SessionRecord& record,
                     const LogClaim& claim, const std::string& gateway) {
  const auto wrong = [](std::string what) {
    return fail(ErrorCode::integrity, "the log's " + std::move(what));
  };
  if (summary.header.session != record.session) return wrong("session is not the grant's");
  if (summary.header.gateway != gateway) return wrong("gateway is not this one");
  if (summary.header.target != record.target) return wrong("target is not the grant's");
  if (summary.header.subject != record.subject) return wrong("subject is not the grant's");
  if (to_base64url(summary.header.key) != record.seal_key) return wrong("key is not the grant's");
  if (summary.trailing != 0 || summary.length != claim.length)
    return wrong(fmt::format("length is {}, not {}", summary.length, claim.length));
  if (to_hex(summary.digest) != claim.digest) return wrong("digest is not the one named");
  if (claim.sealed && !summary.sealed) return wrong("seal is missing");
  return {};
}

}  // namespace

Result<FinishedLog> receive_log(SessionStore& logs, const SessionRecord& record,
                                const LogClaim& claim, const ReceiptSigner& signer,
                                SystemTime now) {
  HOOP_CHECK(logs.sync(record.session));
  FinishedLog out;
  out.ended_at = now;
  record::LogReader reader;
  HOOP_CHECK(logs.read(record.session, [&](ByteSpan piece) -> Result<void> {
    reader.feed(piece);
    for (;;) {
      HOOP_TRY(const auto next, reader.next());
      if (!next) return {};
      if (next->type == record::RecordType::session_end) HOOP_CHECK(take_totals(*next, out));
    }
  }));
  HOOP_TRY(const auto summary, reader.finish());
  HOOP_CHECK(compare(summary, record, claim, signer.gateway));
  out.length = summary.length;
  out.digest = to_hex(summary.digest);
  out.sealed = summary.sealed;
  std::string claims = "{\"iss\":";
  append_json_string(claims, signer.issuer);
  claims += fmt::format(
      R"(,"session":"{}","digest":"{}","length":{},"records":{},"sealed":{},"received_at":"{}"}})",
      record.session, out.digest, out.length, summary.records, out.sealed, to_rfc3339(now));
  out.receipt = identity::sign_jws(signer.key, "hoopctl-receipt+jwt", claims);
  return out;
}

}  // namespace hoop::gateway
