// SPDX-License-Identifier: Apache-2.0
// What masks can do with a body, by its media type (RFC 9110 §8.3.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/http/message.h"
#include "core/mask/body_masker.h"

namespace hoop::http_target {

/// "type/subtype" of a Content-Type, in lower case, without parameters. Empty if it is none.
std::string media_type(std::string_view content_type);

/// What a body of that type is read as; nullopt: nothing that can be masked.
std::optional<mask::BodyForm> body_form(std::string_view media_type);

/// Whether one of patterns ("image/png", "image/*") names it.
bool is_one_of_types(const std::vector<std::string>& patterns, std::string_view media_type);

/// Whether a CSV's first line is its header, as far as its Content-Type says (RFC 4180 §3).
bool has_header_line(std::string_view content_type);

/// Whether detectors can read text of that Content-Type: it names no character set, or one in which
/// ASCII is ASCII; wherever, and however often, it names one.
bool is_readable_text(std::string_view content_type);

/// Whether a body is not as it is: any Content-Encoding but "identity".
bool is_encoded(const http::Headers& headers);

}  // namespace hoop::http_target
