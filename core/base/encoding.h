// SPDX-License-Identifier: Apache-2.0
// base64url (RFC 4648 §5, no padding, as JOSE wants it), base64 and hex, strict in both directions;
// JSON string quoting.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"

namespace hoop {

std::string to_base64url(ByteSpan bytes);
/// Strict: no padding, no white space, no other alphabet, trailing bits zero. nullopt otherwise.
std::optional<Bytes> from_base64url(std::string_view text);
std::string to_base64(ByteSpan bytes);
/// Strict: padded, canonical. nullopt otherwise.
std::optional<Bytes> from_base64(std::string_view text);
std::string to_hex(ByteSpan bytes);
std::optional<Bytes> from_hex(std::string_view text);

/// Appends text as a JSON string with quotes. Bytes that are not UTF-8 become U+FFFD, so the result
/// is always JSON.
void append_json_string(std::string& out, std::string_view text);
bool is_utf8(std::string_view text);
/// For a terminal: C0, C1, DEL, bidirectional controls, zero-width and tag characters become \u
/// escapes; newline and tab stay only with Lines::keep. Length is cut at max_bytes with a mark that
/// says how much is missing.
enum class Lines { keep, escape };
std::string neutralise(std::string_view text, std::size_t max_bytes, Lines lines);

}  // namespace hoop
