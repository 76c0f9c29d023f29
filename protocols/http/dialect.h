// SPDX-License-Identifier: Apache-2.0
// What differs between the protocols that are spoken in HTTP: what a request means, what is masked
// in its reply, and how a program is told no.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "core/access/action.h"
#include "core/http/message.h"
#include "core/mask/masker.h"
#include "core/session/door.h"
#include "protocols/http/problem.h"

namespace hoop::http_target {

/// Masks over the body of one reply, in pieces.
class BodyFilter {
 public:
  virtual ~BodyFilter() = default;
  /// Appends to out what may go out now. Fails with malformed or too_large when masks cannot be
  /// applied.
  virtual Result<void> take(ByteSpan piece, Bytes& out) = 0;
  virtual Result<void> finish(Bytes& out) = 0;
  virtual const mask::HiddenCounts& hidden() const = 0;
  /// What limits count as rows, so far.
  virtual std::uint64_t rows() const = 0;
};

/// One request as its protocol reads it. Uses what its Dialect does.
class RequestReading {
 public:
  virtual ~RequestReading() = default;
  /// Of the request line, in the one spelling that is judged and forwarded: "/path?query".
  virtual std::string target() const = 0;
  /// Those of the program's fields that are forwarded.
  virtual const http::Headers& fields() const = 0;
  /// Whether the body must be there, whole, before action() can say what it does.
  virtual bool needs_body() const = 0;
  /// What the whole body says. A problem: it cannot be read.
  virtual std::optional<Problem> read_body(ByteSpan body) = 0;
  /// body: as far as it has been read.
  virtual Result<access::Action> action(ByteSpan body, bool is_whole) = 0;
  /// What this version cannot do, though a policy might let it.
  virtual std::optional<Problem> unavailable() const { return std::nullopt; }
  /// Whether a mask comes back in the next piece of the body; before the first one the head is
  /// looked at, too. False for what writes nothing.
  virtual bool carries_mask(ByteSpan piece) = 0;
  /// Whether carries_mask() looks at anything.
  virtual bool is_guarded() const = 0;
  /// Who masks the body of the reply; null: it goes out as it is. A problem: nobody can.
  virtual std::expected<std::unique_ptr<BodyFilter>, Problem> filter(
      const http::Response& head) = 0;
};

/// Of a session. On one io_context.
class Dialect {
 public:
  virtual ~Dialect() = default;
  /// opening: of the connection. A problem: it is refused, whatever a policy says.
  virtual std::expected<std::unique_ptr<RequestReading>, Problem> read(
      const http::Request& head, const session::Opening& opening) = 0;
  virtual http::Response answer_of(const Problem& problem) const = 0;
  /// As the program calls the endpoint: "http://127.0.0.1:41234".
  virtual std::string endpoint_origin(const http::Request& head) const = 0;
  /// Whether replies must be readable: they are asked for without compression.
  virtual bool reads_replies() const = 0;
  /// Whether pages of the target are led back to the endpoint.
  virtual bool rewrites_pages() const = 0;
};

}  // namespace hoop::http_target
