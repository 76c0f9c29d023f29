// SPDX-License-Identifier: Apache-2.0
#include "core/identity/workload_token.h"

#include <functional>

#include <fmt/format.h>

#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::identity;

namespace {

constexpr std::int64_t kNow = 1'800'000'000;
constexpr const char* kGitHub = "https://token.actions.githubusercontent.com";

WorkloadTerms terms_of(std::string issuer) {
  WorkloadTerms out;
  out.name = "deploy";
  out.issuer = std::move(issuer);
  out.audience = "https://gw.example";
  out.claims = {{"repository_id", {"4711"}}};
  out.groups = {"ci"};
  return out;
}

struct Signer {
  crypto::P256Key key = crypto::P256Key::generate();
  Result<WorkloadClaims> check(const WorkloadTerms& terms, std::string_view claims,
                               std::string_view typ = "JWT") const {
    const auto jws = parse_jws(sign_jws(key, typ, claims));
    REQUIRE(jws);
    return verify_workload_token(*jws, KeySet{{verification_key(key)}}, terms,
                                 SystemTime(std::chrono::seconds(kNow)));
  }
};

std::string job(std::string_view more, std::string_view issuer = kGitHub) {
  return fmt::format(
      R"({{"iss":"{}","aud":"https://gw.example","sub":"repo:octo/shop","iat":{},"exp":{},)"
      R"("repository_id":"4711"{}}})",
      issuer, kNow - 10, kNow + 290, more);
}

}  // namespace

TEST_CASE("a job's token gives a name of ours and what to know it by again") {
  const Signer signer;
  const auto claims = signer.check(terms_of(kGitHub), job(R"(,"event_name":"push","jti":"job-1")"));
  REQUIRE(claims);
  CHECK(claims->subject == "deploy:repo:octo/shop");
  CHECK(claims->id == "job-1");
  CHECK(claims->expires_at == SystemTime(std::chrono::seconds(kNow + 290)));
  // Environments of GitHub have names with blanks.
  const auto spaced = signer.check(
      terms_of(kGitHub),
      fmt::format(R"({{"iss":"{}","aud":"https://gw.example","sub":"repo:o/s:environment:Prod EU",)"
                  R"("iat":{},"exp":{},"repository_id":"4711","event_name":"push"}})",
                  kGitHub, kNow, kNow + 60));
  REQUIRE(spaced);
  CHECK(spaced->subject == "deploy:repo:o/s:environment:Prod EU");
  // Without a jti it is known by what is signed.
  const auto first = signer.check(terms_of(kGitHub), job(R"(,"event_name":"push")"));
  const auto again = signer.check(terms_of(kGitHub), job(R"(,"event_name":"push")"));
  const auto other = signer.check(terms_of(kGitHub), job(R"(,"event_name":"push","run_id":"2")"));
  REQUIRE((first && again && other));
  CHECK(first->id == again->id);
  CHECK(first->id != other->id);
}

TEST_CASE("GitHub's jobs for pull requests are let in only where that is said") {
  const Signer signer;
  const auto code = [&](std::string_view event, const WorkloadTerms& terms) {
    const auto claims = signer.check(terms, job(event));
    return claims ? "let in" : claims.error().code == ErrorCode::denied ? "another job" : "refused";
  };
  WorkloadTerms terms = terms_of(kGitHub);
  CHECK(code(R"(,"event_name":"push")", terms) == std::string("let in"));
  CHECK(code(R"(,"event_name":"pull_request")", terms) == std::string("another job"));
  CHECK(code(R"(,"event_name":"pull_request_target")", terms) == std::string("another job"));
  CHECK(code("", terms) == std::string("another job"));
  terms.claims["event_name"] = {"pull_request"};
  CHECK(code(R"(,"event_name":"pull_request")", terms) == std::string("let in"));
  CHECK(code(R"(,"event_name":"push")", terms) == std::string("another job"));
}

