// SPDX-License-Identifier: Apache-2.0
// The grammar of field lines and of what bounds a body (RFC 9110 §5, RFC 9112 §5 and §6), stricter
// where readers differ.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/http/message.h"

namespace hoop::http {

bool is_token(std::string_view text);
/// No control but tab, no CR, LF or NUL; bytes above 0x7f are kept as they are (obs-text).
bool is_field_value(std::string_view text);

/// "Name: value" without its CRLF. Fails with malformed for a blank before the colon or before the
/// name (obs-fold), no colon, a name that is no token, a control in the value.
Result<Header> parse_field_line(std::string_view line);

/// How the end of a body is known.
struct Framing {
  enum class Kind { none, length, chunked, until_close };
  Kind kind = Kind::none;
  std::uint64_t length = 0;
  bool operator==(const Framing&) const = default;
};

enum class Coding { exact, any_case };

/// What Content-Length and Transfer-Encoding say: nullopt when neither stands there. Both, two of
/// one, a sign, a leading zero, a list, a coding other than chunked: malformed or unsupported. With
/// Coding::exact "Chunked" is refused too.
Result<std::optional<Framing>> declared_framing(const Headers& headers, Coding coding);

/// Fields that must not come twice, because readers differ in which one counts; and field names
/// that only look like them to software that treats '_' as '-'. Fails with malformed.
Result<void> check_singletons(const Headers& headers);

}  // namespace hoop::http
