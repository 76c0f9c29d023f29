// SPDX-License-Identifier: Apache-2.0
// A proof of possession from anybody. The first byte says what the rest is: the whole of it, or the
// header or the claims of one that is signed as it must be.
#include "core/identity/dpop.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/encoding.h"

namespace {

constexpr std::string_view kHeader =
    R"({"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":")";

std::string header_of(const hoop::crypto::P256Key& key) {
  return std::string(kHeader) + hoop::to_base64url(key.public_key().x) + R"(","y":")" +
         hoop::to_base64url(key.public_key().y) + "\"}}";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hoop;
  static const crypto::P256Key key = crypto::P256Key::generate();
  static const std::string header = header_of(key);
  if (size == 0) return 0;
  const std::string rest(reinterpret_cast<const char*>(data + 1), size - 1);
  std::string proof = rest;
  if (data[0] == 'h' || data[0] == 'c') {
    const std::string_view claims = data[0] == 'c' ? std::string_view(rest) : R"({"jti":"1"})";
    proof = to_base64url(as_bytes(data[0] == 'h' ? rest : header)) + "." +
            to_base64url(as_bytes(claims));
    const std::string signature = to_base64url(key.sign(as_bytes(proof)));
    proof += "." + signature;
  }
  const auto read =
      identity::verify_proof(proof, {"POST", "https://gw.example:8443/v1/grants", "token"});
  if (read && (read->id.empty() || read->thumbprint.size() != 43)) __builtin_trap();
  return 0;
}
