// SPDX-License-Identifier: Apache-2.0
#include "core/identity/workload_token.h"

#include <algorithm>
#include <array>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"

namespace hoop::identity {
namespace {

constexpr std::chrono::seconds kLeeway{60};
// GitLab's live as long as a job may run.
constexpr std::chrono::seconds kLongestJobToken{24 * 3600};
constexpr std::int64_t kMostSeconds = 253402300799;  // 9999-12-31
constexpr std::size_t kMostSubject = 200;
constexpr std::string_view kGitHub = "https://token.actions.githubusercontent.com";

std::unexpected<Error> no_workload(std::string message) {
  return fail(ErrorCode::unauthenticated, "token of a job: " + std::move(message));
}

/// A job of the platform, and not one of these.
std::unexpected<Error> other_job(std::string message) {
  return fail(ErrorCode::denied, "token of a job: " + std::move(message));
}

Result<SystemTime> time_claim(const Json& claims, std::string_view name) {
  const Json* member = claims.find(name);
  const std::int64_t* seconds = member == nullptr ? nullptr : member->integer();
  if (seconds == nullptr || *seconds < 0 || *seconds > kMostSeconds)
    return no_workload("'" + std::string(name) + "' is missing or not a time");
  return SystemTime(std::chrono::seconds(*seconds));
}

/// As text: platforms write numbers and truths as either.
std::string text_of(const Json& value) {
  if (value.text() != nullptr) return *value.text();
  if (value.integer() != nullptr) return std::to_string(*value.integer());
  if (value.boolean() != nullptr) return *value.boolean() ? "true" : "false";
  return {};
}

bool holds_text(const Json& list, std::string_view wanted) {
  if (list.text() != nullptr) return *list.text() == wanted;
  return list.array() != nullptr && std::ranges::any_of(*list.array(), [&](const Json& entry) {
           return entry.text() != nullptr && *entry.text() == wanted;
         });
}

bool asks(const WorkloadTerms& terms, std::string_view claim) {
  return terms.claims.contains(std::string(claim));
}

template <std::size_t N>
bool asks_one_of(const WorkloadTerms& terms, const std::array<std::string_view, N>& claims) {
  return std::ranges::any_of(claims, [&](std::string_view claim) { return asks(terms, claim); });
}

Result<void> check_claims(const Json& claims, const WorkloadTerms& terms) {
  for (const auto& [name, values] : terms.claims) {
    const Json* member = claims.find(name);
    const std::string value = member == nullptr ? std::string() : text_of(*member);
    if (value.empty() || std::ranges::find(values, value) == values.end())
      return other_job("'" + name + "' is not what the workload wants");
  }
  // What runs for a pull request is written by whoever has opened it.
  const std::string* event = claims.text("event_name");
  if (terms.issuer.starts_with(kGitHub) && !asks(terms, "event_name") &&
      (event == nullptr || event->starts_with("pull_request")))
    return other_job("it is of a pull request, or does not say what started the job");
  return {};
}

}  // namespace

std::string too_wide(const WorkloadTerms& terms) {
  constexpr std::array<std::string_view, 3> kGitHubIds{"repository_id", "repository_owner_id",
                                                       "enterprise_id"};
  constexpr std::array<std::string_view, 2> kGitLabIds{"project_id", "namespace_id"};
  if (terms.claims.empty())
    return "without claims everybody for whom the issuer signs would be let in";
  if (terms.issuer.starts_with(kGitHub) && !asks_one_of(terms, kGitHubIds))
    return "a name can change hands: ask for repository_id or repository_owner_id";
  // A GitLab of one's own has the same claims; what is asked for by path can be renamed.
  const bool by_path = asks(terms, "project_path") || asks(terms, "namespace_path");
  if ((terms.issuer == "https://gitlab.com" || by_path) && !asks_one_of(terms, kGitLabIds))
    return "a path can change hands: ask for project_id or namespace_id";
  return {};
}

Result<WorkloadClaims> verify_workload_token(const UnverifiedJws& token, const KeySet& keys,
                                             const WorkloadTerms& terms, SystemTime now) {
  // Kubernetes writes no type. What is an access token for somebody is not a job's description.
  if (!token.typ.empty() && token.typ != "JWT" && token.typ != "jwt")
    return no_workload("its type is not 'JWT'");
  if (const auto signature = verify_signature(token, keys); !signature)
    return no_workload(signature.error().message);
  const Json& claims = token.claims;
  const std::string* issuer = claims.text("iss");
  if (issuer == nullptr || *issuer != terms.issuer) return no_workload("from another issuer");
  const Json* audience = claims.find("aud");
  if (audience == nullptr || !holds_text(*audience, terms.audience))
    return no_workload("not meant for this gateway: ask the platform for the audience " +
                       terms.audience);
  HOOP_TRY(const SystemTime expires, time_claim(claims, "exp"));
  HOOP_TRY(const SystemTime issued, time_claim(claims, "iat"));
  if (claims.find("nbf") != nullptr) {
    HOOP_TRY(const SystemTime not_before, time_claim(claims, "nbf"));
    if (not_before > now + kLeeway) return no_workload("not valid yet");
  }
  if (issued > now + kLeeway) return no_workload("issued in the future");
  if (expires <= issued || expires - issued > kLongestJobToken)
    return no_workload("lives too long");
  if (expires + kLeeway <= now) return no_workload("expired");
  HOOP_CHECK(check_claims(claims, terms));
  const std::string* subject = claims.text("sub");
  if (subject == nullptr || subject->empty() || subject->size() > kMostSubject ||
      std::ranges::any_of(*subject,
                          [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
    return no_workload("'sub' is missing or not a name");
  const std::string* id = claims.text("jti");
  WorkloadClaims out;
  out.subject = terms.name + ":" + *subject;
  // A platform that gives none: what is signed, in which nobody can change anything.
  out.id = id != nullptr && !id->empty()
               ? *id
               : to_base64url(crypto::sha256(as_bytes(token.signing_input)));
  if (out.id.size() > 256) return no_workload("'jti' is too long");
  out.expires_at = expires;
  return out;
}

}  // namespace hoop::identity
