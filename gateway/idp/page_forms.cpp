// SPDX-License-Identifier: Apache-2.0
#include "gateway/idp/page_forms.h"

#include <algorithm>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "gateway/idp/pages.h"

namespace hoop::gateway::idp {
namespace {

constexpr std::size_t kCookieLetters = 43;  // 32 bytes in base64url

}  // namespace

// __Host- in their names: only over TLS, only from this host, for no other (RFC 6265bis §4.1.3.2).
PageForms::PageForms(Random& random, std::string_view cookie_name)
    : random_(random), key_(random.bytes(32)), name_(cookie_name) {}

std::string PageForms::cookie_of(const http::Request& request) const {
  std::string found;
  for (const http::Header& header : request.headers) {
    if (!http::equal_ignoring_case(header.name, "cookie")) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      std::string_view pair = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      while (pair.starts_with(' ')) pair.remove_prefix(1);
      if (!pair.starts_with(name_) || pair.substr(name_.size(), 1) != "=") continue;
      if (!found.empty()) return {};
      found = pair.substr(name_.size() + 1);
    }
  }
  if (found.size() != kCookieLetters || !from_base64url(found)) return {};
  return found;
}

void PageForms::set_cookie(http::Response& response, std::string_view value,
                           std::chrono::seconds life) const {
  std::string field(name_);
  field.append("=").append(value).append("; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=");
  field.append(std::to_string(life.count()));
  response.headers.set("Set-Cookie", std::move(field));
}

std::string PageForms::fresh_cookie() const { return to_base64url(random_.bytes(32)); }

std::string PageForms::csrf(std::string_view cookie, std::string_view step,
                            std::string_view about) const {
  std::string message(cookie);
  message.append("\n").append(step).append("\n").append(about);
  return to_base64url(crypto::hmac_sha256(key_.reveal(), as_bytes(message)));
}

bool PageForms::are_ours(const http::Request& request, const http::Form& form,
                         const std::string& cookie, std::string_view step,
                         std::string_view about) const {
  const auto token = form.find("csrf");
  const auto site = request.headers.find("sec-fetch-site");
  return token && !cookie.empty() && (!site || *site == "same-origin") &&
         equal_constant_time(as_bytes(csrf(cookie, step, about)), as_bytes(*token));
}

http::Response PageForms::page(int status, std::string html, std::string_view form_action) {
  http::Response response;
  response.status = status;
  response.headers.set("Content-Type", "text/html; charset=utf-8");
  response.headers.set("Content-Security-Policy", page_security_policy(form_action));
  response.headers.set("X-Frame-Options", "DENY");
  response.body = std::move(html);
  return response;
}

}  // namespace hoop::gateway::idp
