// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/private_key.h"

#include "core/base/encoding.h"
#include "protocols/ssh/public_key.h"
#include "protocols/ssh/wire.h"

namespace hoop::ssh {
namespace {

constexpr std::string_view kMagic{"openssh-key-v1\0", 15};
constexpr std::size_t kBlock = 8;         // of the cipher "none"
constexpr std::size_t kLineLetters = 70;  // as ssh-keygen writes it
constexpr std::size_t kRoom = 1024;       // more than a key has: growing would leave copies behind

}  // namespace

SecretText openssh_private_key(const crypto::Ed25519Key& key, Random& random) {
  const crypto::Ed25519PublicKey point = key.public_key();
  const SecretBytes seed = key.seed();
  Bytes secret;
  secret.reserve(kRoom);
  ByteWriter inner(secret);
  const Bytes check = random.bytes(4);  // twice: a wrong passphrase would show there
  inner.bytes(check);
  inner.bytes(check);
  write_string(inner, kEd25519);
  write_string(inner, ByteSpan(point));
  inner.u32(static_cast<std::uint32_t>(seed.reveal().size() + point.size()));
  inner.bytes(seed.reveal());
  inner.bytes(point);
  write_string(inner, std::string_view());  // comment
  for (std::uint8_t pad = 1; secret.size() % kBlock != 0; ++pad) inner.u8(pad);

  Bytes whole;
  whole.reserve(kRoom);
  ByteWriter writer(whole);
  writer.text(kMagic);
  write_string(writer, std::string_view("none"));  // cipher
  write_string(writer, std::string_view("none"));  // key derivation
  write_string(writer, std::string_view());
  writer.u32(1);
  write_string(writer, ByteSpan(public_key(point).blob));
  write_string(writer, ByteSpan(secret));
  wipe(secret.data(), secret.size());
  std::string base64 = to_base64(whole);
  wipe(whole.data(), whole.size());

  std::string pem;
  pem.reserve(kRoom);
  pem = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
  for (std::size_t at = 0; at < base64.size(); at += kLineLetters) {
    pem.append(base64, at, kLineLetters);
    pem += '\n';
  }
  pem += "-----END OPENSSH PRIVATE KEY-----\n";
  wipe(base64.data(), base64.size());
  return SecretText(std::move(pem));
}

}  // namespace hoop::ssh
