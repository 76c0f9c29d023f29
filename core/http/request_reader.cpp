// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/http/message_reader.h"
#include "core/http/url.h"

namespace hoop::http {
namespace {

// Lower-case methods are other methods by the standard, but some servers fold them: a rule about
// DELETE must not miss "delete".
bool is_method(std::string_view text) {
  return !text.empty() && text.size() <= kMaxMethodBytes &&
         text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == std::string_view::npos;
}

std::uint16_t port_or(const Authority& authority, std::uint16_t standard) {
  return authority.port == 0 ? standard : authority.port;
}

}  // namespace

std::unexpected<Error> RequestReader::refuse(int status, ErrorCode code, std::string message) {
  refusal_status_ = status;
  return fail(code, std::move(message));
}

Result<Event> RequestReader::next(ByteSpan& in) {
  if (failure_) return std::unexpected(*failure_);
  auto event = step(in);
  if (!event) {
    part_ = Part::failed;
    failure_ = event.error();
  }
  return event;
}

Result<Event> RequestReader::step(ByteSpan& in) {
  while (part_ == Part::start_line || part_ == Part::fields) {
    auto line = lines_.next_line(in);
    if (!line && line.error().code == ErrorCode::too_large)
      refusal_status_ = part_ == Part::start_line ? 414 : 431;
    if (!line) return std::unexpected(std::move(line).error());
    if (!*line) return Event::need_more;
    if (part_ == Part::start_line) {
      HOOP_CHECK(read_request_line(**line));
      part_ = Part::fields;
    } else if (!(*line)->empty()) {
      auto added = lines_.add_field(**line);
      if (!added && added.error().code == ErrorCode::too_large) refusal_status_ = 431;
      if (!added) return std::unexpected(std::move(added).error());
    } else {
      HOOP_CHECK(finish_head());
      part_ = Part::body;
      return Event::head;
    }
  }
  if (part_ == Part::done) return Event::done;
  auto event = body_.next(in);
  if (!event && event.error().code == ErrorCode::too_large) refusal_status_ = 413;
  if (event && *event == Event::done) part_ = Part::done;
  return event;
}

Result<void> RequestReader::read_request_line(std::string_view line) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || line.find(' ', first + 1) != last) {
    return refuse(400, ErrorCode::malformed,
                  "the request line is not method, target and version with one blank between them");
  }
  const auto method = line.substr(0, first);
  const auto target = line.substr(first + 1, last - first - 1);
  if (!is_method(method))
    return refuse(400, ErrorCode::malformed, "the method is not of capital letters");
  if (target.size() > kMaxTargetBytes)
    return refuse(414, ErrorCode::too_large, "the request target is longer than 8 KiB");
  head_.method = method;
  head_.target = target;
  return read_version(line.substr(last + 1));
}

Result<void> RequestReader::read_version(std::string_view version) {
  const bool form = version.size() == 8 && version.starts_with("HTTP/") && version[5] >= '0' &&
                    version[5] <= '9' && version[6] == '.' && version[7] >= '0' &&
                    version[7] <= '9';
  if (!form) return refuse(400, ErrorCode::malformed, "the request line has no HTTP version");
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return refuse(505, ErrorCode::unsupported, "the HTTP version is neither 1.1 nor 1.0");
  minor_version_ = version[7] - '0';
  return {};
}

Result<void> RequestReader::finish_head() {
  const auto& headers = head_.headers = std::move(lines_.headers());
  HOOP_CHECK(check_singletons(headers));
  HOOP_CHECK(settle_target());
  auto declared = declared_framing(headers, Coding::exact);
  if (!declared && declared.error().code == ErrorCode::unsupported) refusal_status_ = 501;
  if (!declared && declared.error().code == ErrorCode::too_large) refusal_status_ = 413;
  if (!declared) return std::unexpected(std::move(declared).error());
  if (*declared && (*declared)->kind == Framing::Kind::chunked && minor_version_ == 0) {
    return refuse(400, ErrorCode::malformed, "HTTP/1.0 has no Transfer-Encoding");
  }
  if (*declared && head_.method == "CONNECT")
    return refuse(400, ErrorCode::malformed, "CONNECT has no body");
  const auto expectation = headers.find("expect");
  if (expectation && !equal_ignoring_case(*expectation, "100-continue"))
    return refuse(417, ErrorCode::unsupported, "the expectation is not 100-continue");
  expects_continue_ = expectation && minor_version_ == 1;
  keeps_alive_ = minor_version_ == 1 && !headers.lists("connection", "close");
  auto body = BodyReader::create(declared->value_or(Framing{}), max_body_);
  if (!body) refusal_status_ = 413;
  if (!body) return std::unexpected(std::move(body).error());
  body_ = std::move(*body);
  return {};
}

Result<void> RequestReader::settle_target() {
  const auto host = head_.headers.only("host");
  if (!host) return refuse(400, ErrorCode::malformed, "there is no Host header");
  if (!parse_authority(*host))
    return refuse(400, ErrorCode::malformed, "the Host header is not a host and port");
  if (head_.method == "CONNECT") {
    const auto wanted = parse_authority(head_.target);
    if (!wanted || wanted->port == 0)
      return refuse(400, ErrorCode::malformed, "CONNECT needs a host and a port");
    const auto named = parse_authority(*host);
    const bool same =
        named->host == wanted->host && (named->port == 0 || named->port == wanted->port);
    return same ? Result<void>{}
                : refuse(400, ErrorCode::malformed,
                         "CONNECT asks for another host than the Host header");
  }
  if (head_.target == "*" && head_.method == "OPTIONS") return {};
  if (head_.target.starts_with('/')) {
    return is_origin_form(head_.target)
               ? Result<void>{}
               : refuse(400, ErrorCode::malformed,
                        "the request target holds a character that must be percent-encoded");
  }
  return settle_host_form(*host);
}

Result<void> RequestReader::settle_host_form(std::string_view host) {
  auto url = parse_url(head_.target);
  if (!url)
    return refuse(400, ErrorCode::malformed, "the request target is neither a path nor a URL");
  const auto named = parse_authority(host);
  const std::uint16_t standard = url->scheme == "https" ? 443 : 80;
  if (named->host != url->host || port_or(*named, standard) != url->port) {
    return refuse(400, ErrorCode::malformed,
                  "the request target names another host than the Host header");
  }
  head_.target = std::move(url->target);
  return {};
}

void RequestReader::restart() {
  HOOP_ASSERT(part_ == Part::done);
  part_ = Part::start_line;
  lines_.restart();
  head_ = {};
  body_ = {};
  expects_continue_ = false;
  keeps_alive_ = true;
  minor_version_ = 1;
}

}  // namespace hoop::http
