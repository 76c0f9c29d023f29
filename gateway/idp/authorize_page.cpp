// SPDX-License-Identifier: Apache-2.0
#include "gateway/idp/authorize_page.h"

#include <algorithm>
#include <charconv>

#include "core/base/encoding.h"
#include "gateway/idp/pages.h"

namespace hoop::gateway::idp {
namespace {

constexpr std::string_view kSignInCookie = "__Host-hoopctl-sign-in";
constexpr std::size_t kMaxSignInForm = std::size_t{8} << 10;
constexpr std::size_t kMaxState = 512;
constexpr std::size_t kChallengeLetters = 43;  // SHA-256 in base64url
constexpr std::chrono::seconds kFormLife{600};
constexpr const char* kNoRequest =
    "This link is not one of hoopctl login --browser, or it is broken. Run that again.";

/// RFC 8252 §7.3: any port.
bool is_loopback_callback(std::string_view uri) {
  constexpr std::string_view kBegin = "http://127.0.0.1:", kEnd = "/callback";
  if (!uri.starts_with(kBegin) || !uri.ends_with(kEnd)) return false;
  if (uri.size() <= kBegin.size() + kEnd.size()) return false;
  const std::string_view port = uri.substr(kBegin.size(), uri.size() - kBegin.size() - kEnd.size());
  std::uint16_t number = 0;
  const auto [stop, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc() && stop == port.data() + port.size() && number > 0 &&
         port.front() != '0';
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

http::Response no_request(int status) {
  return PageForms::page(status, message_page("This did not work", kNoRequest));
}

}  // namespace

AuthorizePage::AuthorizePage(Shared& shared, SignIn& sign_in)
    : shared_(shared), sign_in_(sign_in), forms_(shared.random, kSignInCookie) {}

std::optional<AuthorizePage::Asked> AuthorizePage::read(const http::Form& fields) const {
  const auto field = [&](std::string_view name) {
    return std::string(fields.find(name).value_or(""));
  };
  Asked out{field("redirect_uri"), field("state"), field("code_challenge"), {}};
  if (field("client_id") != shared_.settings.client_id || !is_loopback_callback(out.redirect_uri) ||
      out.state.empty() || out.state.size() > kMaxState || !is_printable(out.state))
    return std::nullopt;
  if (field("response_type") != "code") {
    out.error = "unsupported_response_type";
  } else if (field("code_challenge_method") != "S256" ||
             out.challenge.size() != kChallengeLetters || !from_base64url(out.challenge)) {
    out.error = "invalid_request";  // without PKCE whoever sees a code could use it
  }
  return out;
}

std::string AuthorizePage::about(const Asked& asked) {
  return asked.redirect_uri + "\n" + asked.state + "\n" + asked.challenge;
}

http::Response AuthorizePage::form(int status, const Asked& asked, const std::string& cookie,
                                   std::string_view complaint) const {
  const AuthorizeView view{shared_.settings.client_id, asked.redirect_uri, asked.state,
                           asked.challenge, forms_.csrf(cookie, "authorize", about(asked))};
  // A browser that keeps to the policy would not follow the way back after the form.
  http::Response out = PageForms::page(status, authorize_page(view, complaint),
                                       asked.redirect_uri.substr(0, asked.redirect_uri.rfind('/')));
  forms_.set_cookie(out, cookie, kFormLife);
  return out;
}

http::Response AuthorizePage::send_back(const Asked& asked, std::string_view name,
                                        std::string_view value) const {
  http::Response out;
  out.status = 303;
  std::string to = asked.redirect_uri + "?";
  to.append(name).append("=").append(http::percent_encode(value));
  to += "&state=" + http::percent_encode(asked.state) +
        "&iss=" + http::percent_encode(shared_.settings.issuer);
  out.headers.set("Location", std::move(to));
  return out;
}

http::Response AuthorizePage::show(const http::Request& request) {
  const auto query = http::Form::parse(request.query());
  const auto asked = query ? read(*query) : std::nullopt;
  if (!asked) return no_request(400);
  if (!asked->error.empty()) return send_back(*asked, "error", asked->error);
  const std::string known = forms_.cookie_of(request);
  return form(200, *asked, known.empty() ? forms_.fresh_cookie() : known, "");
}

Task<http::Response> AuthorizePage::submit(http::Request request, http::ConnectionInfo connection) {
  const auto type = request.headers.only("content-type");
  const std::string_view media = type ? type->substr(0, type->find(';')) : std::string_view();
  if (!http::equal_ignoring_case(media, "application/x-www-form-urlencoded"))
    co_return no_request(415);
  if (request.body.size() > kMaxSignInForm) co_return no_request(413);
  const auto fields = http::Form::parse(request.body);
  wipe(request.body.data(), request.body.size());
  const auto asked = fields ? read(*fields) : std::nullopt;
  if (!asked || !asked->error.empty()) co_return no_request(400);
  const std::string cookie = forms_.cookie_of(request);
  if (!forms_.are_ours(request, *fields, cookie, "authorize", about(*asked)))
    co_return no_request(403);
  if (fields->find("decision").value_or("") == "deny")
    co_return send_back(*asked, "error", "access_denied");
  const std::string address = address_key(connection.peer);
  HOOP_CO_TRY(const SignIn::Outcome outcome, co_await sign_in_.check(*fields, address));
  if (!outcome.user) {
    http::Response refused = form(outcome.status, *asked, cookie, outcome.complaint);
    co_return outcome.wait.count() > 0 ? too_many(std::move(refused), outcome.wait)
                                       : std::move(refused);
  }
  HOOP_CO_TRY(const SecretText code,
              shared_.codes.issue(*outcome.user, asked->redirect_uri, asked->challenge,
                                  shared_.clock.system_now(), shared_.random));
  shared_.log.info("signed_in", {{"subject", *outcome.user}, {"address", address}});
  http::Response out = send_back(*asked, "code", code.reveal());
  forms_.set_cookie(out, "", std::chrono::seconds(0));
  co_return out;
}

}  // namespace hoop::gateway::idp
