// SPDX-License-Identifier: Apache-2.0
// An absolute http or https URL, strictly read (RFC 3986): no user information, no fragment.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.h"

namespace hoop::http {

struct Url {
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case; an IPv6 literal without its brackets
  std::uint16_t port = 0;
  std::string target;  // "/path?query", percent-encoding as given; "/" when there is none

  /// host, and port unless it is the scheme's: as the Host field has it.
  std::string authority() const;
  /// "https://host:port", without the scheme's own port.
  std::string origin() const;
  std::string text() const { return origin() + target; }
  std::string_view path() const;
  /// localhost, *.localhost, 127.0.0.0/8 and ::1.
  bool is_loopback() const;
  /// The URL of another target (beginning with '/') at the same origin.
  Url at(std::string target) const;
  bool operator==(const Url&) const = default;
};

/// Fails with malformed, or with unsupported for another scheme.
Result<Url> parse_url(std::string_view text);

/// "host", "host:port", "[v6]:port" as in the Host field; port is 0 when missing. Fails with
/// malformed.
struct Authority {
  std::string host;
  std::uint16_t port = 0;
  bool operator==(const Authority&) const = default;
};
Result<Authority> parse_authority(std::string_view text);
/// Whether text is "/…" or "/…?…" of the characters that RFC 3986 allows there, with every '%'
/// followed by two digits.
bool is_origin_form(std::string_view text);

}  // namespace hoop::http
