// SPDX-License-Identifier: Apache-2.0
#include "core/http/message_writer.h"

#include <fmt/format.h>

#include "core/http/url.h"

namespace hoop::http {
namespace {

Result<std::string> finish(std::string out, const Headers& headers, Framing framing) {
  for (const auto& field : headers) {
    if (equal_ignoring_case(field.name, "content-length") ||
        equal_ignoring_case(field.name, "transfer-encoding"))
      continue;
    if (!is_token(field.name))
      return fail(ErrorCode::internal, "a header name to be written is not a token");
    if (!is_field_value(field.value))
      return fail(ErrorCode::internal,
                  fmt::format("the value of header '{}' holds a control character", field.name));
    out.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  switch (framing.kind) {
    case Framing::Kind::none:
    case Framing::Kind::until_close: break;
    case Framing::Kind::length: out += fmt::format("Content-Length: {}\r\n", framing.length); break;
    case Framing::Kind::chunked: out += "Transfer-Encoding: chunked\r\n"; break;
  }
  return out + "\r\n";
}

}  // namespace

Result<std::string> write_request_head(const Request& request, Framing framing) {
  if (!is_token(request.method))
    return fail(ErrorCode::internal, "the method to be written is not a token");
  const bool fits = request.method == "CONNECT"
                        ? parse_authority(request.target).has_value()
                        : request.target == "*" || is_origin_form(request.target);
  if (!fits) return fail(ErrorCode::internal, "the request target to be written is not a path");
  return finish(fmt::format("{} {} HTTP/1.1\r\n", request.method, request.target), request.headers,
                framing);
}

Result<std::string> write_response_head(const Response& response, Framing framing) {
  if (response.status < 100 || response.status > 599)
    return fail(ErrorCode::internal, "the status to be written is not from 100 to 599");
  return finish(fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status)),
                response.headers, framing);
}

Result<std::string> last_chunk(const Headers& trailers) { return finish("0\r\n", trailers, {}); }

std::string chunk_head(std::uint64_t size) {
  HOOP_ASSERT(size != 0);
  return fmt::format("{:x}\r\n", size);
}

}  // namespace hoop::http
