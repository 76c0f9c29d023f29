// SPDX-License-Identifier: Apache-2.0
// Upload, finish and download of session logs.
#include <charconv>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "core/identity/json.h"
#include "gateway/api.h"

namespace hoop::gateway {
namespace {

constexpr std::size_t kMaxChunk = 1U << 20;
constexpr std::size_t kMaxFinishBody = 4U << 10;

std::optional<std::uint64_t> read_number(std::string_view text) {
  std::uint64_t out = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc() || stop != text.data() + text.size())
    return std::nullopt;
  return out;
}

/// "sha-256=:BASE64:" (RFC 9530), that digest alone.
std::optional<Bytes> read_content_digest(std::string_view field) {
  constexpr std::string_view kBegin = "sha-256=:";
  if (!field.starts_with(kBegin) || !field.ends_with(':') || field.size() <= kBegin.size())
    return std::nullopt;
  return from_base64(field.substr(kBegin.size(), field.size() - kBegin.size() - 1));
}

/// Where the next chunk must begin.
http::Response wrong_offset(std::uint64_t offset) {
  http::Response out = http::json_response(
      409,
      fmt::format(
          R"({{"type":"about:blank","title":"Conflict","status":409,"detail":"the log has {0} bytes","code":"offset","offset":{0}}})",
          offset));
  out.headers.set("Content-Type", "application/problem+json");
  return out;
}

Result<LogClaim> read_claim(const std::string& body) {
  if (body.size() > kMaxFinishBody)
    return fail(ErrorCode::too_large, "the request is longer than 4 KiB");
  HOOP_TRY(const auto json, identity::parse_json(body));
  const identity::Json* length = json.find("length");
  const std::string* digest = json.text("digest");
  if (length == nullptr || length->integer() == nullptr || *length->integer() < 0)
    return fail(ErrorCode::malformed, "'length' must be a number");
  const auto raw = digest != nullptr ? from_hex(*digest) : std::nullopt;
  if (!raw || raw->size() != 32)
    return fail(ErrorCode::malformed, "'digest' must be 32 bytes in hexadecimal");
  LogClaim out{static_cast<std::uint64_t>(*length->integer()), to_hex(*raw), true};
  if (const identity::Json* sealed = json.find("sealed")) {
    const bool* value = std::get_if<bool>(&sealed->value);
    if (value == nullptr) return fail(ErrorCode::malformed, "'sealed' must be true or false");
    out.sealed = *value;
  }
  return out;
}

/// The gateway wrote the log itself: nobody has another one to bring.
http::Response written_here() {
  return http::problem_response(409, "gateway_path", "the gateway keeps this session's log itself");
}

http::Response receipt_response(const std::string& receipt) {
  std::string body = "{\"receipt\":";
  append_json_string(body, receipt);
  return http::json_response(200, body + "}");
}

}  // namespace

asio::awaitable<http::Response> Api::log_offset(std::string session, access::Identity identity) {
  auto record = co_await find_session(session, std::move(identity), Who::owner_or_auditor);
  if (!record) co_return problem_of(record.error());
  SessionStore& logs = parts_.logs;
  Work<std::uint64_t> look = [&logs, session] { return logs.size(session); };
  auto size = co_await parts_.workers.run(look);
  if (!size) co_return problem_of(size.error());
  http::Response out;
  out.headers.set("Upload-Offset", std::to_string(*size));
  co_return out;
}

asio::awaitable<http::Response> Api::download_log(std::string session, access::Identity identity) {
  const std::string reader = identity.subject;
  auto record = co_await find_session(session, std::move(identity), Who::owner_or_auditor);
  if (!record) co_return problem_of(record.error());
  const auto file = parts_.logs.file(session);
  if (!file)
    co_return http::problem_response(404, "not_found", "no log of this session has been uploaded");
  if (reader != record->subject)
    parts_.log.info("log.read",
                    {{"session", session}, {"subject", record->subject}, {"by", reader}});
  http::Response out;
  out.headers.set("Content-Type", "application/octet-stream");
  out.file = *file;
  co_return out;
}

asio::awaitable<http::Response> Api::upload_chunk(std::string session, http::Request request,
                                                  access::Identity identity) {
  if (request.body.size() > kMaxChunk)
    co_return http::problem_response(413, "too_large", "a chunk has at most 1 MiB");
  const auto offset = read_number(request.headers.only("Upload-Offset").value_or(""));
  if (!offset)
    co_return http::problem_response(400, "malformed", "Upload-Offset must be one number");
  const auto digest = read_content_digest(request.headers.only("Content-Digest").value_or(""));
  if (!digest)
    co_return http::problem_response(400, "malformed", "Content-Digest must be sha-256=:BASE64:");
  if (!equal_constant_time(*digest, crypto::sha256(as_bytes(request.body))))
    co_return http::problem_response(400, "digest", "the chunk does not fit its digest");
  auto record = co_await find_session(session, std::move(identity), Who::owner);
  if (!record) co_return problem_of(record.error());
  if (record->path == access::DataPath::gateway) co_return written_here();
  if (record->log)
    co_return wrong_offset(record->log->length);  // finished: nothing is appended any more
  SessionStore& logs = parts_.logs;
  const std::uint64_t expected = *offset + request.body.size();
  Work<std::uint64_t> append = [&logs, session, begin = *offset, body = std::move(request.body)] {
    return logs.append(session, begin, as_bytes(body));
  };
  auto size = co_await parts_.workers.run(append);
  if (!size) {
    parts_.log.error("log.append_failed", {{"session", session}, {"error", size.error().message}});
    co_return problem_of(size.error());
  }
  if (*size != expected) co_return wrong_offset(*size);
  co_return http::json_response(200, fmt::format("{{\"offset\":{}}}", *size));
}

asio::awaitable<http::Response> Api::finish_log(std::string session, http::Request request,
                                                access::Identity identity) {
  auto claim = read_claim(request.body);
  if (!claim) co_return problem_of(claim.error());
  auto record = co_await find_session(session, std::move(identity), Who::owner);
  if (!record) co_return problem_of(record.error());
  if (record->path == access::DataPath::gateway) co_return written_here();
  if (record->log) {
    if (record->log->digest == claim->digest) co_return receipt_response(record->log->receipt);
    co_return http::problem_response(422, "log_invalid",
                                     "the log was finished with another digest");
  }
  Work<FinishedLog> receive = [this, kept = *record, claimed = *claim]() -> Result<FinishedLog> {
    const ReceiptSigner signer{parts_.gateway_id, parts_.base_url, parts_.receipt_key};
    HOOP_TRY(auto log, receive_log(parts_.logs, kept, claimed, signer, parts_.clock.system_now()));
    // Stored before it is handed out: who holds a receipt may delete the only other copy.
    HOOP_CHECK(parts_.store.set_finished(kept.session, log));
    return log;
  };
  auto finished = co_await parts_.workers.run(receive);
  if (!finished) {
    const ErrorCode code = finished.error().code;
    parts_.log.warning("log.refused", {{"session", session},
                                       {"code", std::string(to_string(code))},
                                       {"error", finished.error().message}});
    if (code == ErrorCode::storage || code == ErrorCode::internal || code == ErrorCode::cancelled)
      co_return problem_of(finished.error());
    co_return http::problem_response(422, "log_invalid", finished.error().message);
  }
  parts_.log.info("log.received", {{"session", session},
                                   {"length", std::to_string(finished->length)},
                                   {"sealed", finished->sealed ? "yes" : "no"}});
  co_return receipt_response(finished->receipt);
}

}  // namespace hoop::gateway
