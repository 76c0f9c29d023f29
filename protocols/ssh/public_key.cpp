// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/public_key.h"

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "protocols/ssh/wire.h"

namespace hoop::ssh {
namespace {

constexpr std::size_t kMaxLine = std::size_t{16} << 10;  // an RSA key of 16,384 bits has 2.8 KiB
constexpr std::string_view kFingerprintBegin = "SHA256:";
constexpr std::size_t kFingerprintLetters = 43;  // 32 bytes in base64, without '='

std::string_view next_word(std::string_view& rest) {
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
  std::size_t end = 0;
  while (end < rest.size() && rest[end] != ' ' && rest[end] != '\t' && rest[end] != '\r' &&
         rest[end] != '\n')
    ++end;
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

std::unexpected<Error> no_key(std::string why) {
  return fail(ErrorCode::malformed, "SSH public key: " + std::move(why));
}

}  // namespace

PublicKey public_key(const crypto::Ed25519PublicKey& key) {
  PublicKey out;
  out.type = kEd25519;
  ByteWriter writer(out.blob);
  write_string(writer, kEd25519);
  write_string(writer, ByteSpan(key));
  return out;
}

Result<PublicKey> parse_public_key(std::string_view line) {
  if (line.size() > kMaxLine) return no_key("it is longer than 16 KiB");
  PublicKey out;
  out.type = next_word(line);
  const std::string_view encoded = next_word(line);
  if (out.type.empty() || encoded.empty()) return no_key("it is not written as TYPE BASE64");
  if (out.type.find("-cert-v0") != std::string::npos)
    return fail(ErrorCode::denied, "a certificate stands where a public key must");
  auto blob = from_base64(encoded);
  if (!blob) return no_key("its second word is no base64");
  out.blob = std::move(*blob);
  ByteReader reader(out.blob);
  const auto type = read_string(reader);
  // A certificate could call itself a key on the outside.
  if (!type || as_text(*type) != out.type) return no_key("it is of another type than it says");
  if (reader.empty()) return no_key("nothing follows its type");
  if (out.type == kEd25519) {
    const auto point = read_string(reader);
    if (!point || point->size() != 32 || !reader.empty())
      return no_key("an Ed25519 key has 32 bytes");
  }
  return out;
}

std::string to_line(const PublicKey& key, std::string_view comment) {
  std::string out = key.type + " " + to_base64(key.blob);
  if (!comment.empty()) out.append(" ").append(comment);
  return out;
}

std::string fingerprint(const PublicKey& key) {
  std::string encoded = to_base64(crypto::sha256(key.blob));
  encoded.resize(kFingerprintLetters);
  return std::string(kFingerprintBegin) + encoded;
}

bool is_fingerprint(std::string_view text) {
  if (!text.starts_with(kFingerprintBegin)) return false;
  text.remove_prefix(kFingerprintBegin.size());
  // Not every last letter is one that 32 bytes can end in.
  const auto bytes = from_base64(std::string(text) + "=");
  return text.size() == kFingerprintLetters && bytes && bytes->size() == 32;
}

}  // namespace hoop::ssh
