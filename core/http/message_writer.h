// SPDX-License-Identifier: Apache-2.0
// Writes the heads and chunks of HTTP/1.1 messages, so that what is written cannot be read in two
// ways.
#pragma once

#include <cstdint>
#include <string>

#include "core/http/field_syntax.h"
#include "core/http/message.h"

namespace hoop::http {

/// The head up to and with its empty line. Content-Length and Transfer-Encoding come from framing;
/// those in headers are left out. Framing::Kind::none writes neither. The body of the message is
/// not looked at. Fails with internal for a name, value, method or target that would break the head
/// (and so split the message).
Result<std::string> write_request_head(const Request& request, Framing framing);
Result<std::string> write_response_head(const Response& response, Framing framing);

/// The line before a chunk; after the chunk comes "\r\n". size must not be 0.
std::string chunk_head(std::uint64_t size);
constexpr std::string_view kLastChunk = "0\r\n\r\n";
/// The same with fields behind it. Fails with internal for one that would break it.
Result<std::string> last_chunk(const Headers& trailers);
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace hoop::http
