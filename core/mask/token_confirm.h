// SPDX-License-Identifier: Apache-2.0
// Tokens and hashes that a literal gives away, as in secret_confirm.h: each takes the field, where
// the literal stands, and the literal's size.
#pragma once

#include <string_view>

#include "core/mask/span.h"

namespace hoop::mask {

/// API keys (AIza…), OAuth client secrets (GOCSPX-…), access and refresh tokens (ya29.…, 1//0…).
std::optional<Span> confirm_google_key(std::string_view text, std::size_t begin,
                                       std::size_t literal);
/// The value behind AccountKey= and SharedAccessKey=: base64 of 64 or 32 bytes.
std::optional<Span> find_azure_account_key(std::string_view text, std::size_t begin,
                                           std::size_t literal);
/// A client secret of Entra ID: three characters, 7Q~ or 8Q~, and 31 to 34 more. begin is the
/// digit's.
std::optional<Span> confirm_azure_client_secret(std::string_view text, std::size_t begin,
                                                std::size_t literal);
/// The signature of a shared access signature, if the query that it stands in has sv= or se=.
std::optional<Span> find_azure_signature(std::string_view text, std::size_t begin,
                                         std::size_t literal);
std::optional<Span> confirm_gitlab_token(std::string_view text, std::size_t begin,
                                         std::size_t literal);
std::optional<Span> confirm_npm_token(std::string_view text, std::size_t begin,
                                      std::size_t literal);
/// SK and 32 hexadecimal digits.
std::optional<Span> confirm_twilio_key(std::string_view text, std::size_t begin,
                                       std::size_t literal);
/// 32 hexadecimal digits close behind the word "twilio".
std::optional<Span> find_twilio_token(std::string_view text, std::size_t begin,
                                      std::size_t literal);
/// bcrypt: $2b$, cost, $ and 53 characters.
std::optional<Span> confirm_bcrypt(std::string_view text, std::size_t begin, std::size_t literal);
/// argon2, scrypt, crypt's others, PBKDF2 as frameworks write it, PostgreSQL's SCRAM verifiers.
std::optional<Span> confirm_password_hash(std::string_view text, std::size_t begin,
                                          std::size_t literal);

}  // namespace hoop::mask
