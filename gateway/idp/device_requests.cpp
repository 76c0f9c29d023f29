// SPDX-License-Identifier: Apache-2.0
#include "gateway/idp/device_requests.h"

#include "core/base/encoding.h"
#include "gateway/idp/schema.h"

namespace hoop::gateway::idp {
namespace {

// RFC 8628 §6.1: no vowels, so no words; 20^8 codes.
constexpr std::string_view kAlphabet = "BCDFGHJKLMNPQRSTVWXZ";
constexpr std::size_t kUserCodeLetters = 8;
constexpr std::int64_t kSlowDown = 5;
// A client that sleeps exactly the interval must not be told to slow down by a network that was
// faster the second time.
constexpr std::chrono::milliseconds kPollTolerance{250};
// So that a late client hears expired_token and not invalid_grant.
constexpr std::chrono::minutes kKeptAfterExpiry{10};

std::string make_user_code(Random& random) {
  std::string out;
  while (out.size() < kUserCodeLetters + 1) {
    for (const std::uint8_t byte : random.bytes(16)) {
      // 240 is a multiple of 20: every letter is as likely.
      if (byte >= 240 || out.size() == kUserCodeLetters + 1) continue;
      if (out.size() == kUserCodeLetters / 2) out += '-';
      out += kAlphabet[byte % kAlphabet.size()];
    }
  }
  return out;
}

crypto::Digest256 digest(std::string_view text) { return crypto::sha256(as_bytes(text)); }

}  // namespace

std::optional<std::string> normalise_user_code(std::string_view typed) {
  std::string out;
  for (const char c : typed.substr(0, 64)) {
    if (c == '-' || c == ' ') continue;
    const char letter = c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
    if (kAlphabet.find(letter) == kAlphabet.npos || out.size() > kUserCodeLetters)
      return std::nullopt;
    if (out.size() == kUserCodeLetters / 2) out += '-';
    out += letter;
  }
  if (out.size() != kUserCodeLetters + 1) return std::nullopt;
  return out;
}

Result<IssuedCodes> DeviceRequests::issue(const DeviceRequest& request, std::chrono::seconds life,
                                          std::chrono::seconds interval, Random& random) {
  IssuedCodes codes{SecretText(to_base64url(random.bytes(32))), {}};
  // Two live requests with one code: once in millions of years, but then the wrong one would be
  // approved.
  for (int attempt = 0; attempt < 5; ++attempt) {
    codes.user_code = make_user_code(random);
    HOOP_CHECK(database_.run(
        "INSERT INTO idp_device_requests (device_code, user_code, client_id, client_host, address, "
        "requested_at, expires_at, interval, scope,"
        " polled_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 'pending') ON CONFLICT DO "
        "NOTHING",
        {digest(codes.device_code.reveal()), digest(codes.user_code), request.client_id,
         request.client_host, request.address, to_column(request.requested_at),
         to_column(request.requested_at + life), std::int64_t{interval.count()}, request.scope}));
    if (database_.changes() == 1) return codes;
  }
  return fail(ErrorCode::internal, "no free user code");
}

Result<std::optional<DeviceRequest>> DeviceRequests::find_pending(std::string_view user_code,
                                                                  SystemTime now) {
  HOOP_TRY(
      const auto row,
      database_.find(
          "SELECT device_code, client_id, client_host, address, requested_at, subject, "
          "signed_in_at, browser, scope"
          " FROM idp_device_requests WHERE user_code = ? AND state = 'pending' AND expires_at > ?",
          {digest(user_code), to_column(now)}));
  if (!row) return std::optional<DeviceRequest>();
  DeviceRequest out;
  const Bytes id = row->blob(0);
  if (id.size() != out.id.size())
    return fail(ErrorCode::storage, "a device request has a broken key");
  std::copy(id.begin(), id.end(), out.id.begin());
  out.client_id = row->text(1);
  out.client_host = row->text(2);
  out.address = row->text(3);
  out.requested_at = from_column(row->integer(4));
  out.subject = row->optional_text(5);
  if (const auto when = row->optional_integer(6)) out.signed_in_at = from_column(*when);
  out.browser = row->blob(7);
  out.scope = row->text(8);
  return std::optional<DeviceRequest>(std::move(out));
}

Result<void> DeviceRequests::sign_in(const DeviceRequest& request, std::string_view subject,
                                     ByteSpan browser, SystemTime now) {
  return database_.run(
      "UPDATE idp_device_requests SET subject = ?, browser = ?, signed_in_at = ? WHERE device_code "
      "= ? AND state = 'pending'",
      {subject, browser, to_column(now), request.id});
}

Result<bool> DeviceRequests::decide(const DeviceRequest& request, Verdict verdict, ByteSpan browser,
                                    SystemTime now) {
  // One statement, so that of two decisions only the first one counts.
  HOOP_CHECK(database_.run(
      "UPDATE idp_device_requests SET state = ? WHERE device_code = ? AND browser = ? AND state = "
      "'pending' AND expires_at > ?",
      {verdict == Verdict::approve ? "approved" : "denied", request.id, browser, to_column(now)}));
  return database_.changes() == 1;
}

Result<DeviceRequests::Poll> DeviceRequests::poll(std::string_view device_code,
                                                  std::string_view client_id, SystemTime now) {
  using State = Poll::State;
  HOOP_TRY(Transaction transaction, Transaction::begin(database_));
  const crypto::Digest256 id = digest(device_code);
  HOOP_TRY(const auto row, database_.find("SELECT state, expires_at, interval, polled_at, "
                                          "coalesce(subject, ''), scope, coalesce(signed_in_at, 0)"
                                          " FROM idp_device_requests"
                                          " WHERE device_code = ? AND client_id = ?",
                                          {id, client_id}));
  if (!row) return Poll{State::unknown};
  const std::string state = row->text(0);
  if (from_column(row->integer(1)) <= now) return Poll{State::expired};
  if (state == "denied") return Poll{State::denied};
  if (state == "approved") {
    HOOP_CHECK(database_.run("DELETE FROM idp_device_requests WHERE device_code = ?", {id}));
    Poll out{State::approved, row->text(4), row->text(5), from_column(row->integer(6))};
    HOOP_CHECK(transaction.commit());
    return out;
  }
  const std::int64_t interval = row->integer(2);
  const bool too_fast =
      from_column(row->integer(3)) + std::chrono::seconds(interval) - kPollTolerance > now;
  HOOP_CHECK(database_.run(
      "UPDATE idp_device_requests SET polled_at = ?, interval = ? WHERE device_code = ?",
      {to_column(now), too_fast ? interval + kSlowDown : interval, id}));
  HOOP_CHECK(transaction.commit());
  return Poll{too_fast ? State::slow_down : State::pending};
}

Result<std::int64_t> DeviceRequests::count() {
  HOOP_TRY(const auto row, database_.find("SELECT count(*) FROM idp_device_requests"));
  return row->integer(0);
}

Result<void> DeviceRequests::purge(SystemTime now) {
  return database_.run("DELETE FROM idp_device_requests WHERE expires_at <= ?",
                       {to_column(now - kKeptAfterExpiry)});
}

}  // namespace hoop::gateway::idp
