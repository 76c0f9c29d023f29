// SPDX-License-Identifier: Apache-2.0
#include "core/http/message_reader.h"

namespace hoop::http {

Result<Event> ResponseReader::next(ByteSpan& in) {
  if (failure_) return std::unexpected(*failure_);
  auto event = step(in);
  if (!event) {
    part_ = Part::failed;
    failure_ = event.error();
  }
  return event;
}

Result<Event> ResponseReader::step(ByteSpan& in) {
  while (part_ == Part::start_line || part_ == Part::fields) {
    HOOP_TRY(const auto line, lines_.next_line(in));
    if (!line) return Event::need_more;
    if (part_ == Part::start_line) {
      HOOP_CHECK(read_status_line(*line));
      part_ = Part::fields;
    } else if (!line->empty()) {
      HOOP_CHECK(lines_.add_field(*line));
    } else {
      HOOP_TRY(const bool final, finish_head());
      if (final) {
        part_ = Part::body;
        return Event::head;
      }
      part_ = Part::start_line;
      lines_.restart();
    }
  }
  if (part_ == Part::done) return Event::done;
  auto event = body_.next(in);
  if (event && *event == Event::done) part_ = Part::done;
  return event;
}

Result<void> ResponseReader::read_status_line(std::string_view line) {
  // HTTP-version SP 3DIGIT SP reason; the last blank stands there even when the reason is empty.
  const bool form = line.size() >= 13 && line.starts_with("HTTP/1.") && line[8] == ' ' &&
                    line[12] == ' ' &&
                    line.substr(9, 3).find_first_not_of("0123456789") == std::string_view::npos;
  if (!form || (line[7] != '0' && line[7] != '1'))
    return fail(ErrorCode::malformed, "the response does not begin with an HTTP/1.1 status line");
  if (!is_field_value(line.substr(13)))
    return fail(ErrorCode::malformed, "the reason phrase holds a control character");
  minor_version_ = line[7] - '0';
  head_.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  if (head_.status < 100 || head_.status > 599)
    return fail(ErrorCode::malformed, "the status is not from 100 to 599");
  return {};
}

Result<bool> ResponseReader::finish_head() {
  head_.headers = std::move(lines_.headers());
  HOOP_CHECK(check_singletons(head_.headers));
  if (head_.status < 200 && head_.status != 101) {
    HOOP_TRY(const auto declared, declared_framing(head_.headers, Coding::any_case));
    if (declared || minor_version_ == 0)
      return fail(ErrorCode::malformed, "an interim response cannot have a body");
    if (++interim_ > kMaxInterimResponses)
      return fail(ErrorCode::too_large, "there are too many interim responses");
    return false;
  }
  HOOP_TRY(const auto bounds, framing());
  keeps_alive_ = minor_version_ == 1 && bounds.kind != Framing::Kind::until_close &&
                 head_.status != 101 && !head_.headers.lists("connection", "close");
  // A tunnel lives on whatever version and Connection field the proxy sends with its consent.
  if (method_ == "CONNECT" && head_.status / 100 == 2) keeps_alive_ = true;
  HOOP_TRY(body_, BodyReader::create(bounds, max_body_));
  return true;
}

// RFC 9112 §6.3, in its order.
Result<Framing> ResponseReader::framing() const {
  HOOP_TRY(const auto declared, declared_framing(head_.headers, Coding::any_case));
  const bool chunked = declared && declared->kind == Framing::Kind::chunked;
  if (chunked && minor_version_ == 0)
    return fail(ErrorCode::malformed, "HTTP/1.0 has no Transfer-Encoding");
  const bool switches = head_.status == 101 || (method_ == "CONNECT" && head_.status / 100 == 2);
  const bool bodiless = switches || head_.status == 204;
  if (bodiless && (chunked || (declared && declared->length != 0)))
    return fail(ErrorCode::malformed, "a response that has no body declares one");
  if (bodiless || head_.status == 304 || method_ == "HEAD") return Framing{};
  return declared.value_or(Framing{Framing::Kind::until_close, 0});
}

Result<void> ResponseReader::end_of_input() {
  if (failure_) return std::unexpected(*failure_);
  if (part_ == Part::body || part_ == Part::done) return body_.end_of_input();
  return fail(ErrorCode::malformed, started()
                                        ? "the connection was closed in the middle of a response"
                                        : "the connection was closed without a response");
}

}  // namespace hoop::http
