// SPDX-License-Identifier: Apache-2.0
// A certificate or a public key from anybody. The first byte says what the rest is: a certificate;
// one whose signature is made right, so that what it says is looked at; or the line of a key.
#include "protocols/ssh/certificate.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "protocols/ssh/wire.h"

namespace {

using namespace hoop;

/// What is read, written again, says the same.
void read_again(ByteSpan blob, const crypto::Ed25519Key& authority, Random& random) {
  const auto read = ssh::parse_certificate(blob);
  if (!read) return;
  const auto again = ssh::sign_certificate(read->key, read->terms, authority, random);
  if (!again) __builtin_trap();
  const auto reread = ssh::parse_certificate(*again);
  if (!reread || reread->terms != read->terms || reread->key != read->key) __builtin_trap();
}

class NoRandom : public Random {
 public:
  void fill(MutableByteSpan out) override {
    for (std::uint8_t& byte : out) byte = 7;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const crypto::Ed25519Key authority = crypto::Ed25519Key::generate();
  if (size == 0) return 0;
  NoRandom random;
  const ByteSpan rest(data + 1, size - 1);
  if (data[0] == 'k') {
    const auto key = ssh::parse_public_key(as_text(rest));
    if (key && ssh::parse_public_key(ssh::to_line(*key)) != *key) __builtin_trap();
    return 0;
  }
  if (data[0] != 's') {
    read_again(rest, authority, random);
    return 0;
  }
  Bytes blob(rest.begin(), rest.end());
  ByteWriter writer(blob);
  ssh::write_string(writer, ByteSpan(ssh::public_key(authority.public_key()).blob));
  Bytes signature;
  ByteWriter inner(signature);
  ssh::write_string(inner, ssh::kEd25519);
  ssh::write_string(inner, ByteSpan(authority.sign(blob)));
  ssh::write_string(writer, ByteSpan(signature));
  read_again(blob, authority, random);
  return 0;
}
