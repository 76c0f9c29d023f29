// SPDX-License-Identifier: Apache-2.0
#include "core/record/session_log_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/encoding.h"
#include "core/record/log_format.h"

namespace hoop::record {
namespace {

using Json = nlohmann::json;

std::optional<std::string> text_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

Result<Json> parse_object(ByteSpan bytes, std::string_view what) {
  Json json = Json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (!json.is_object())
    return fail(ErrorCode::malformed, fmt::format("the {} is not a JSON object", what));
  return json;
}

Result<LogHeader> parse_header(ByteSpan bytes) {
  HOOP_TRY(const Json json, parse_object(bytes, "header"));
  LogHeader header;
  const auto session = text_member(json, "session"), key = text_member(json, "key");
  if (!session || !key) return fail(ErrorCode::malformed, "the header names no session or no key");
  const auto raw = from_base64url(*key);
  if (!raw || raw->size() != header.key.size())
    return fail(ErrorCode::malformed, "the header's key is not 32 bytes of base64url");
  std::copy(raw->begin(), raw->end(), header.key.begin());
  header.session = *session;
  header.gateway = text_member(json, "gateway").value_or("");
  header.target = text_member(json, "target").value_or("");
  header.subject = text_member(json, "subject").value_or("");
  header.json = to_text(bytes);
  return header;
}

bool is_known(std::uint8_t type) {
  return type >= 1 && type <= static_cast<std::uint8_t>(RecordType::output);
}

}  // namespace

void LogReader::feed(ByteSpan bytes) {
  if (consumed_ > (64U << 10)) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_));
    consumed_ = 0;
  }
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

Result<std::optional<Record>> LogReader::next() {
  if (!header_) {
    HOOP_TRY(const bool whole, take_header());
    if (!whole) return std::nullopt;
  }
  while (ready_.empty()) {
    HOOP_TRY(const bool whole, take_segment());
    if (!whole) return std::nullopt;
  }
  Record record = std::move(ready_.front());
  ready_.pop_front();
  return record;
}

Result<bool> LogReader::take_header() {
  const ByteSpan rest = ByteSpan(buffer_).subspan(consumed_);
  const std::size_t compared = std::min(rest.size(), kMagic.size());
  if (as_text(rest.first(compared)) != kMagic.substr(0, compared))
    return fail(ErrorCode::malformed, "not a session log");
  if (rest.size() < kFileHeaderBytes) return false;
  ByteReader reader(rest.subspan(kMagic.size()));
  const std::uint16_t version = *reader.u16();
  const std::uint32_t length = *reader.u32();
  if (version != kVersion) {
    return fail(ErrorCode::unsupported,
                fmt::format("session log version {} is not one this program reads", version),
                "use a newer hoopctl");
  }
  if (length > kMaxHeaderBytes) return fail(ErrorCode::too_large, "the log's header is too large");
  const auto json = reader.take(length);
  if (!json) return false;
  HOOP_TRY(header_, parse_header(*json));
  crypto::Sha256 hash;
  hash.update(as_bytes(kChainLabel));
  hash.update(rest.first(kFileHeaderBytes + length));
  head_ = hash.finish();
  consumed_ += kFileHeaderBytes + length;
  length_ = kFileHeaderBytes + length;
  return true;
}

Result<bool> LogReader::take_segment() {
  const ByteSpan rest = ByteSpan(buffer_).subspan(consumed_);
  if (rest.empty()) return false;
  if (sealed_) return fail(ErrorCode::integrity, "bytes follow the seal");
  if (rest.size() < kSegmentHeaderBytes) return false;
  ByteReader reader(rest);
  const std::uint32_t length = *reader.u32();
  const std::uint8_t encoding = *reader.u8();
  const std::uint8_t flags = *reader.u8();
  const std::uint16_t zero = *reader.u16();
  const std::uint64_t number = *reader.u64();
  if (length > kMaxSegmentBytes)
    return fail(ErrorCode::too_large, fmt::format("segment {} is too large", segments_ + 1));
  if (encoding != kEncodingPlain)
    return fail(ErrorCode::unsupported, fmt::format("segment encoding {} is not known", encoding));
  if ((flags & ~kSegmentFinal) != 0 || zero != 0)
    return fail(ErrorCode::malformed, "a segment's reserved bits are set");
  if (number != segments_ + 1)
    return fail(ErrorCode::integrity,
                fmt::format("segment {} stands where {} belongs", number, segments_ + 1));
  const auto body = reader.take(length);
  if (!body) return false;
  const auto stored = reader.take(kHeadBytes);
  if (!stored) return false;

  crypto::Sha256 hash;
  hash.update(head_);
  hash.update(rest.first(kSegmentHeaderBytes + length));
  const crypto::Digest256 head = hash.finish();
  if (!std::equal(stored->begin(), stored->end(), head.begin())) {
    return fail(ErrorCode::integrity,
                fmt::format("the chain breaks in segment {}: its bytes were changed", number));
  }
  previous_head_ = std::exchange(head_, head);
  length_before_segment_ = length_;
  length_ += kSegmentHeaderBytes + length + kHeadBytes;
  ++segments_;
  HOOP_CHECK(take_records(*body, (flags & kSegmentFinal) != 0));
  consumed_ += kSegmentHeaderBytes + length + kHeadBytes;
  return true;
}