TEST_CASE("claims are compared as text, and lists are not what a single value is asked for") {
  const Signer signer;
  const std::string issuer = "https://ci.example";
  WorkloadTerms terms = terms_of(issuer);
  terms.claims = {{"project_id", {"42"}}, {"protected", {"true"}}};
  const auto passes = [&](std::string_view more) {
    return signer.check(terms, job(more, issuer)).has_value();
  };
  CHECK(passes(R"(,"project_id":"42","protected":"true")"));
  CHECK(passes(R"(,"project_id":42,"protected":true)"));
  CHECK_FALSE(passes(R"(,"project_id":42.0,"protected":true)"));
  CHECK_FALSE(passes(R"(,"project_id":["42"],"protected":true)"));
  CHECK_FALSE(passes(R"(,"project_id":42)"));
  CHECK_FALSE(passes(R"(,"project_id":null,"protected":true)"));
}

TEST_CASE("a token that is none of a job, or no longer one, is refused") {
  const Signer signer;
  const std::string issuer = "https://ci.example";
  const WorkloadTerms terms = terms_of(issuer);
  const auto why = [&](const std::string& claims, std::string_view typ = "JWT") {
    const auto checked = signer.check(terms, claims, typ);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == ErrorCode::unauthenticated);
    return checked.error().message;
  };
  const auto has = [](const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(has(why(job("", issuer), "at+jwt"), "type"));
  CHECK(has(why(job("", "https://other.example")), "another issuer"));
  const auto timed = [&](std::int64_t issued, std::int64_t expires) {
    return fmt::format(
        R"({{"iss":"{}","aud":["x","https://gw.example"],"sub":"s","iat":{},"exp":{},)"
        R"("repository_id":"4711"}})",
        issuer, issued, expires);
  };
  CHECK(signer.check(terms, timed(kNow, kNow + 300)));
  CHECK(has(why(timed(kNow - 400, kNow - 60)), "expired"));
  CHECK(has(why(timed(kNow + 61, kNow + 300)), "future"));
  CHECK(has(why(timed(kNow, kNow)), "too long"));
  CHECK(has(why(timed(kNow, kNow + 86401)), "too long"));
  CHECK(has(why(timed(-1, kNow + 10)), "'iat'"));
  // Another key, and one of the same name.
  const Signer stranger;
  const auto jws = parse_jws(sign_jws(stranger.key, "JWT", timed(kNow, kNow + 300)));
  REQUIRE(jws);
  const SystemTime now{std::chrono::seconds(kNow)};
  CHECK_FALSE(verify_workload_token(*jws, KeySet{{verification_key(signer.key)}}, terms, now));
  VerificationKey same_name = verification_key(signer.key);
  same_name.kid = verification_key(stranger.key).kid;
  CHECK_FALSE(verify_workload_token(*jws, KeySet{{same_name}}, terms, now));
}

TEST_CASE("a workload must ask for what cannot change hands") {
  const auto wide = [](const char* issuer, std::map<std::string, std::vector<std::string>> claims) {
    WorkloadTerms terms = terms_of(issuer);
    terms.claims = std::move(claims);
    return !too_wide(terms).empty();
  };
  CHECK(wide("https://ci.example", {}));
  CHECK_FALSE(wide("https://ci.example", {{"sub", {"system:serviceaccount:ci:deploy"}}}));
  CHECK(wide(kGitHub, {{"repository", {"octo/shop"}}}));
  CHECK(wide("https://token.actions.githubusercontent.com/octo", {{"ref", {"refs/heads/main"}}}));
  CHECK_FALSE(wide(kGitHub, {{"repository_owner_id", {"1"}}}));
  CHECK(wide("https://gitlab.com", {{"ref", {"main"}}}));
  CHECK(wide("https://git.example", {{"project_path", {"octo/shop"}}}));
  CHECK_FALSE(
      wide("https://git.example", {{"project_path", {"octo/shop"}}, {"project_id", {"42"}}}));
}
