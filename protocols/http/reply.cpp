// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/reply.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "core/http/message_writer.h"
#include "protocols/http/media_type.h"
#include "protocols/http/reply_fields.h"

namespace hoop::http_target {
namespace {

// design "Rules", 2: Progress before each further 1 MiB or 1,000 rows.
constexpr std::uint64_t kProgressRows = 1000;
constexpr std::uint64_t kProgressBytes = 1U << 20;
// design "Session log": masked replies at level full, capped.
constexpr std::uint64_t kDataPerRequest = 64U << 10;
constexpr std::uint64_t kDataPerSession = 8U << 20;
// A body that is no longer waits until it is whole, so that its length can be said.
constexpr std::uint64_t kHeldWhole = 64U << 10;

constexpr int kBadGateway = 502;

std::optional<std::uint64_t> declared_length(const http::Headers& headers) {
  const auto text = headers.only("content-length");
  if (!text) return std::nullopt;
  std::uint64_t out = 0;
  const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), out);
  if (failed != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return out;
}

Problem unreadable(std::string code, std::string detail, std::string hint) {
  return {kBadGateway, std::move(code), std::move(detail), std::move(hint)};
}

std::unexpected<Error> limit_reached(std::string_view what, std::uint64_t limit) {
  return fail(ErrorCode::too_large, fmt::format("the {} limit of {} is reached", what, limit),
              "ask for less: a page, or a filter");
}

/// Why no masks can be applied is the reply's fault, and not a limit's.
Result<void> as_masked(Result<void> outcome) {
  if (outcome) return outcome;
  return fail(ErrorCode::unsupported,
              "the reply is not what its type says, so that it cannot be masked: " +
                  outcome.error().message);
}

}  // namespace

Reply::Reply(SessionShared& shared, RequestReading& request, session::Admitted action,
             ReplyTerms terms)
    : shared_(shared), request_(request), action_(std::move(action)), terms_(std::move(terms)) {}

bool Reply::has_body() const {
  return terms_.method != "HEAD" && head_.status != 204 && head_.status != 304;
}

std::optional<Problem> Reply::begin(const http::Response& head) {
  has_head_ = true;
  head_.status = head.status;
  declared_ = declared_length(head.headers);
  if (has_body()) {
    if (auto problem = choose_masks(head)) return problem;
  }
  ReturnRules rules;
  rules.target_origin = shared_.target_origin;
  rules.endpoint_origin = terms_.endpoint_origin;
  rules.has_credential = shared_.has_credential();
  rules.is_rewritten = filter_ != nullptr || scrubber_.has_value() || links_.has_value() ||
                       (!has_body() && shared_.dialect->reads_replies());
  head_.headers = returned_fields(head.headers, rules);
  const auto masked = mask_fields(head_.headers, shared_.policy().masks, shared_.context.masker,
                                  shared_.secrets, hidden_);
  if (!masked)
    return unreadable("unmaskable_reply", "the reply's header fields cannot be masked", "");
  record::ReplyBegin begin;
  begin.action = action_.id();
  const std::string columns = record::column_members({}, {});
  begin.columns = columns;
  begin.row_limit = shared_.policy().limits.rows_per_statement;
  if (!shared_.context.gate.reply_begin(action_, begin))
    return Problem{503, "record_failed", "the session log could not take the record"};
  return std::nullopt;
}

