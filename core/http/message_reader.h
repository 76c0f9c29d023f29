// SPDX-License-Identifier: Apache-2.0
// Reads HTTP/1.1 messages (RFC 9112) sans I/O, and refuses whatever two readers could understand
// differently.
#pragma once

#include <optional>

#include "core/http/body_reader.h"

namespace hoop::http {

// Enough for cookies and tokens; curl's and Node's own caps are of this order.
constexpr std::size_t kMaxHeadBytes = 64 * 1024;
constexpr std::size_t kMaxHeaders = 128;
constexpr std::size_t kMaxTargetBytes = 8 * 1024;
constexpr std::size_t kMaxMethodBytes = 32;
constexpr int kMaxInterimResponses = 8;

/// The field lines of a head and their caps; shared by both readers.
class HeadReader {
 public:
  /// The start line, then nullopt-terminated fields: nullopt means that in is used up; an empty
  /// line that the head is complete.
  Result<std::optional<std::string_view>> next_line(ByteSpan& in);
  Result<void> add_field(std::string_view line);
  Headers& headers() { return headers_; }
  bool started() const { return bytes_ != 0 || !line_.empty(); }
  void restart();

 private:
  LineReader line_;
  std::size_t bytes_ = 0;
  Headers headers_;
};

/// Reads the requests of one connection, one after another.
class RequestReader {
 public:
  explicit RequestReader(std::uint64_t max_body) : max_body_(max_body) {}

  /// Takes bytes off the front of in: head once, then body for each part, then done; need_more when
  /// in is used up. The trace is the same however the bytes are cut (but for the cuts between
  /// bodies). Fails for good with malformed, unsupported or too_large.
  Result<Event> next(ByteSpan& in);
  /// After done: be ready for the next request. What is left of in belongs to it, or to the
  /// protocol that was upgraded to.
  void restart();

  /// After Event::head; its body stays empty. An absolute-form target of the same host has become
  /// origin-form.
  const Request& head() const { return head_; }
  Request take_head() { return std::move(head_); }
  ByteSpan chunk() const { return body_.chunk(); }
  const Headers& trailers() const { return body_.trailers(); }
  /// False if the connection ends after this request.
  bool keeps_alive() const { return keeps_alive_; }
  /// The client waits for 100 before it sends the body.
  bool expects_continue() const { return expects_continue_; }
  /// Its client reads no chunks. Until restart().
  bool is_http_1_0() const { return minor_version_ == 0; }
  /// A byte of the current request has come.
  bool started() const { return part_ != Part::start_line || lines_.started(); }
  /// The status that answers the failure: 400, 413, 414, 417, 431, 501 or 505.
  int refusal_status() const { return refusal_status_; }

 private:
  enum class Part { start_line, fields, body, done, failed };

  Result<Event> step(ByteSpan& in);
  Result<void> read_request_line(std::string_view line);
  Result<void> read_version(std::string_view version);
  Result<void> finish_head();
  Result<void> settle_target();
  Result<void> settle_host_form(std::string_view host);
  std::unexpected<Error> refuse(int status, ErrorCode code, std::string message);

  std::uint64_t max_body_;
  Part part_ = Part::start_line;
  HeadReader lines_;
  Request head_;
  int minor_version_ = 1;
  bool keeps_alive_ = true;
  bool expects_continue_ = false;
  int refusal_status_ = 400;
  BodyReader body_;
  std::optional<Error> failure_;
};

/// Reads the response to one request. Interim responses (1xx but 101) are passed over.
class ResponseReader {
 public:
  /// method: of the request; a response to HEAD has no body whatever its head says.
  ResponseReader(std::string method, std::uint64_t max_body)
      : method_(std::move(method)), max_body_(max_body) {}

  /// As RequestReader::next. After 101, or a 2xx to CONNECT, done: what is left of in belongs to
  /// the other protocol.
  Result<Event> next(ByteSpan& in);
  /// The connection was closed. Fails with malformed if the response is not whole; otherwise the
  /// next event is done.
  Result<void> end_of_input();

  const Response& head() const { return head_; }
  Response take_head() { return std::move(head_); }
  ByteSpan chunk() const { return body_.chunk(); }
  const Headers& trailers() const { return body_.trailers(); }
  bool keeps_alive() const { return keeps_alive_; }
  bool started() const { return part_ != Part::start_line || lines_.started(); }

 private:
  enum class Part { start_line, fields, body, done, failed };

  Result<Event> step(ByteSpan& in);
  Result<void> read_status_line(std::string_view line);
  /// False if it was an interim response.
  Result<bool> finish_head();
  Result<Framing> framing() const;

  std::string method_;
  std::uint64_t max_body_;
  Part part_ = Part::start_line;
  HeadReader lines_;
  Response head_;
  int minor_version_ = 1;
  int interim_ = 0;
  bool keeps_alive_ = true;
  BodyReader body_;
  std::optional<Error> failure_;
};

}  // namespace hoop::http
