// SPDX-License-Identifier: Apache-2.0
#include "gateway/idp/device_page.h"

#include <algorithm>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "gateway/idp/pages.h"

namespace hoop::gateway::idp {
namespace {

using std::chrono::seconds;

constexpr std::string_view kCookieName = "__Host-hoopctl-device";
constexpr std::size_t kMaxBody = std::size_t{8} << 10;
constexpr const char* kNoSuchCode =
    "There is no request with this code. It may have expired: run hoopctl login again.";

std::string approved_page(const DeviceRequest& request) {
  if (request.scope == kApprovingScope)
    return message_page("Signed in",
                        "Nothing is decided yet: go back to your terminal. This page can be "
                        "closed.");
  return message_page("Approved",
                      "You are logged in. Go back to your terminal; this page can be closed.");
}

std::string denied_page() {
  return message_page("Denied", "The device has been refused. This page can be closed.");
}

Bytes browser_of(std::string_view cookie) {
  const auto digest = crypto::sha256(as_bytes(cookie));
  return Bytes(digest.begin(), digest.end());
}

}  // namespace

DevicePage::DevicePage(Shared& shared, SignIn& sign_in)
    : shared_(shared),
      sign_in_(sign_in),
      forms_(shared.random, kCookieName),
      codes_by_address_(SignIn::limits(10, seconds(300))),
      codes_in_all_(shared.settings.wrong_codes_in_five_minutes, seconds(300)) {}

Result<http::Response> DevicePage::show(const http::Request& request,
                                        const http::ConnectionInfo& connection) {
  const auto query = http::Form::parse(request.query());
  if (!query) return PageForms::page(400, code_page("This link is broken."));
  const auto typed = query->find("user_code");
  if (!typed || typed->empty()) return PageForms::page(200, code_page(""));
  const auto user_code = normalise_user_code(*typed);
  if (!user_code)
    return PageForms::page(400, code_page("A code has eight letters, like WDJB-MJHT."));
  HOOP_TRY(Lookup found, find_request(*user_code, address_key(connection.peer)));
  if (found.refusal) return std::move(*found.refusal);
  // Kept if there is one, so that two tabs do not throw each other out.
  const std::string known = forms_.cookie_of(request);
  return sign_in_form(200, *user_code, known.empty() ? forms_.fresh_cookie() : known, "");
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
    return std::unexpected(PageForms::page(status, message_page("This did not work", text)));
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
  out.cookie = forms_.cookie_of(request);
  out.address = address_key(connection.peer);
  const auto user_code = normalise_user_code(out.form.find("user_code").value_or(""));
  const bool ours = (out.step == "sign_in" || out.step == "decide") && user_code &&
                    forms_.are_ours(request, out.form, out.cookie, out.step, *user_code);
  if (!ours)
    return refuse(403,
                  "The form is not from this page, or it is too old. Run hoopctl login again and "
                  "open the link that it shows.");
  out.user_code = *user_code;
  return out;
}

Task<http::Response> DevicePage::sign_in(Submission submission, DeviceRequest request) {
  HOOP_CO_TRY(SignIn::Outcome outcome,
              co_await sign_in_.check(submission.form, submission.address));
  if (!outcome.user) {
    http::Response refused =
        sign_in_form(outcome.status, submission.user_code, submission.cookie, outcome.complaint);
    co_return outcome.wait > seconds(0) ? too_many(std::move(refused), outcome.wait)
                                        : std::move(refused);
  }
  const std::string username = std::move(*outcome.user);
  // A new cookie with the new right: one that was planted before is worth nothing (session
  // fixation).
  const std::string cookie = forms_.fresh_cookie();
  const SystemTime signed_in_at = shared_.clock.system_now();
  HOOP_CO_CHECK(shared_.requests.sign_in(request, username, browser_of(cookie), signed_in_at));
  RequestView view{submission.user_code, shared_.settings.client_name, request.client_host,
                   request.address, to_rfc3339(request.requested_at)};
  view.is_for_approving = request.scope == kApprovingScope;
  http::Response response = PageForms::page(
      200, decision_page(view, username, forms_.csrf(cookie, "decide", submission.user_code)));
  forms_.set_cookie(response, cookie, shared_.settings.decision_time);
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
    return sign_in_form(403, submission.user_code, forms_.fresh_cookie(),
                        "Sign in again to decide.");
  if (!verdict || (*verdict != "approve" && *verdict != "deny")) {
    return PageForms::page(400, message_page("This did not work", "The form is broken."));
  }
  const bool approved = *verdict == "approve";
  using Verdict = DeviceRequests::Verdict;
  HOOP_TRY(
      const bool counted,
      shared_.requests.decide(request, approved ? Verdict::approve : Verdict::deny, browser, now));
  if (!counted) return PageForms::page(400, code_page(kNoSuchCode));
  shared_.log.info(approved ? "device_approved" : "device_denied", {{"subject", *request.subject},
                                                                    {"by", submission.address},
                                                                    {"for", request.address},
                                                                    {"scope", request.scope}});
  http::Response response = PageForms::page(200, approved ? approved_page(request) : denied_page());
  forms_.set_cookie(response, "", seconds(0));
  return response;
}

Result<DevicePage::Lookup> DevicePage::find_request(const std::string& user_code,
                                                    const std::string& address) {
  const SteadyTime now = shared_.clock.steady_now();
  const seconds wait =
      codes_in_all_.allows("", now) ? codes_by_address_.wait_for(address, now) : seconds(60);
  if (wait > seconds(0)) {
    return Lookup{std::nullopt,
                  too_many(PageForms::page(429, code_page(SignIn::wait_text(wait))), wait)};
  }
  HOOP_TRY(auto request, shared_.requests.find_pending(user_code, shared_.clock.system_now()));
  if (request) return Lookup{std::move(request), std::nullopt};
  codes_by_address_.failed(address, now);
  codes_in_all_.count("", now);
  return Lookup{std::nullopt, PageForms::page(400, code_page(kNoSuchCode))};
}

http::Response DevicePage::sign_in_form(int status, const std::string& user_code,
                                        const std::string& cookie,
                                        std::string_view complaint) const {
  http::Response response = PageForms::page(
      status, sign_in_page(user_code, forms_.csrf(cookie, "sign_in", user_code), complaint));
  forms_.set_cookie(response, cookie, seconds(600));
  return response;
}

}  // namespace hoop::gateway::idp
