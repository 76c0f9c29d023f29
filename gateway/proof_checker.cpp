// SPDX-License-Identifier: Apache-2.0
#include "gateway/proof_checker.h"

#include "core/base/encoding.h"
#include "core/crypto/digest.h"

namespace hoop::gateway {
namespace {

constexpr std::chrono::seconds kClockOff{60};
// A nonce is of a minute, and good in the four after it.
constexpr std::int64_t kNonceMinutes = 4;
// Longer than a proof can be good: at most two minutes by its clock, five by its nonce.
constexpr std::chrono::minutes kHalf{6};
// Of a half, some ten megabytes. Who has a login can make more; ids are forgotten sooner then, and
// what that could be good for is a second use of a proof, by who has stolen it.
constexpr std::size_t kMostUsed = 250'000;

}  // namespace

ProofChecker::ProofChecker(std::string base_url, const SecretBytes& secret, const Clock& clock)
    : base_url_(std::move(base_url)), clock_(clock), turned_at_(clock.steady_now()) {
  const auto key = crypto::hmac_sha256(secret.reveal(), as_bytes("dpop nonce"));
  nonce_key_.assign(key.begin(), key.end());
}

std::string ProofChecker::nonce_of(std::int64_t minute) const {
  const auto mac = crypto::hmac_sha256(nonce_key_, as_bytes(std::to_string(minute)));
  return to_base64url(ByteSpan(mac).first(16));
}

std::string ProofChecker::nonce() const {
  return nonce_of(
      std::chrono::floor<std::chrono::minutes>(clock_.system_now()).time_since_epoch().count());
}

bool ProofChecker::is_fresh(const identity::Proof& proof) const {
  const SystemTime now = clock_.system_now();
  if (proof.nonce.empty())
    return proof.issued_at >= now - kClockOff && proof.issued_at <= now + kClockOff;
  const std::int64_t minute =
      std::chrono::floor<std::chrono::minutes>(now).time_since_epoch().count();
  for (std::int64_t back = 0; back <= kNonceMinutes; ++back)
    if (proof.nonce == nonce_of(minute - back)) return true;
  return false;
}

bool ProofChecker::use(const identity::Proof& proof) {
  if (clock_.steady_now() - turned_at_ >= kHalf || used_.size() >= kMostUsed) {
    used_before_ = std::exchange(used_, {});
    turned_at_ = clock_.steady_now();
  }
  const auto digest = crypto::sha256(as_bytes(proof.thumbprint + " " + proof.id));
  std::uint64_t id = 0;
  for (std::size_t i = 0; i < 8; ++i) id = id << 8 | digest[i];
  return !used_before_.contains(id) && used_.insert(id).second;
}

Result<identity::Proof> ProofChecker::check(const http::Request& request,
                                            std::string_view access_token) const {
  const auto field = request.headers.only("DPoP");
  if (!field) return fail(ErrorCode::unauthenticated, "proof of possession: there is none");
  // By our own name, or by the one that the client has for us, which its TLS has checked (behind a
  // proxy the field may name something else): a token for us that was sent to somebody else, with a
  // proof for them, does not come from a client of ours.
  const std::string path(request.path());
  const std::string url = base_url_ + path;
  auto proof = identity::verify_proof(*field, {request.method, url, access_token});
  const auto host = request.headers.only("Host");
  if (!proof && host) {
    const std::string by_host = "https://" + std::string(*host) + path;
    proof = identity::verify_proof(*field, {request.method, by_host, access_token});
  }
  if (!proof) return std::unexpected(std::move(proof).error());
  if (!is_fresh(*proof)) return fail(ErrorCode::timeout, "proof of possession: not fresh");
  return proof;
}

}  // namespace hoop::gateway
