// SPDX-License-Identifier: Apache-2.0
// What may stand where configuration or a grant speaks of HTTP: fields, parameters, paths, media
// types, and the variable that a program finds its URL in.
#pragma once

#include <string_view>

namespace hoop::access {

/// A token (RFC 9110 §5.6.2): the names of fields, and of all parameters that we put into URLs.
bool is_http_name(std::string_view name);

/// What a field holds as it is: UTF-8, not empty, no control characters, no blank at either end.
bool is_http_value(std::string_view text);

/// A field that a credential can stand in: none that frames or routes a message or says how its
/// content is to be read, nor one that only looks like it to software that treats '_' as '-'.
bool is_credential_header(std::string_view name);

/// "/api/v1", or empty. Only what every server and every shell reads alike: no percent-encoding, no
/// empty and no dot segments, and so no '/' at its end.
bool is_base_path(std::string_view path);

/// A variable of a program's environment that may hold a URL: upper-case letters, digits and '_',
/// and none by which shells, loaders, interpreters and clients would run otherwise.
bool is_url_variable(std::string_view name);

/// "image/png" or "image/*", in lower case, without parameters.
bool is_media_range(std::string_view text);

}  // namespace hoop::access
