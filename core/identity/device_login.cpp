// SPDX-License-Identifier: Apache-2.0
#include "core/identity/device_login.h"

#include <algorithm>
#include <vector>

#include "core/identity/discovery.h"
#include "core/identity/json.h"

namespace hoop::identity {
namespace {

using std::chrono::seconds;

constexpr seconds kSlowDown{5};  // RFC 8628 §3.5
constexpr seconds kLongestBackOff{60};
constexpr std::int64_t kLongestInterval = 300;
constexpr std::int64_t kLongestLife = 3600;
constexpr std::size_t kMaxUserCodeBytes = 64;
constexpr std::size_t kMaxDeviceCodeBytes = 4096;

bool is_printable(const std::string& text, std::size_t max_bytes) {
  return !text.empty() && text.size() <= max_bytes &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::unexpected<Error> malformed(std::string what) {
  return fail(ErrorCode::malformed, "device login: " + std::move(what));
}

std::unexpected<Error> expired() {
  return fail(ErrorCode::timeout, "device login: the code has expired",
              "run `hoopctl login` again");
}

Result<seconds> read_seconds(const Json& json, std::string_view name, std::int64_t most) {
  const Json* member = json.find(name);
  const std::int64_t* value = member == nullptr ? nullptr : member->integer();
  if (value == nullptr || *value <= 0 || *value > most)
    return malformed("'" + std::string(name) + "' is missing or odd");
  return seconds(*value);
}

}  // namespace

SecretText DeviceLogin::start_request() const {
  std::vector<FormField> fields{{"client_id", client_id_}};
  if (!host_name_.empty()) fields.emplace_back("client_host", host_name_);
  fields.insert(fields.end(), parameters_.begin(), parameters_.end());
  return form_body(fields);
}

Result<DevicePrompt> DeviceLogin::started(int status, std::string_view body) {
  if (status != 200) {
    return fail(ErrorCode::upstream_refused,
                "device login: the issuer answered " + std::to_string(status),
                oauth_error(body) == "invalid_client"
                    ? "the issuer does not know this client: check the gateway's issuer"
                    : "try again in a minute");
  }
  auto json = parse_json(body);
  if (!json) return std::unexpected(std::move(json).error().within("device login"));
  const std::string* device_code = json->text("device_code");
  const std::string* user_code = json->text("user_code");
  const std::string* uri = json->text("verification_uri");
  const std::string* complete = json->text("verification_uri_complete");
  if (device_code == nullptr || !is_printable(*device_code, kMaxDeviceCodeBytes))
    return malformed("no device code");
  if (user_code == nullptr || !is_printable(*user_code, kMaxUserCodeBytes))
    return malformed("no code for the user");
  if (uri == nullptr || !parse_https_url(*uri))
    return malformed("the page to visit is not an https URL");
  if (complete != nullptr && !parse_https_url(*complete))
    return malformed("the page to visit is not an https URL");
  DevicePrompt prompt{*user_code, *uri, complete == nullptr ? std::string() : *complete, {}};
  HOOP_TRY(prompt.expires_in, read_seconds(*json, "expires_in", kLongestLife));
  // Absent means 5 (§3.2).
  interval_ = kSlowDown;
  if (json->find("interval") != nullptr) {
    HOOP_TRY(interval_, read_seconds(*json, "interval", kLongestInterval));
  }
  device_code_ = SecretText(*device_code);
  extra_ = seconds(0);
  const SteadyTime now = clock_.steady_now();
  expires_at_ = now + prompt.expires_in;
  next_poll_ = now + interval_;
  return prompt;
}

SecretText DeviceLogin::poll_request() const {
  return form_body({{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                    {"device_code", device_code_.reveal()},
                    {"client_id", client_id_}});
}

Result<std::optional<TokenSet>> DeviceLogin::polled(int status, std::string_view body) {
  if (status == 200) {
    HOOP_TRY(TokenSet tokens, parse_token_set(body));
    device_code_ = SecretText();
    return std::optional<TokenSet>(std::move(tokens));
  }
  const std::string error = oauth_error(body);
  if (error == "authorization_pending" || error == "slow_down") {
    if (error == "slow_down")
      interval_ = std::min(interval_ + kSlowDown, seconds(kLongestInterval));
    extra_ = seconds(0);
    HOOP_CHECK(wait(interval_));
    return std::optional<TokenSet>();
  }
  if (error == "access_denied") {
    return fail(ErrorCode::denied, "device login: the request was denied on the page",
                "run `hoopctl login` again");
  }
  if (error == "expired_token") return expired();
  if (status >= 500 || status == 429) {
    HOOP_CHECK(back_off());
    return std::optional<TokenSet>();
  }
  if (error.empty())
    return malformed("the issuer answered " + std::to_string(status) + " without saying why");
  return fail(ErrorCode::unauthenticated, "device login: the issuer refused the code",
              "run `hoopctl login` again");
}

Result<void> DeviceLogin::poll_failed() { return back_off(); }

Result<void> DeviceLogin::back_off() {
  // §3.5 asks for exponential back-off on connection trouble.
  extra_ = extra_ == seconds(0) ? interval_ : std::min(extra_ * 2, kLongestBackOff);
  return wait(interval_ + extra_);
}

Result<void> DeviceLogin::wait(seconds span) {
  const SteadyTime now = clock_.steady_now();
  if (now >= expires_at_) return expired();
  // The last poll comes when the code is about to end, however long the wait has grown.
  next_poll_ = std::min(now + span, std::max(now + interval_, expires_at_ - seconds(1)));
  if (next_poll_ >= expires_at_) return expired();
  return {};
}

}  // namespace hoop::identity
