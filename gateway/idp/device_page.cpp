// SPDX-License-Identifier: Apache-2.0
#include "gateway/idp/device_page.h"

#include <algorithm>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "gateway/idp/pages.h"
#include "gateway/idp/password_hash.h"

namespace hoop::gateway::idp {
namespace {

using std::chrono::seconds;

// __Host-: only over TLS, only from this host, for no other (RFC 6265bis §4.1.3.2).
constexpr std::string_view kCookieName = "__Host-hoopctl-device";
constexpr std::size_t kCookieLetters = 43;  // 32 bytes in base64url
constexpr std::size_t kMaxBody = std::size_t{8} << 10;
constexpr const char* kNoSuchCode =
    "There is no request with this code. It may have expired: run hoopctl login again.";
constexpr const char* kWrongPassword = "The user or the password is wrong.";

/// The value of our cookie if the browser sent it once and it can be ours; otherwise "".
std::string read_cookie(const http::Request& request) {
  std::string found;
  for (const http::Header& header : request.headers) {
    if (!http::equal_ignoring_case(header.name, "cookie")) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      std::string_view pair = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      while (pair.starts_with(' ')) pair.remove_prefix(1);
      if (!pair.starts_with(kCookieName) || pair.substr(kCookieName.size(), 1) != "=") continue;
      if (!found.empty()) return {};
      found = pair.substr(kCookieName.size() + 1);
    }
  }
  if (found.size() != kCookieLetters || !from_base64url(found)) return {};
  return found;
}

Bytes browser_of(std::string_view cookie) {
  const auto digest = crypto::sha256(as_bytes(cookie));
  return Bytes(digest.begin(), digest.end());
}

void set_cookie(http::Response& response, std::string_view value, seconds life) {
  std::string field(kCookieName);
  field.append("=").append(value).append("; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=");
  field.append(std::to_string(life.count()));
  response.headers.set("Set-Cookie", std::move(field));
}

TryLimiter::Settings limits(int free_tries, seconds longest_delay) {
  TryLimiter::Settings out;
  out.free_tries = free_tries;
  out.longest_delay = longest_delay;
  return out;
}

std::string wait_text(seconds wait) {
  return "Too many wrong tries. Wait " + std::to_string(wait.count()) + " s and try again.";
}

}  // namespace

DevicePage::DevicePage(Shared& shared)
    : shared_(shared),
      csrf_key_(shared.random.bytes(32)),
      unmatchable_hash_(unmatchable_hash(shared.random)),
      security_policy_(page_security_policy()),
      codes_by_address_(limits(10, seconds(300))),
      codes_in_all_(shared.settings.wrong_codes_in_five_minutes, seconds(300)),
      // A user's delay is short, or anybody could lock anybody out; an address's is long.
      passwords_by_user_(limits(5, seconds(60))),
      passwords_by_address_(limits(10, seconds(300))) {}

Result<http::Response> DevicePage::show(const http::Request& request,
                                        const http::ConnectionInfo& connection) {
  const auto query = http::Form::parse(request.query());
  if (!query) return page(400, code_page("This link is broken."));
  const auto typed = query->find("user_code");
  if (!typed || typed->empty()) return page(200, code_page(""));
  const auto user_code = normalise_user_code(*typed);
  if (!user_code) return page(400, code_page("A code has eight letters, like WDJB-MJHT."));
  HOOP_TRY(Lookup found, find_request(*user_code, address_key(connection.peer)));
  if (found.refusal) return std::move(*found.refusal);
  // Kept if there is one, so that two tabs do not throw each other out.
  const std::string known = read_cookie(request);
  return sign_in_form(200, *user_code, known.empty() ? fresh_cookie() : known, "");
}

Task<http::Response> DevicePage::submit(http::Request request, http::ConnectionInfo connection) {
  auto submission = read_submission(request, connection);
  wipe(request.body.data(), request.body.size());
  if (!submission) co_return std::move(submission).error();
  HOOP_CO_TRY(Lookup found, find_request(submission->user_code, submission->address));
  if (found.refusal) co_return std::move(*found.refusal);
  if (submission->step == "decide") co_return decide(*submission, *found.request);
  co_return co_await sign_in(std::move(*submission), std::move(*found.request));
}

