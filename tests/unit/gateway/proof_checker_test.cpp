// SPDX-License-Identifier: Apache-2.0
#include "gateway/proof_checker.h"

#include "core/crypto/digest.h"
#include "core/identity/jwk.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

using namespace hoop;
using namespace hoop::gateway;

namespace {

struct CheckerFixture {
  test::FakeClock clock;
  crypto::SystemRandom random;
  crypto::P256Key key = crypto::P256Key::generate();
  SecretBytes secret{Bytes(32, 5)};
  ProofChecker checker{"https://public.example", secret, clock};

  std::string proof(std::chrono::seconds clock_off = std::chrono::seconds(0),
                    std::string_view nonce = {}) {
    return identity::make_proof(key, {"GET", "https://gw.example:8443/v1/whoami", "token"}, nonce,
                                clock.system_now() + clock_off, random);
  }
  std::string checked(const std::string& proof) {
    http::Request request;
    request.method = "GET";
    request.target = "/v1/whoami?x=1";
    request.headers.set("Host", "gw.example:8443");
    if (!proof.empty()) request.headers.set("DPoP", proof);
    auto done = checker.check(request, "token");
    if (!done) return done.error().message;
    return checker.use(*done) ? done->thumbprint : "proof of possession: it was used before";
  }
};

}  // namespace

TEST_CASE("proofs: one is taken once, while it is fresh") {
  CheckerFixture f;
  const std::string thumbprint = identity::thumbprint(f.key.public_key());
  const std::string proof = f.proof();
  CHECK(f.checked(proof) == thumbprint);
  CHECK(f.checked(proof) == "proof of possession: it was used before");
  CHECK(f.checked("") == "proof of possession: there is none");
  CHECK(f.checked(f.proof(std::chrono::seconds(50))) == thumbprint);
  CHECK(f.checked(f.proof(std::chrono::seconds(-50))) == thumbprint);
  CHECK(f.checked(f.proof(std::chrono::seconds(90))) == "proof of possession: not fresh");
  CHECK(f.checked(f.proof(std::chrono::seconds(-90))) == "proof of possession: not fresh");
}

TEST_CASE("proofs: with the gateway's nonce the sender's clock does not count") {
  CheckerFixture f;
  const std::string nonce = f.checker.nonce();
  CHECK(f.checked(f.proof(std::chrono::hours(-9), nonce)).starts_with("proof") == false);
  CHECK(f.checked(f.proof(std::chrono::seconds(0), "another")) == "proof of possession: not fresh");
  // Also to a gateway that was started again, and not to one that has another secret.
  ProofChecker again("https://public.example", f.secret, f.clock),
      other("https://public.example", SecretBytes(Bytes(32, 6)), f.clock);
  CHECK(again.nonce() == nonce);
  CHECK(other.nonce() != nonce);
  f.clock.advance(std::chrono::minutes(3));
  CHECK(f.checked(f.proof(std::chrono::hours(9), nonce)).starts_with("proof") == false);
  f.clock.advance(std::chrono::minutes(3));
  CHECK(f.checked(f.proof(std::chrono::hours(9), nonce)) == "proof of possession: not fresh");
}

TEST_CASE("proofs: behind a proxy the gateway's own name counts") {
  CheckerFixture f;
  const auto by_name = [&f](const std::string& url) {
    return f.checked(
        identity::make_proof(f.key, {"GET", url, "token"}, {}, f.clock.system_now(), f.random));
  };
  CHECK_FALSE(by_name("https://public.example/v1/whoami").starts_with("proof"));
  CHECK(by_name("https://another.example/v1/whoami") ==
        "proof of possession: it is for another URL");
  CHECK(by_name("http://public.example/v1/whoami") == "proof of possession: it is for another URL");
}

TEST_CASE("proofs: one that may still be fresh is not forgotten") {
  CheckerFixture f;
  const std::string nonce = f.checker.nonce();
  // Just before the ids turn over.
  f.clock.advance(std::chrono::minutes(4));
  const std::string proof = f.proof(std::chrono::seconds(0), nonce);
  CHECK(f.checked(proof).starts_with("proof") == false);
  for (int i = 0; i < 60; ++i) {
    f.clock.advance(std::chrono::seconds(10));
    const std::string again = f.checked(proof);
    CHECK((again == "proof of possession: it was used before" ||
           again == "proof of possession: not fresh"));
    CHECK(f.checked(f.proof()).starts_with("proof") == false);
  }
}
