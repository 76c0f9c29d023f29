// SPDX-License-Identifier: Apache-2.0
// Tokens, key sets and every JSON document of the login: nothing crashes, and no token that we did
// not sign is accepted.
#include <cstdlib>

#include "core/base/encoding.h"
#include "core/identity/discovery.h"
#include "core/identity/jwk.h"
#include "core/identity/jwt.h"
#include "core/identity/token_verifier.h"

namespace {

class FixedClock final : public hoop::Clock {
 public:
  hoop::SystemTime system_now() const override {
    return hoop::SystemTime(std::chrono::seconds(1700000000));
  }
  hoop::SteadyTime steady_now() const override { return {}; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hoop;
  using namespace hoop::identity;
  static const crypto::P256Key key = crypto::P256Key::generate();
  static const FixedClock clock;
  static const KeySet keys{{{"1", key.public_key()}}};
  static const TokenVerifier verifier(
      {TrustedIssuer{
          "https://gw.example", "aud", keys, {{"hoopctl", access::IdentityKind::person}}}},
      clock);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (verifier.verify(text)) std::abort();
  if (const auto jws = parse_jws(text)) {
    // Strict base64url: only one spelling leads to these parts.
    if (jws->signing_input + "." + to_base64url(jws->signature) != text) std::abort();
  }
  if (const auto set = parse_jwks(text); set && parse_jwks(jwks_to_json(*set)).value() != *set)
    std::abort();
  if (const auto url = parse_https_url(text); url && !parse_https_url(url->origin() + url->path))
    std::abort();
  static_cast<void>(parse_gateway_document(text));
  static_cast<void>(parse_issuer_metadata(text, "https://gw.example"));

  // The claims behind a good signature: whatever they hold, an identity has a name and has not
  // expired.
  const std::string header = to_base64url(as_bytes(R"({"alg":"ES256","typ":"at+jwt","kid":"1"})"));
  const std::string input = header + "." + to_base64url(as_bytes(text));
  const auto identity = verifier.verify(input + "." + to_base64url(key.sign(as_bytes(input))));
  if (identity && (identity->subject.empty() ||
                   identity->expires_at + std::chrono::seconds(60) <= clock.system_now()))
    std::abort();
  return 0;
}
