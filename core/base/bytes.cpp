// SPDX-License-Identifier: Apache-2.0
#include "core/base/bytes.h"

#include <algorithm>

namespace hoop {
namespace {

template <class T>
std::optional<T> take_big_endian(ByteSpan& rest) {
  if (rest.size() < sizeof(T)) return std::nullopt;
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(static_cast<T>(value << 8) | rest[i]);
  rest = rest.subspan(sizeof(T));
  return value;
}

template <>
std::optional<std::uint8_t> take_big_endian<std::uint8_t>(ByteSpan& rest) {
  if (rest.empty()) return std::nullopt;
  const std::uint8_t value = rest[0];
  rest = rest.subspan(1);
  return value;
}

template <class T>
void put_big_endian(Bytes& out, T value) {
  for (std::size_t i = sizeof(T); i-- > 0;)
    out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

}  // namespace

std::optional<std::uint8_t> ByteReader::u8() { return take_big_endian<std::uint8_t>(rest_); }
std::optional<std::uint16_t> ByteReader::u16() { return take_big_endian<std::uint16_t>(rest_); }
std::optional<std::uint32_t> ByteReader::u32() { return take_big_endian<std::uint32_t>(rest_); }
std::optional<std::uint64_t> ByteReader::u64() { return take_big_endian<std::uint64_t>(rest_); }

std::optional<std::int16_t> ByteReader::i16() {
  const auto value = u16();
  if (!value) return std::nullopt;
  return static_cast<std::int16_t>(*value);
}

std::optional<std::int32_t> ByteReader::i32() {
  const auto value = u32();
  if (!value) return std::nullopt;
  return static_cast<std::int32_t>(*value);
}

std::optional<ByteSpan> ByteReader::take(std::size_t count) {
  if (count > rest_.size()) return std::nullopt;
  const ByteSpan front = rest_.first(count);
  rest_ = rest_.subspan(count);
  return front;
}

std::optional<std::string_view> ByteReader::c_string() {
  const auto end = std::find(rest_.begin(), rest_.end(), std::uint8_t{0});
  if (end == rest_.end()) return std::nullopt;
  const auto length = static_cast<std::size_t>(end - rest_.begin());
  const std::string_view text = as_text(rest_.first(length));
  rest_ = rest_.subspan(length + 1);
  return text;
}

void ByteWriter::u8(std::uint8_t value) { out_.push_back(value); }
void ByteWriter::u16(std::uint16_t value) { put_big_endian(out_, value); }
void ByteWriter::u32(std::uint32_t value) { put_big_endian(out_, value); }
void ByteWriter::u64(std::uint64_t value) { put_big_endian(out_, value); }
void ByteWriter::bytes(ByteSpan value) { out_.insert(out_.end(), value.begin(), value.end()); }

void ByteWriter::c_string(std::string_view value) {
  HOOP_ASSERT(value.find('\0') == std::string_view::npos);
  text(value);
  u8(0);
}

void ByteWriter::patch_u32(std::size_t offset, std::uint32_t value) {
  HOOP_ASSERT(offset + 4 <= out_.size());
  for (std::size_t i = 0; i < 4; ++i)
    out_[offset + i] = static_cast<std::uint8_t>(value >> (8 * (3 - i)));
}

}  // namespace hoop
