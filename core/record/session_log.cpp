// SPDX-License-Identifier: Apache-2.0
#include "core/record/session_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "core/base/encoding.h"
#include "core/record/log_format.h"

namespace hoop::record {
namespace {

// The header is the session_start record's object with the format's own members in front.
std::string header_json(const SessionStart& start, const crypto::Ed25519PublicKey& key) {
  std::string json =
      fmt::format("{{\"format\":\"hoopctl-session-log\",\"key\":\"{}\",", to_base64url(key));
  json += to_json(start).substr(1);
  return json;
}

}  // namespace

struct SessionLog::Impl {
  Impl(std::shared_ptr<LogSink> sink_, crypto::Ed25519Key key_)
      : sink(std::move(sink_)), key(std::move(key_)) {}

  std::shared_ptr<LogSink> sink;
  crypto::Ed25519Key key;
  crypto::Sha256 hash;
  crypto::Digest256 head{};
  Bytes segment;  // header placeholder and the records appended since the last commit
  Bytes front;    // the header that is being made
  std::uint64_t segments = 0;
  std::uint64_t records = 0;
  std::uint64_t uncommitted_records = 0;
  std::uint64_t written = 0;
  std::optional<Error> failure;
  bool sealed = false;

  void begin_segment() {
    segment.resize(kSegmentHeaderBytes);
    uncommitted_records = 0;
  }

  /// first and rest are the record's payload together.
  Result<void> append(RecordType type, ByteSpan first, ByteSpan rest) {
    if (failure) return std::unexpected(*failure);
    if (sealed) return fail(ErrorCode::internal, "the session log is sealed");
    const std::size_t size = first.size() + rest.size();
    if (size > kMaxRecordBytes)
      return fail(ErrorCode::too_large, "a record is larger than the session log takes");
    if (segment.size() + kRecordHeaderBytes + size > kMaxSegmentBytes) {
      if (auto committed = commit(0); !committed) return committed;
    }
    ByteWriter writer(segment);
    writer.u32(static_cast<std::uint32_t>(size));
    writer.u8(static_cast<std::uint8_t>(type));
    const bool skippable = type == RecordType::reply_data || type == RecordType::output;
    writer.u8(skippable ? kRecordSkippable : 0);
    writer.u16(0);
    writer.bytes(first);
    writer.bytes(rest);
    ++uncommitted_records;
    return {};
  }

  Result<void> commit(std::uint8_t flags) {
    if (failure) return std::unexpected(*failure);
    if (segment.size() == kSegmentHeaderBytes) return {};
    const std::size_t length = segment.size() - kSegmentHeaderBytes;
    front.clear();
    ByteWriter header(front);
    header.u32(static_cast<std::uint32_t>(length));
    header.u8(kEncodingPlain);
    header.u8(flags);
    header.u16(0);
    header.u64(segments + 1);
    std::copy(front.begin(), front.end(), segment.begin());
    hash.update(head);
    hash.update(segment);
    const crypto::Digest256 next = hash.finish();
    segment.insert(segment.end(), next.begin(), next.end());
    if (auto result = sink->write(segment); !result) {
      failure = result.error().within("write the session log");
      // What was not written was not released either: the chain goes on from the last whole
      // segment.
      begin_segment();
      return std::unexpected(*failure);
    }
    head = next;
    written += segment.size();
    records += uncommitted_records;
    ++segments;
    begin_segment();
    return {};
  }

  Result<void> seal(const SessionEnd& end) {
    if (sealed) return fail(ErrorCode::internal, "the session log is sealed already");
    SessionEnd last = end;
    if (failure) {
      // Only the end is still to be written; the sink gives back the space that it kept for this.
      last.cause = "record_failed";
      sink->release_reserve();
      failure.reset();
    }
    HOOP_CHECK(append(RecordType::session_end, {}, as_bytes(to_json(last))));
    HOOP_CHECK(commit(0));
    Bytes message = to_bytes(kSealLabel);
    ByteWriter writer(message);
    writer.bytes(head);
    writer.u64(written);
    writer.u64(records);
    const std::string json =
        fmt::format("{{\"signature\":\"{}\"}}", to_base64url(key.sign(message)));
    HOOP_CHECK(append(RecordType::seal, {}, as_bytes(json)));
    HOOP_CHECK(commit(kSegmentFinal));
    sealed = true;
    return sink->sync();
  }
};

SessionLog::SessionLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SessionLog::~SessionLog() = default;
SessionLog::SessionLog(SessionLog&&) noexcept = default;
SessionLog& SessionLog::operator=(SessionLog&&) noexcept = default;

Result<SessionLog> SessionLog::create(std::shared_ptr<LogSink> sink, crypto::Ed25519Key key,
                                      const SessionStart& start) {
  auto impl = std::make_unique<Impl>(std::move(sink), std::move(key));
  const std::string json = header_json(start, impl->key.public_key());
  if (json.size() > kMaxHeaderBytes) {
    return fail(ErrorCode::too_large, "the command line is too long for the session log",
                "put long arguments into a file");
  }
  Bytes header = to_bytes(kMagic);
  ByteWriter writer(header);
  writer.u16(kVersion);
  writer.u32(static_cast<std::uint32_t>(json.size()));
  writer.text(json);
  impl->hash.update(as_bytes(kChainLabel));
  impl->hash.update(header);
  impl->head = impl->hash.finish();
  if (auto result = impl->sink->write(header); !result)
    return std::unexpected(std::move(result).error().within("start the session log"));
  impl->written = header.size();
  impl->begin_segment();
  return SessionLog(std::move(impl));
}

Result<void> SessionLog::append(RecordType type, std::string_view json) {
  return impl_->append(type, {}, as_bytes(json));
}
Result<void> SessionLog::append_reply_data(std::uint64_t action, ByteSpan masked) {
  std::array<std::uint8_t, kActionBytes> number{};
  for (std::size_t i = 0; i < number.size(); ++i)
    number[number.size() - 1 - i] = static_cast<std::uint8_t>(action >> (8 * i));
  return impl_->append(RecordType::reply_data, number, masked);
}
Result<void> SessionLog::append_output(const OutputMark& mark, ByteSpan masked) {
  Bytes front;
  ByteWriter writer(front);
  writer.u64(mark.action);
  writer.u32(static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(mark.after.count(), 0, std::numeric_limits<std::uint32_t>::max())));
  writer.u8(mark.is_error ? 2 : 1);
  return impl_->append(RecordType::output, front, masked);
}
bool SessionLog::has_uncommitted() const {
  return impl_->failure.has_value() || impl_->segment.size() > kSegmentHeaderBytes;
}
Result<void> SessionLog::commit() { return impl_->commit(0); }

std::shared_ptr<LogSink> SessionLog::sink() const { return impl_->sink; }

void SessionLog::give_up(const Error& reason) {
  if (impl_->failure || impl_->sealed) return;
  impl_->failure = Error(reason).within("write the session log");
  impl_->begin_segment();
}

Result<void> SessionLog::seal(const SessionEnd& end) { return impl_->seal(end); }
crypto::Digest256 SessionLog::head() const { return impl_->head; }
std::uint64_t SessionLog::bytes_written() const { return impl_->written; }

}  // namespace hoop::record