ReplyData reply_data_of(const Record& record) {
  HOOP_ASSERT(record.type == RecordType::reply_data && record.payload.size() >= kActionBytes);
  const ByteSpan payload(record.payload);
  return {ByteReader(payload).u64().value_or(0), payload.subspan(kActionBytes)};
}

RecordedOutput output_of(const Record& record) {
  HOOP_ASSERT(record.type == RecordType::output && record.payload.size() >= kOutputMarkBytes);
  ByteReader reader{ByteSpan(record.payload)};
  RecordedOutput out;
  out.mark.action = reader.u64().value_or(0);
  out.mark.after = std::chrono::milliseconds(reader.u32().value_or(0));
  out.mark.is_error = reader.u8() == 2;
  out.data = reader.rest();
  return out;
}

Result<void> LogReader::take_records(ByteSpan body, bool final_segment) {
  ByteReader reader(body);
  while (!reader.empty()) {
    const auto length = reader.u32();
    const auto type = reader.u8();
    const auto flags = reader.u8();
    const auto zero = reader.u16();
    if (!length || !type || !flags || !zero)
      return fail(ErrorCode::malformed, "a record is cut inside its segment");
    if (*length > kMaxRecordBytes) return fail(ErrorCode::too_large, "a record is too large");
    const auto payload = reader.take(*length);
    if (!payload || *zero != 0)
      return fail(ErrorCode::malformed, "a record does not fit its segment");
    ++records_;
    const bool is_seal = *type == static_cast<std::uint8_t>(RecordType::seal);
    if (is_seal != final_segment || (is_seal && !reader.empty()))
      return fail(ErrorCode::malformed, "the seal must stand alone in the final segment");
    if (ended_ && !is_seal)
      return fail(ErrorCode::integrity, "a record follows the end of the session");
    if (is_seal) HOOP_CHECK(check_seal(*payload));
    if (*type == static_cast<std::uint8_t>(RecordType::session_end)) ended_ = true;
    if (!is_known(*type)) {
      if ((*flags & kRecordSkippable) != 0) continue;
      return fail(ErrorCode::unsupported,
                  fmt::format("record type {} is not known and may not be skipped", *type),
                  "use a newer hoopctl");
    }
    if (*type == static_cast<std::uint8_t>(RecordType::reply_data) && *length < kActionBytes)
      return fail(ErrorCode::malformed, "reply data does not say of which action it is");
    if (*type == static_cast<std::uint8_t>(RecordType::output) &&
        (*length < kOutputMarkBytes || ((*payload)[12] != 1 && (*payload)[12] != 2)))
      return fail(ErrorCode::malformed, "output does not say of which program it is");
    ready_.push_back(
        {static_cast<RecordType>(*type), records_, Bytes(payload->begin(), payload->end())});
  }
  if (final_segment && !sealed_)
    return fail(ErrorCode::malformed, "the final segment holds no seal");
  return {};
}

Result<void> LogReader::check_seal(ByteSpan payload) {
  if (!ended_) return fail(ErrorCode::integrity, "the seal stands before the end of the session");
  HOOP_TRY(const Json json, parse_object(payload, "seal"));
  const auto signature = text_member(json, "signature");
  const auto raw = signature ? from_base64url(*signature) : std::nullopt;
  if (!raw) return fail(ErrorCode::malformed, "the seal holds no signature");
  Bytes message = to_bytes(kSealLabel);
  ByteWriter writer(message);
  writer.bytes(previous_head_);
  writer.u64(length_before_segment_);
  writer.u64(records_ - 1);
  if (!crypto::verify_ed25519(header_->key, message, *raw)) {
    return fail(ErrorCode::integrity, "the seal was not made with the session's key");
  }
  sealed_ = true;
  return {};
}

Result<LogSummary> LogReader::finish() {
  if (!header_) return fail(ErrorCode::malformed, "the log ends inside its header");
  HOOP_ASSERT(ready_.empty());
  return LogSummary{*header_, sealed_, records_, length_, buffer_.size() - consumed_, head_};
}

Result<LogSummary> verify_log_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) {
    return fail(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io,
                fmt::format("open '{}': {}", path, std::strerror(errno)));
  }
  LogReader reader;
  Bytes chunk(256U << 10);
  for (;;) {
    const ssize_t count = ::read(file, chunk.data(), chunk.size());
    if (count < 0) {
      const int error = errno;
      ::close(file);
      return fail(ErrorCode::io, fmt::format("read '{}': {}", path, std::strerror(error)));
    }
    if (count == 0) break;
    reader.feed(ByteSpan(chunk).first(static_cast<std::size_t>(count)));
    for (;;) {
      auto record = reader.next();
      if (!record) {
        ::close(file);
        return std::unexpected(std::move(record).error().within(path));
      }
      if (!*record) break;
    }
  }
  ::close(file);
  return reader.finish();
}

}  // namespace hoop::record
