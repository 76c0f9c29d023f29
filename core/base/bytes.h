// SPDX-License-Identifier: Apache-2.0
// Byte strings and the two bounded cursors that every wire codec is written with.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"

namespace hoop {

using Bytes = std::vector<std::uint8_t>;
using ByteSpan = std::span<const std::uint8_t>;
using MutableByteSpan = std::span<std::uint8_t>;

inline ByteSpan as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(std::string_view text) {
  return {as_bytes(text).begin(), as_bytes(text).end()};
}
inline std::string to_text(ByteSpan bytes) { return std::string(as_text(bytes)); }

/// Reads big-endian values off the front of a span that outlives it. Never reads past the end: each
/// call answers nullopt and leaves the cursor where it was if the span is too short.
class ByteReader {
 public:
  explicit ByteReader(ByteSpan bytes) : rest_(bytes) {}

  std::optional<std::uint8_t> u8();
  std::optional<std::uint16_t> u16();
  std::optional<std::uint32_t> u32();
  std::optional<std::uint64_t> u64();
  std::optional<std::int16_t> i16();
  std::optional<std::int32_t> i32();
  std::optional<ByteSpan> take(std::size_t count);
  /// The text up to the next NUL, which is consumed and not part of it.
  std::optional<std::string_view> c_string();

  ByteSpan rest() const { return rest_; }
  std::size_t size() const { return rest_.size(); }
  bool empty() const { return rest_.empty(); }

 private:
  ByteSpan rest_;
};

/// Appends big-endian values to a buffer that outlives it.
class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(out) {}

  void u8(std::uint8_t value);
  void u16(std::uint16_t value);
  void u32(std::uint32_t value);
  void u64(std::uint64_t value);
  void i16(std::int16_t value) { u16(static_cast<std::uint16_t>(value)); }
  void i32(std::int32_t value) { u32(static_cast<std::uint32_t>(value)); }
  void bytes(ByteSpan value);
  void text(std::string_view value) { bytes(as_bytes(value)); }
  /// The text and a NUL. The text must hold no NUL: the caller has checked.
  void c_string(std::string_view value);
  /// Overwrites four bytes at offset (a length written before it was known).
  void patch_u32(std::size_t offset, std::uint32_t value);
  std::size_t size() const { return out_.size(); }

 private:
  Bytes& out_;
};

}  // namespace hoop