std::expected<DevicePage::Submission, http::Response> DevicePage::read_submission(
    const http::Request& request, const http::ConnectionInfo& connection) {
  const auto refuse = [&](int status, std::string_view text) {
    return std::unexpected(page(status, message_page("This did not work", text)));
  };
  const auto type = request.headers.only("content-type");
  const std::string_view media = type ? type->substr(0, type->find(';')) : std::string_view();
  if (!http::equal_ignoring_case(media, "application/x-www-form-urlencoded"))
    return refuse(415, "This is not a form of this page.");
  if (request.body.size() > kMaxBody) return refuse(413, "The form is too long.");
  auto form = http::Form::parse(request.body);
  if (!form) return refuse(400, "The form is broken.");
  Submission out;
  out.form = std::move(*form);
  out.step = out.form.find("step").value_or("");
  out.cookie = read_cookie(request);
  out.address = address_key(connection.peer);
  const auto user_code = normalise_user_code(out.form.find("user_code").value_or(""));
  const auto token = out.form.find("csrf");
  const auto site = request.headers.find("sec-fetch-site");
  const bool ours =
      (out.step == "sign_in" || out.step == "decide") && user_code && token &&
      !out.cookie.empty() && (!site || *site == "same-origin") &&
      equal_constant_time(as_bytes(csrf(out.cookie, out.step, *user_code)), as_bytes(*token));
  if (!ours)
    return refuse(403,
                  "The form is not from this page, or it is too old. Run hoopctl login again and "
                  "open the link that it shows.");
  out.user_code = *user_code;
  return out;
}

Task<http::Response> DevicePage::sign_in(Submission submission, DeviceRequest request) {
  const std::string username(submission.form.find("username").value_or(""));
  SecretText password{std::string(submission.form.find("password").value_or(""))};
  const std::string user_key = to_hex(crypto::sha256(as_bytes(username)));
  const seconds wait = password_wait(user_key, submission.address);
  if (wait > seconds(0)) {
    co_return too_many(sign_in_form(429, submission.user_code, submission.cookie, wait_text(wait)),
                       wait);
  }
  HOOP_CO_TRY(const std::optional<std::string> hash, shared_.users.password_hash(username));
  // Counted before it is known, so that a hundred tries at once do not all pass the check above.
  const SteadyTime now = shared_.clock.steady_now();
  passwords_by_user_.failed(user_key, now);
  passwords_by_address_.failed(submission.address, now);
  // An unknown user costs the same 80 ms.
  std::string compared_with = hash.value_or(unmatchable_hash_);
  const std::optional<bool> right =
      co_await worker_.matches(std::move(password), std::move(compared_with));
  if (!right) {
    co_return too_many(sign_in_form(503, submission.user_code, submission.cookie,
                                    "The gateway is busy. Try again."),
                       seconds(5));
  }
  if (!*right || !hash) {
    // Not the name: people type passwords into the wrong field.
    shared_.log.warning("sign_in_failed", {{"address", submission.address}});
    HOOP_CO_TRY(const bool locks, shared_.users.wrong_password(username));
    // Here the name is one that there is.
    if (locks) HOOP_CO_CHECK(note_locked(username, submission.address));
    co_return sign_in_form(403, submission.user_code, submission.cookie, kWrongPassword);
  }
  passwords_by_user_.succeeded(user_key);
  HOOP_CO_CHECK(shared_.users.right_password(username));
  // Only its own try: whoever has one password must not wipe the slate of guesses at others'.
  passwords_by_address_.take_back(submission.address);
  // A new cookie with the new right: one that was planted before is worth nothing (session
  // fixation).
  const std::string cookie = fresh_cookie();
  const SystemTime signed_in_at = shared_.clock.system_now();
  HOOP_CO_CHECK(shared_.requests.sign_in(request, username, browser_of(cookie), signed_in_at));
  const RequestView view{submission.user_code, shared_.settings.client_name, request.client_host,
                         request.address, to_rfc3339(request.requested_at)};
  http::Response response =
      page(200, decision_page(view, username, csrf(cookie, "decide", submission.user_code)));
  set_cookie(response, cookie, shared_.settings.decision_time);
  co_return response;
}