/// Which masks act on the body, or that none can.
std::optional<Problem> Reply::choose_masks(const http::Response& head) {
  const std::string type = media_type(head.headers.find("content-type").value_or(""));
  is_text_ = body_form(type).has_value();
  if (declared_ == 0) return std::nullopt;
  if (is_encoded(head.headers)) {
    is_text_ = false;
    if (shared_.dialect->reads_replies() || !shared_.secrets.empty())
      return unreadable("encoded_reply",
                        "the reply is compressed though it was not asked to be: it cannot be read",
                        "have the target send it as it is");
  }
  const bool is_part = head.status == 206 || head.headers.find("content-range").has_value();
  // In two parts no half of a secret would be found.
  const bool may_be_text = is_text_ || type.empty() || type.starts_with("multipart/");
  if (is_part && may_be_text && !shared_.secrets.empty())
    return unreadable("unmaskable_reply",
                      "a part of a text is not looked through for the target's credential",
                      "ask for the whole");
  auto filter = request_.filter(head);
  if (!filter) return std::move(filter).error();
  filter_ = std::move(*filter);
  if (!shared_.secrets.empty()) scrubber_.emplace(shared_.secrets);
  if (type == "text/html" && shared_.dialect->rewrites_pages())
    links_.emplace(shared_.target_origin, terms_.endpoint_origin);
  return std::nullopt;
}

Result<void> Reply::take(ByteSpan piece) {
  bytes_ += piece.size();
  if (!filter_ && !scrubber_ && !links_) {
    ready_.insert(ready_.end(), piece.begin(), piece.end());
    return weigh();
  }
  ByteSpan rest = piece;
  Bytes masked, scrubbed;
  if (filter_) {
    HOOP_CHECK(as_masked(filter_->take(rest, masked)));
    rest = masked;
  }
  if (scrubber_) {
    scrubber_->take(rest, scrubbed);
    rest = scrubbed;
  }
  if (links_) {
    links_->take(rest, ready_);
  } else {
    ready_.insert(ready_.end(), rest.begin(), rest.end());
  }
  if (filter_) rows_ = filter_->rows();
  return weigh();
}

Result<void> Reply::end(const http::Headers& trailers) {
  Bytes masked, scrubbed;
  if (filter_) {
    HOOP_CHECK(as_masked(filter_->finish(masked)));
    rows_ = filter_->rows();
    hidden_.add(filter_->hidden());
  }
  ByteSpan rest = masked;
  if (scrubber_) {
    scrubber_->take(rest, scrubbed);
    scrubber_->finish(scrubbed);
    rest = scrubbed;
  }
  if (links_) {
    links_->take(rest, ready_);
    links_->finish(ready_);
  } else {
    ready_.insert(ready_.end(), rest.begin(), rest.end());
  }
  HOOP_CHECK(weigh());
  if (!changes_length() && !scrubber_) {
    trailers_ = returned_fields(
        trailers, {shared_.target_origin, terms_.endpoint_origin, shared_.has_credential(), false});
    HOOP_CHECK(mask_fields(trailers_, shared_.policy().masks, shared_.context.masker,
                           shared_.secrets, hidden_));
  }
  is_over_ = true;
  return {};
}

/// At once, and not at the end: what other connections get meanwhile is of the same session.
void Reply::count() {
  shared_.rows += rows_ - std::exchange(counted_rows_, rows_);
  shared_.bytes += bytes_ - std::exchange(counted_bytes_, bytes_);
}

/// Whether limits let all of it pass that is there by now.
Result<void> Reply::weigh() {
  const access::Limits& limits = shared_.policy().limits;
  count();
  if (limits.rows_per_statement != 0 && rows_ > limits.rows_per_statement)
    return limit_reached("rows per request", limits.rows_per_statement);
  if (limits.bytes_per_statement != 0 && bytes_ > limits.bytes_per_statement)
    return limit_reached("bytes per request", limits.bytes_per_statement);
  if (limits.rows_per_session != 0 && shared_.rows > limits.rows_per_session)
    return limit_reached("rows per session", limits.rows_per_session);
  if (limits.bytes_per_session != 0 && shared_.bytes > limits.bytes_per_session)
    return limit_reached("bytes per session", limits.bytes_per_session);
  return {};
}

