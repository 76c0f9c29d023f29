// SPDX-License-Identifier: Apache-2.0
// Secrets that have no form of their own: what stands where a password or a key is given a value.
#pragma once

#include <string_view>

#include "core/mask/span.h"

namespace hoop::mask {

/// The password in scheme://user:password@host around the "://" at begin (RFC 3986 §3.2.1).
std::optional<Span> find_url_password(std::string_view text, std::size_t begin,
                                      std::size_t literal);
/// The value behind "password=" or "pwd=" among other settings of a connection, as libpq and
/// ADO.NET write them.
std::optional<Span> find_setting_password(std::string_view text, std::size_t begin,
                                          std::size_t literal);
/// The value given to a name that ends in the word at begin or goes on behind it, if it looks
/// random: api_key = "…", "clientSecret": "…", TOKEN=….
std::optional<Span> find_assigned_secret(std::string_view text, std::size_t begin,
                                         std::size_t literal);
/// The credentials behind "Bearer " and "Basic ".
std::optional<Span> find_bearer(std::string_view text, std::size_t begin, std::size_t literal);

}  // namespace hoop::mask
