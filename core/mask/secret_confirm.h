// SPDX-License-Identifier: Apache-2.0
// From a literal that begins a secret to the secret's exact span, or to nothing: each takes the
// field and where the literal stands.
#pragma once

#include <string_view>

#include "core/mask/span.h"

namespace hoop::mask {

/// How a field ends for a block that is not finished: JSON text closes its string first.
enum class FieldShape { plain, json };

/// From "-----BEGIN … PRIVATE KEY…-----" to its END line (RFC 7468, OpenSSH, RFC 4880 §6.2).
/// Without one, to the end of the field or of the JSON string.
std::optional<Span> confirm_private_key(std::string_view text, std::size_t begin, FieldShape shape);
/// Four letters and sixteen more of A-Z and 0-9.
std::optional<Span> confirm_aws_access_key(std::string_view text, std::size_t begin);
/// Forty base64 characters of mixed kinds that begin at from or within reach bytes of it.
std::optional<Span> find_aws_secret_key(std::string_view text, std::size_t from, std::size_t reach);
std::optional<Span> confirm_github_token(std::string_view text, std::size_t begin,
                                         std::size_t literal);
std::optional<Span> confirm_slack_token(std::string_view text, std::size_t begin);
/// The incoming-webhook URL around the host name that stands at host.
std::optional<Span> confirm_slack_webhook(std::string_view text, std::size_t host,
                                          std::size_t literal);
std::optional<Span> confirm_stripe_key(std::string_view text, std::size_t begin,
                                       std::size_t literal);
/// Three or more base64url parts, of which the first is a JOSE header (RFC 7515 §3): an object with
/// "alg".
std::optional<Span> confirm_jwt(std::string_view text, std::size_t begin);

}  // namespace hoop::mask
