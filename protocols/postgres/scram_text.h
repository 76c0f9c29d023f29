// SPDX-License-Identifier: Apache-2.0
// The attribute syntax of SCRAM messages (RFC 5802 §5, §7): a=value, separated by commas.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/error.h"
#include "core/crypto/digest.h"

namespace hoop::postgres::detail {

/// Takes attributes off the front of a message, in order.
class ScramAttributes {
 public:
  explicit ScramAttributes(std::string_view text) : rest_(text) {}
  /// The value of the next attribute, which must be called name; may be empty. nullopt: it is
  /// another, or there is none.
  std::optional<std::string_view> take(char name);
  /// Skips extensions (a letter, '=', a value). False if what is left is not that, or holds 'm',
  /// the mandatory extension.
  bool skip_extensions();

 private:
  std::string_view rest_;
};

/// 1*(%x21-2B / %x2D-7E), at most kMaxScramNonceBytes.
bool is_scram_nonce(std::string_view text);
/// posit-number, at most nine digits, no sign, no leading zero.
std::optional<std::uint32_t> parse_scram_number(std::string_view text);
/// base64 of exactly 32 bytes.
std::optional<crypto::Digest256> parse_scram_digest(std::string_view text);
/// A user name with ',' and '=' written as =2C and =3D.
std::string escape_scram_name(std::string_view name);
bool is_ascii(std::string_view text);
crypto::Digest256 exclusive_or(const crypto::Digest256& a, const crypto::Digest256& b);

}  // namespace hoop::postgres::detail
