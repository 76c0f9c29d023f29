// SPDX-License-Identifier: Apache-2.0
// A response on its way to the program: masked, counted, recorded, and framed anew.
#pragma once

#include <optional>
#include <string>

#include "core/http/field_syntax.h"
#include "core/http/message.h"
#include "protocols/http/origin_rewriter.h"
#include "protocols/http/problem.h"
#include "protocols/http/shared.h"

namespace hoop::http_target {

/// Of the request, as far as its reply depends on it.
struct ReplyTerms {
  std::string method;
  std::string endpoint_origin;
  bool is_http_1_0 = false;
  bool keeps_alive = true;
};

class Reply {
 public:
  Reply(SessionShared& shared, RequestReading& request, session::Admitted action, ReplyTerms terms);

  /// The head of the response. A problem: the program gets that instead, and nothing of the
  /// response.
  std::optional<Problem> begin(const http::Response& head);
  /// A piece of the body, and its end. Fails with too_large and a hint (a limit is reached),
  /// unsupported (it is not what it is said to be, so that masks cannot be applied), storage.
  Result<void> take(ByteSpan piece);
  Result<void> end(const http::Headers& trailers);
  /// Adds what can go out to batch, and records it first. Before the end nothing, while the whole
  /// may still fit into one message.
  Result<void> collect(session::DownstreamBatch& batch);
  /// The head has gone out: what goes wrong now can only break off.
  bool has_begun() const { return head_sent_; }
  /// The target's; 0 before begin().
  int status() const { return has_head_ ? head_.status : 0; }
  bool has_head() const { return has_head_; }
  /// No request can follow: before collect() says so to the program.
  void end_connection() { terms_.keeps_alive = false; }
  /// Another request may follow on the program's connection, once this has ended.
  bool keeps_alive() const { return terms_.keeps_alive; }
  /// The record's end, for a reply that has broken off, or never was.
  Result<void> record_end(std::string status);

 private:
  std::optional<Problem> choose_masks(const http::Response& head);
  void count();
  Result<void> weigh();
  Result<void> record(ByteSpan masked);
  Result<void> send_head(session::DownstreamBatch& batch);
  http::Framing framing() const;
  bool has_body() const;
  bool changes_length() const { return filter_ != nullptr || links_.has_value(); }

  SessionShared& shared_;
  RequestReading& request_;
  session::Admitted action_;
  ReplyTerms terms_;
  http::Response head_;
  std::optional<std::uint64_t> declared_;
  std::unique_ptr<BodyFilter> filter_;
  std::optional<mask::SecretScrubber> scrubber_;
  std::optional<OriginRewriter> links_;
  bool is_text_ = false;  // worth keeping in the log
  Bytes ready_;           // masked, and not handed out
  http::Headers trailers_;
  bool is_over_ = false;
  bool has_head_ = false;
  bool head_sent_ = false;
  bool is_chunked_ = false;
  bool is_recorded_ = false;  // its end is
  std::uint64_t rows_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t counted_rows_ = 0;  // of them, in the session's
  std::uint64_t counted_bytes_ = 0;
  std::uint64_t reported_rows_ = 0;
  std::uint64_t reported_bytes_ = 0;
  std::uint64_t kept_bytes_ = 0;
  mask::HiddenCounts hidden_;
};

}  // namespace hoop::http_target
