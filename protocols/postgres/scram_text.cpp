// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/scram_text.h"

#include <algorithm>

#include "core/base/encoding.h"
#include "protocols/postgres/scram.h"

namespace hoop::postgres::detail {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

std::optional<std::string_view> ScramAttributes::take(char name) {
  if (rest_.size() < 2 || rest_[0] != name || rest_[1] != '=') return std::nullopt;
  const std::size_t comma = rest_.find(',');
  const std::string_view value =
      rest_.substr(2, comma == std::string_view::npos ? comma : comma - 2);
  // A comma at the very end would be an empty attribute: it stays and fails the next take.
  rest_ = comma == std::string_view::npos || comma + 1 == rest_.size()
              ? rest_.substr(2 + value.size())
              : rest_.substr(comma + 1);
  return value;
}

bool ScramAttributes::skip_extensions() {
  while (!rest_.empty()) {
    if (!is_letter(rest_[0]) || rest_[0] == 'm') return false;
    const auto value = take(rest_[0]);
    if (!value || value->empty()) return false;
  }
  return true;
}

bool is_scram_nonce(std::string_view text) {
  return !text.empty() && text.size() <= kMaxScramNonceBytes &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c > 0x20 && c < 0x7f && c != ','; });
}

std::optional<std::uint32_t> parse_scram_number(std::string_view text) {
  if (text.empty() || text.size() > 9 || text[0] == '0') return std::nullopt;
  std::uint32_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return number;
}

std::optional<crypto::Digest256> parse_scram_digest(std::string_view text) {
  const auto bytes = from_base64(text);
  crypto::Digest256 digest{};
  if (!bytes || bytes->size() != digest.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

std::string escape_scram_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ',') {
      out += "=2C";
    } else if (c == '=') {
      out += "=3D";
    } else {
      out += c;
    }
  }
  return out;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

crypto::Digest256 exclusive_or(const crypto::Digest256& a, const crypto::Digest256& b) {
  crypto::Digest256 out;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = a[i] ^ b[i];
  return out;
}

}  // namespace hoop::postgres::detail
