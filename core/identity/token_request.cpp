// SPDX-License-Identifier: Apache-2.0
#include "core/identity/token_request.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/identity/jwt.h"

namespace hoop::identity {
namespace {

constexpr std::size_t kMaxErrorNameBytes = 64;

void append_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' ||
                       byte == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
}

/// Tokens go into a header field: only what RFC 6750's b64token and a little more could be is
/// taken.
bool is_token_text(const std::string& text) {
  return !text.empty() && text.size() <= kMaxTokenBytes &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

SecretText form_body(std::span<const FormField> fields) {
  // Reserved in full, so that growing leaves no copy behind.
  std::size_t size = 0;
  for (const auto& [name, value] : fields) size += 2 + 3 * (name.size() + value.size());
  std::string out;
  out.reserve(size);
  for (const auto& [name, value] : fields) {
    if (!out.empty()) out += '&';
    append_encoded(out, name);
    out += '=';
    append_encoded(out, value);
  }
  return SecretText(std::move(out));
}

SecretText form_encoded(std::string_view text) {
  std::string out;
  out.reserve(3 * text.size());
  append_encoded(out, text);
  return SecretText(std::move(out));
}

bool is_request_parameter(std::string_view name, std::string_view value) {
  constexpr auto kOurs = std::to_array<std::string_view>(
      {"client_id", "client_host", "client_secret", "client_assertion", "client_assertion_type",
       "grant_type", "device_code", "refresh_token", "code", "code_verifier", "code_challenge",
       "code_challenge_method", "redirect_uri", "response_type", "state", "nonce", "request",
       "request_uri"});
  const bool is_name = !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  return is_name && std::ranges::find(kOurs, name) == kOurs.end() && !value.empty() &&
         value.size() <= 1024 &&
         std::ranges::all_of(value, [](char c) { return c >= 0x20 && c < 0x7f; });
}

bool is_scope_word(std::string_view text) {
  return !text.empty() && text.size() <= 256 && std::ranges::all_of(text, [](char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != '\\';
  });
}

bool scope_has(std::string_view scope, std::string_view word) {
  while (!scope.empty()) {
    const std::size_t blank = std::min(scope.find(' '), scope.size());
    if (blank > 0 && scope.substr(0, blank) == word) return true;
    scope.remove_prefix(std::min(blank + 1, scope.size()));
  }
  return false;
}

SecretText refresh_request(std::string_view client_id, const SecretText& refresh_token,
                           const RequestParameters& parameters) {
  std::vector<FormField> fields{{"grant_type", "refresh_token"},
                                {"refresh_token", refresh_token.reveal()},
                                {"client_id", client_id}};
  fields.insert(fields.end(), parameters.begin(), parameters.end());
  return form_body(fields);
}

SecretText revocation_request(std::string_view client_id, const SecretText& refresh_token) {
  return form_body({{"token", refresh_token.reveal()},
                    {"token_type_hint", "refresh_token"},
                    {"client_id", client_id}});
}

Result<TokenSet> parse_token_set(std::string_view body) {
  auto json = parse_json(body);
  if (!json) return std::unexpected(std::move(json).error().within("token answer"));
  const std::string* type = json->text("token_type");
  const auto is_type = [type](std::string_view wanted) {
    return type != nullptr && std::ranges::equal(*type, wanted, [](char a, char b) {
             return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b;
           });
  };
  const bool bound = is_type("dpop");
  if (!bound && !is_type("bearer"))
    return fail(ErrorCode::malformed, "token answer: the token type is neither Bearer nor DPoP");
  const std::string* access = json->text("access_token");
  if (access == nullptr || !is_token_text(*access))
    return fail(ErrorCode::malformed, "token answer: no access token");
  const Json* expires = json->find("expires_in");
  const std::int64_t* seconds = expires == nullptr ? nullptr : expires->integer();
  if (seconds == nullptr || *seconds <= 0 || *seconds > 366 * 86400) {
    return fail(ErrorCode::malformed, "token answer: no usable 'expires_in'");
  }
  TokenSet out{SecretText(*access), SecretText(), std::chrono::seconds(*seconds), bound};
  if (json->find("refresh_token") != nullptr) {
    const std::string* refresh = json->text("refresh_token");
    if (refresh == nullptr || !is_token_text(*refresh))
      return fail(ErrorCode::malformed, "token answer: bad refresh token");
    out.refresh_token = SecretText(*refresh);
  }
  return out;
}

Result<TokenSet> parse_refresh_answer(int status, std::string_view body) {
  if (status == 200) return parse_token_set(body);
  const std::string error = oauth_error(body);
  if ((status == 400 || status == 401) && !error.empty()) {
    return fail(ErrorCode::unauthenticated, "the login has ended", "run `hoopctl login`");
  }
  return fail(ErrorCode::upstream_refused,
              "the issuer answered " + std::to_string(status) + " to a token request",
              "try again; if it stays, run `hoopctl login`");
}

std::string oauth_error(std::string_view body) {
  const auto json = parse_json(body);
  const std::string* error = json ? json->text("error") : nullptr;
  return error == nullptr || error->size() > kMaxErrorNameBytes ? std::string() : *error;
}

Result<std::string> unverified_subject(const SecretText& access_token) {
  HOOP_TRY(const UnverifiedJws jws, parse_jws(access_token.reveal()));
  const std::string* subject = jws.claims.text("sub");
  if (subject == nullptr) return fail(ErrorCode::malformed, "access token: no 'sub'");
  return *subject;
}

}  // namespace hoop::identity
