// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/message_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace hoop::postgres {
namespace {

constexpr std::uint32_t kMostLargeBytes = 0x7FFFFFFF;  // PostgreSQL reads the length as signed
constexpr std::size_t kIdleBytes = 4U << 10;           // what a session that waits holds
constexpr std::size_t kReadBytes = 64U << 10;          // one recv of a busy session
constexpr std::size_t kBulkBytes = 256U << 10;         // measured: 64 KiB 1650 MB/s, 256 KiB 1980
constexpr unsigned kFullReadsToGrow = 4;
constexpr unsigned kSmallReadsToShrink = 1;

constexpr std::string_view kFrontendTags = "BCDEFHPQSXcdfp";
constexpr std::string_view kBackendTags = "123ACDEGHIKNRSTVWZcdnstv";

std::uint32_t big_endian_u32(const std::uint8_t* bytes) {
  return (std::uint32_t{bytes[0]} << 24) | (std::uint32_t{bytes[1]} << 16) |
         (std::uint32_t{bytes[2]} << 8) | bytes[3];
}

bool is_tag(Direction direction, char tag) {
  const std::string_view tags =
      direction == Direction::from_frontend ? kFrontendTags : kBackendTags;
  return tags.find(tag) != std::string_view::npos;
}

}  // namespace

MutableByteSpan FrameReader::prepare() {
  std::size_t wanted = std::max(capacity_, kIdleBytes);
  if (full_reads_ >= 1) wanted = std::max(wanted, kReadBytes);
  if (full_reads_ >= kFullReadsToGrow) wanted = std::max(wanted, kBulkBytes);
  if (buffered() == 0 && small_reads_ >= kSmallReadsToShrink) wanted = kIdleBytes;
  // A buffer that a single large message made goes back to the bulk size with the next one.
  if (buffered() == 0) wanted = std::min(wanted, kBulkBytes);
  if (needed_ > wanted) {
    // The peer has only announced the message: memory follows what it has really sent.
    wanted = std::max(wanted, std::min(needed_, std::max(2 * buffered(), kReadBytes)));
  }
  if (wanted == buffered()) wanted *= 2;
  if (wanted != capacity_) {
    move_to(wanted);
  } else if (taken_ != 0) {
    std::memmove(buffer_.get(), buffer_.get() + taken_, buffered());
    filled_ -= taken_;
    taken_ = 0;
  }
  offered_ = capacity_ - filled_;
  return {buffer_.get() + filled_, offered_};
}

MutableByteSpan FrameReader::prepare(std::size_t size) {
  const MutableByteSpan space = prepare();
  if (space.size() >= size) return space;
  move_to(filled_ + size);
  offered_ = size;
  return {buffer_.get() + filled_, offered_};
}

void FrameReader::commit(std::size_t count) {
  HOOP_ASSERT(count <= offered_);
  full_reads_ = count == offered_ ? full_reads_ + 1 : 0;
  small_reads_ = count < kIdleBytes ? small_reads_ + 1 : 0;
  filled_ += count;
  offered_ = 0;
}

void FrameReader::append(ByteSpan bytes) {
  if (bytes.empty()) return;
  const MutableByteSpan space = prepare(bytes.size());
  std::memcpy(space.data(), bytes.data(), bytes.size());
  commit(bytes.size());
}

void FrameReader::move_to(std::size_t capacity) {
  const std::size_t kept = buffered();
  HOOP_ASSERT(capacity >= kept);
  auto moved = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
  if (kept != 0) std::memcpy(moved.get(), buffer_.get() + taken_, kept);
  buffer_ = std::move(moved);
  capacity_ = capacity;
  taken_ = 0;
  filled_ = kept;
}

void FrameReader::release() {
  if (buffered() != 0) return;
  buffer_.reset();
  capacity_ = taken_ = filled_ = offered_ = 0;
  full_reads_ = small_reads_ = 0;
}

Result<std::optional<Frame>> FrameReader::next(Direction direction) {
  if (buffered() == 0) return std::nullopt;
  const std::uint8_t* const front = buffer_.get() + taken_;
  const char tag = static_cast<char>(*front);
  if (!is_tag(direction, tag)) {
    return fail(
        ErrorCode::malformed,
        fmt::format("no PostgreSQL message has the tag 0x{:02x} in this direction", *front));
  }
  if (buffered() < 5) return std::nullopt;
  const std::uint32_t length = big_endian_u32(front + 1);
  if (length < 4)
    return fail(ErrorCode::malformed,
                fmt::format("message '{}' has the impossible length {}", tag, length));
  if (length >= max_message_) {
    return fail(ErrorCode::too_large,
                fmt::format("message '{}' of {} bytes is above the limit of {}", tag, length,
                            max_message_));
  }
  return cut(std::size_t{length} + 1, 5, tag);
}

std::optional<LargeFrame> FrameReader::large() const {
  if (buffered() < 5) return std::nullopt;
  const std::uint8_t* const front = buffer_.get() + taken_;
  const std::uint32_t length = big_endian_u32(front + 1);
  if (length < max_message_ || length > kMostLargeBytes) return std::nullopt;
  return LargeFrame{static_cast<char>(*front), std::uint64_t{length} + 1};
}

ByteSpan FrameReader::take_piece(std::uint64_t most) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(most, buffered()));
  const ByteSpan piece(buffer_.get() + taken_, size);
  taken_ += size;
  return piece;
}

Result<std::optional<Frame>> FrameReader::next_startup() {
  if (buffered() < 4) return std::nullopt;
  const std::uint32_t length = big_endian_u32(buffer_.get() + taken_);
  if (length < 8)
    return fail(ErrorCode::malformed,
                fmt::format("startup packet has the impossible length {}", length));
  if (length > std::min(kMaxStartupBytes, max_message_)) {
    return fail(ErrorCode::too_large,
                fmt::format("startup packet of {} bytes is above the limit of {}", length,
                            kMaxStartupBytes));
  }
  return cut(length, 4, 0);
}

Result<std::optional<Frame>> FrameReader::cut(std::size_t whole, std::size_t header, char tag) {
  if (buffered() < whole) {
    needed_ = whole;
    return std::nullopt;
  }
  const ByteSpan bytes(buffer_.get() + taken_, whole);
  taken_ += whole;
  needed_ = 0;
  return Frame{tag, bytes.subspan(header), bytes};
}

std::optional<DataRowReader> DataRowReader::open(ByteSpan body) {
  ByteReader in(body);
  const auto columns = in.i16();
  if (!columns || *columns < 0) return std::nullopt;
  return DataRowReader(in, static_cast<std::size_t>(*columns));
}

DataRowReader::Step DataRowReader::next(Value& value) {
  if (left_ == 0) return in_.empty() ? Step::end : Step::malformed;
  auto taken = take_value(in_);
  if (!taken) return Step::malformed;
  value = *taken;
  --left_;
  return Step::value;
}

}  // namespace hoop::postgres
