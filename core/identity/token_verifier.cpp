// SPDX-License-Identifier: Apache-2.0
#include "core/identity/token_verifier.h"

#include <algorithm>

#include "core/identity/jwt.h"
#include "core/identity/token_request.h"

namespace hoop::identity {
namespace {

constexpr std::size_t kMaxNameBytes = 256;
constexpr std::size_t kMaxGroups = 256;
constexpr std::size_t kMaxAudiences = 16;
// 9999-12-31: what RFC 3339 can say; keeps the arithmetic far from overflow.
constexpr std::int64_t kMaxNumericDate = 253402300799;

std::unexpected<Error> refuse(std::string message) {
  return fail(ErrorCode::unauthenticated, "access token: " + std::move(message));
}

Result<SystemTime> required_time(const Json& claims, std::string_view name) {
  const Json* member = claims.find(name);
  const std::int64_t* seconds = member == nullptr ? nullptr : member->integer();
  if (seconds == nullptr || *seconds < 0 || *seconds > kMaxNumericDate) {
    return refuse("'" + std::string(name) + "' is missing or not a time");
  }
  return SystemTime(std::chrono::seconds(*seconds));
}

/// A name that can stand in a log line and a policy: printable as far as ASCII goes.
bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= kMaxNameBytes && std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

Result<std::string> required_name(const Json& claims, std::string_view name) {
  const std::string* text = claims.text(name);
  if (text == nullptr || !is_name(*text))
    return refuse("'" + std::string(name) + "' is missing or not a name");
  return *text;
}

Result<void> check_audience(const Json& claims, const std::string& wanted) {
  const Json* audience = claims.find("aud");
  if (audience != nullptr && audience->text() != nullptr && *audience->text() == wanted) return {};
  const Json::Array* list = audience == nullptr ? nullptr : audience->array();
  if (list == nullptr || list->size() > kMaxAudiences) return refuse("not meant for this gateway");
  bool found = false;
  for (const Json& entry : *list) {
    if (entry.text() == nullptr) return refuse("'aud' holds what is not text");
    found = found || *entry.text() == wanted;
  }
  if (!found) return refuse("not meant for this gateway");
  return {};
}

struct Times {
  SystemTime issued;
  SystemTime expires;
};

std::chrono::seconds leeway_of(const TrustedIssuer& issuer) {
  return std::min(issuer.leeway, std::chrono::seconds(60));
}

Result<Times> check_times(const Json& claims, const TrustedIssuer& issuer, SystemTime now) {
  const auto leeway = leeway_of(issuer);
  HOOP_TRY(const SystemTime expires, required_time(claims, "exp"));
  HOOP_TRY(const SystemTime issued, required_time(claims, "iat"));
  if (claims.find("nbf") != nullptr) {
    HOOP_TRY(const SystemTime not_before, required_time(claims, "nbf"));
    if (not_before > now + leeway) return refuse("not valid yet");
  }
  if (issued > now + leeway) return refuse("issued in the future");
  if (expires <= issued) return refuse("expires before it was issued");
  if (expires - issued > issuer.max_life) return refuse("lives too long");
  if (expires + leeway <= now) return refuse("expired");
  return Times{issued, expires};
}

/// RFC 9068 §2.2.1. None where the token does not say.
Result<SystemTime> read_sign_in(const Json& claims, const TrustedIssuer& issuer, SystemTime now) {
  if (claims.find("auth_time") == nullptr) return SystemTime();
  HOOP_TRY(const SystemTime signed_in, required_time(claims, "auth_time"));
  if (signed_in > now + leeway_of(issuer)) return refuse("signed in in the future");
  return signed_in;
}

/// A text (RFC 9068 §2.2.3), or an array, as others write it.
Result<bool> read_scope(const Json& claims, std::string_view name, std::string_view wanted) {
  const Json* member = claims.find(name);
  if (member == nullptr) return false;
  if (const std::string* text = member->text()) return scope_has(*text, wanted);
  const auto refuse_it = [name] { return refuse("'" + std::string(name) + "' is not a scope"); };
  if (member->array() == nullptr) return refuse_it();
  bool found = false;
  for (const Json& word : *member->array()) {
    if (word.text() == nullptr) return refuse_it();
    found = found || *word.text() == wanted;
  }
  return found;
}

Result<bool> is_for_approving(const Json& claims, const TrustedIssuer& issuer) {
  HOOP_TRY(const bool in_scope, read_scope(claims, "scope", issuer.approving_scope));
  HOOP_TRY(const bool in_scp, read_scope(claims, "scp", issuer.approving_scope));
  return in_scope || in_scp;
}

/// The member of that name, which may itself hold dots; else the path.
const Json* find_claim(const Json& claims, std::string_view path) {
  if (const Json* member = claims.find(path)) return member;
  const std::size_t dot = path.find('.');
  const Json* outer = dot == path.npos ? nullptr : claims.find(path.substr(0, dot));
  if (outer == nullptr || outer->object() == nullptr) return nullptr;
  return find_claim(*outer, path.substr(dot + 1));
}

Result<std::vector<std::string>> read_groups(const Json& claims, const TrustedIssuer& issuer) {
  const Json* member = find_claim(claims, issuer.groups_claim);
  if (member == nullptr) return std::vector<std::string>();
  const auto context = "'" + issuer.groups_claim + "' ";
  if (member->array() == nullptr || member->array()->size() > kMaxGroups)
    return refuse(context + "is not a short array");
  std::vector<std::string> out;
  for (const Json& group : *member->array()) {
    if (group.text() == nullptr || !is_name(*group.text()))
      return refuse(context + "holds what is not a name");
    const auto named = issuer.group_names.find(*group.text());
    out.push_back(named == issuer.group_names.end() ? *group.text() : named->second);
  }
  return out;
}

Result<std::string> read_subject(const Json& claims, const TrustedIssuer& issuer) {
  HOOP_TRY(const std::string subject, required_name(claims, issuer.subject_claim));
  const Json* verified = claims.find("email_verified");
  const bool denied =
      verified != nullptr && (verified->boolean() == nullptr || !*verified->boolean());
  if (issuer.subject_claim == "email" && denied) return refuse("'email' is not verified");
  return subject;
}

/// Bound to a key that its holder must prove (RFC 7800, RFC 9449 §6): as a bearer token it is
/// stolen.
Result<void> check_binding(const Json& claims, std::string_view proven) {
  const Json* confirmation = claims.find("cnf");
  if (confirmation == nullptr) {
    if (!proven.empty()) return refuse("bound to no key, and sent as if it were");
    return {};
  }
  const std::string* key = confirmation->object() == nullptr ? nullptr : confirmation->text("jkt");
  if (key == nullptr || confirmation->object()->size() != 1)
    return refuse("bound to a key in a way that is not supported");
  if (proven.empty()) return refuse("bound to a key that was not proven");
  if (*key != proven) return refuse("bound to another key");
  return {};
}

}  // namespace

Result<access::Identity> TokenVerifier::verify(std::string_view access_token,
                                               std::string_view proven) const {
  auto jws = parse_jws(access_token);
  if (!jws) return fail(ErrorCode::unauthenticated, "access " + jws.error().message);
  // RFC 9068 §4: an ID token is signed by the same key and is not a credential for an API.
  if (jws->typ != "at+jwt" && jws->typ != "application/at+jwt")
    return refuse("the type is not 'at+jwt'");
  const Json& claims = jws->claims;
  const std::string* name = claims.text("iss");
  const auto issuer =
      name == nullptr ? issuers_.end() : std::ranges::find(issuers_, *name, &TrustedIssuer::issuer);
  if (issuer == issuers_.end()) return refuse("not from a trusted issuer");
  const auto signature = verify_signature(*jws, issuer->keys);
  if (!signature) return fail(ErrorCode::unauthenticated, "access " + signature.error().message);

  HOOP_CHECK(check_audience(claims, issuer->audience));
  access::Identity identity;
  const SystemTime now = clock_.system_now();
  HOOP_TRY(const Times times, check_times(claims, *issuer, now));
  identity.issued_at = times.issued;
  identity.expires_at = times.expires;
  HOOP_TRY(identity.signed_in_at, read_sign_in(claims, *issuer, now));
  HOOP_CHECK(check_binding(claims, proven));
  HOOP_TRY(const std::string client, required_name(claims, "client_id"));
  const auto kind = issuer->clients.find(client);
  if (kind == issuer->clients.end()) return refuse("obtained by a client that is not accepted");
  identity.kind = kind->second;
  HOOP_CHECK(required_name(claims, "jti"));
  HOOP_CHECK(required_name(claims, "sub"));
  HOOP_TRY(identity.subject, read_subject(claims, *issuer));
  HOOP_TRY(identity.groups, read_groups(claims, *issuer));
  HOOP_TRY(identity.is_for_approving, is_for_approving(claims, *issuer));
  return identity;
}

}  // namespace hoop::identity