Result<http::Response> DevicePage::decide(const Submission& submission,
                                          const DeviceRequest& request) {
  const SystemTime now = shared_.clock.system_now();
  const Bytes browser = browser_of(submission.cookie);
  const auto verdict = submission.form.find("decision");
  // The decision is bound to a sign-in of this browser, for this request, a moment ago.
  const bool fresh = request.subject && request.signed_in_at &&
                     equal_constant_time(browser, request.browser) &&
                     now - *request.signed_in_at <= shared_.settings.decision_time;
  if (!fresh)
    return sign_in_form(403, submission.user_code, fresh_cookie(), "Sign in again to decide.");
  if (!verdict || (*verdict != "approve" && *verdict != "deny")) {
    return page(400, message_page("This did not work", "The form is broken."));
  }
  const bool approved = *verdict == "approve";
  using Verdict = DeviceRequests::Verdict;
  HOOP_TRY(
      const bool counted,
      shared_.requests.decide(request, approved ? Verdict::approve : Verdict::deny, browser, now));
  if (!counted) return page(400, code_page(kNoSuchCode));
  shared_.log.info(
      approved ? "device_approved" : "device_denied",
      {{"subject", *request.subject}, {"by", submission.address}, {"for", request.address}});
  http::Response response = page(
      200,
      approved
          ? message_page("Approved",
                         "You are logged in. Go back to your terminal; this page can be closed.")
          : message_page("Denied", "The device has been refused. This page can be closed."));
  set_cookie(response, "", seconds(0));
  return response;
}

Result<DevicePage::Lookup> DevicePage::find_request(const std::string& user_code,
                                                    const std::string& address) {
  const SteadyTime now = shared_.clock.steady_now();
  const seconds wait =
      codes_in_all_.allows("", now) ? codes_by_address_.wait_for(address, now) : seconds(60);
  if (wait > seconds(0)) {
    return Lookup{std::nullopt, too_many(page(429, code_page(wait_text(wait))), wait)};
  }
  HOOP_TRY(auto request, shared_.requests.find_pending(user_code, shared_.clock.system_now()));
  if (request) return Lookup{std::move(request), std::nullopt};
  codes_by_address_.failed(address, now);
  codes_in_all_.count("", now);
  return Lookup{std::nullopt, page(400, code_page(kNoSuchCode))};
}

Result<void> DevicePage::note_locked(const std::string& username, const std::string& address) {
  shared_.log.warning("user_locked", {{"subject", username}, {"address", address}});
  return shared_.audit.add({0, shared_.clock.system_now(), "hoopctl", "user.lock", username,
                            std::to_string(UserStore::kMostWrongPasswords) +
                                " wrong passwords, the last from " + address});
}

seconds DevicePage::password_wait(const std::string& username, const std::string& address) const {
  const SteadyTime now = shared_.clock.steady_now();
  return std::max(passwords_by_user_.wait_for(username, now),
                  passwords_by_address_.wait_for(address, now));
}

std::string DevicePage::csrf(std::string_view cookie, std::string_view step,
                             std::string_view user_code) const {
  const std::string message =
      std::string(cookie) + "\n" + std::string(step) + "\n" + std::string(user_code);
  return to_base64url(crypto::hmac_sha256(csrf_key_.reveal(), as_bytes(message)));
}

std::string DevicePage::fresh_cookie() const { return to_base64url(shared_.random.bytes(32)); }

http::Response DevicePage::page(int status, std::string html) const {
  http::Response response;
  response.status = status;
  response.headers.set("Content-Type", "text/html; charset=utf-8");
  response.headers.set("Content-Security-Policy", security_policy_);
  response.headers.set("X-Frame-Options", "DENY");
  response.body = std::move(html);
  return response;
}

http::Response DevicePage::sign_in_form(int status, const std::string& user_code,
                                        const std::string& cookie,
                                        std::string_view complaint) const {
  http::Response response =
      page(status, sign_in_page(user_code, csrf(cookie, "sign_in", user_code), complaint));
  set_cookie(response, cookie, seconds(600));
  return response;
}

}  // namespace hoop::gateway::idp