/// Before they are delivered.
Result<void> Reply::record(ByteSpan masked) {
  session::Gate& gate = shared_.context.gate;
  if (rows_ - reported_rows_ >= kProgressRows || bytes_ - reported_bytes_ >= kProgressBytes) {
    reported_rows_ = rows_;
    reported_bytes_ = bytes_;
    HOOP_CHECK(gate.reply_progress(action_, {action_.id(), rows_, bytes_}));
  }
  if (shared_.policy().record != access::RecordLevel::full || !is_text_) return {};
  const std::uint64_t room =
      std::min(kDataPerRequest - kept_bytes_, kDataPerSession - shared_.recorded_bytes);
  const auto kept = static_cast<std::size_t>(std::min<std::uint64_t>(masked.size(), room));
  if (kept == 0) return {};
  kept_bytes_ += kept;
  shared_.recorded_bytes += kept;
  return gate.reply_data(action_, masked.first(kept));
}

Result<void> Reply::record_end(std::string status) {
  if (is_recorded_) return {};
  is_recorded_ = true;
  count();
  record::ReplyEnd end;
  end.action = action_.id();
  end.rows = rows_;
  end.bytes = bytes_;
  end.masked_values = hidden_.total();
  for (std::size_t i = 0; i < mask::kDetectorClasses; ++i) {
    if (hidden_.detected[i] != 0)
      end.masked_by_class[std::string(to_string(static_cast<mask::DetectorClass>(i)))] =
          hidden_.detected[i];
  }
  const auto& own = shared_.context.masker.own_patterns();
  for (std::size_t i = 0; i < hidden_.own.size(); ++i) {
    if (hidden_.own[i] != 0) end.masked_by_class[own[i]] += hidden_.own[i];
  }
  if (hidden_.columns != 0) end.masked_by_class["field"] = hidden_.columns;
  end.status = std::move(status);
  return shared_.context.gate.reply_end(action_, std::move(end));
}

/// RFC 9112 §6.
http::Framing Reply::framing() const {
  using Kind = http::Framing::Kind;
  if (!has_body()) {
    // What a GET would have been answered; unless that would have been masked.
    const bool same = terms_.method == "HEAD" && declared_ && !shared_.dialect->reads_replies();
    return same ? http::Framing{Kind::length, *declared_} : http::Framing{};
  }
  if (is_over_ && trailers_.empty()) return {Kind::length, ready_.size()};
  if (declared_ && !changes_length()) return {Kind::length, *declared_};
  return {terms_.is_http_1_0 ? Kind::until_close : Kind::chunked, 0};
}

Result<void> Reply::send_head(session::DownstreamBatch& batch) {
  const http::Framing bounds = framing();
  is_chunked_ = bounds.kind == http::Framing::Kind::chunked;
  if (bounds.kind == http::Framing::Kind::until_close) terms_.keeps_alive = false;
  if (!terms_.keeps_alive) {
    head_.headers.add("Connection", "close");
  } else if (terms_.is_http_1_0) {
    head_.headers.add("Connection", "keep-alive");
  }
  HOOP_TRY(const std::string head, http::write_response_head(head_, bounds));
  batch.bytes().insert(batch.bytes().end(), head.begin(), head.end());
  head_sent_ = true;
  return {};
}

Result<void> Reply::collect(session::DownstreamBatch& batch) {
  const bool may_wait =
      !head_sent_ && has_body() && declared_ && *declared_ <= kHeldWhole && changes_length();
  if (!is_over_ && (may_wait || (head_sent_ && ready_.empty()))) return {};
  HOOP_CHECK(record(ready_));
  // The end's record stands before what ends it for the program.
  if (is_over_) HOOP_CHECK(record_end(std::to_string(head_.status)));
  if (!head_sent_) HOOP_CHECK(send_head(batch));
  Bytes& out = batch.bytes();
  const auto add = [&out](std::string_view text) {
    out.insert(out.end(), text.begin(), text.end());
  };
  if (is_chunked_ && !ready_.empty()) add(http::chunk_head(ready_.size()));
  if (has_body()) out.insert(out.end(), ready_.begin(), ready_.end());
  if (is_chunked_ && !ready_.empty()) add("\r\n");
  if (is_chunked_ && is_over_) {
    HOOP_TRY(const std::string last, http::last_chunk(trailers_));
    add(last);
  }
  ready_.clear();
  return {};
}

}  // namespace hoop::http_target
