// SPDX-License-Identifier: Apache-2.0
// What the decoders of both directions share: a cursor that remembers the first thing that was off.
#pragma once

#include <fmt/format.h>

#include <string_view>

#include "core/base/bytes.h"
#include "core/base/error.h"
#include "protocols/postgres/messages.h"

namespace hoop::postgres::detail {

/// Reads the fields of one message; after a failure every read answers an empty value, and finish()
/// tells the first failure. So a decoder is straight-line code that cannot forget a check.
class Decoder {
 public:
  Decoder(std::string_view message, ByteSpan body) : message_(message), in_(body) {}

  std::string_view text(std::string_view field) { return get(in_.c_string(), field); }
  std::uint8_t u8(std::string_view field) { return get(in_.u8(), field); }
  std::uint16_t u16(std::string_view field) { return get(in_.u16(), field); }
  std::uint32_t u32(std::string_view field) { return get(in_.u32(), field); }
  ByteSpan bytes(std::size_t count, std::string_view field) { return get(in_.take(count), field); }
  ByteSpan rest() { return get(in_.take(in_.size()), "data"); }
  std::size_t left() const { return in_.size(); }
  Format format(std::string_view field) { return get(take_format(in_), field); }
  Value value(std::string_view field) { return get(take_value(in_), field); }

  /// A u16 count and that many items.
  template <class List>
  List list(std::string_view field) {
    return counted<List>(u16(field), field);
  }
  /// The same for counts that the docs have as Int16 and that are never above 32767: a negative one
  /// is refused.
  template <class List>
  List signed_list(std::string_view field) {
    const std::uint16_t count = u16(field);
    if (count > 0x7fff) refuse(field);
    return counted<List>(count, field);
  }
  template <class List>
  List counted(std::size_t count, std::string_view field) {
    if (failed_.empty()) {
      if (auto items = List::read(in_, count)) return *items;
      refuse(field);
    }
    return {};
  }
  template <class List>
  List to_nul(std::size_t most, std::string_view field) {
    if (failed_.empty()) {
      if (auto items = List::read_to_nul(in_, most)) return *items;
      refuse(field);
    }
    return {};
  }
  void require(bool holds, std::string_view field) {
    if (!holds) refuse(field);
  }

  template <class Message>
  Result<Message> finish(Message message) {
    if (!failed_.empty())
      return fail(ErrorCode::malformed,
                  fmt::format("{} message: {} is not valid", message_, failed_));
    if (!in_.empty())
      return fail(ErrorCode::malformed,
                  fmt::format("{} message: {} bytes after its end", message_, in_.size()));
    return message;
  }

 private:
  template <class T>
  T get(std::optional<T> value, std::string_view field) {
    if (failed_.empty() && value) return *value;
    refuse(field);
    return T{};
  }
  void refuse(std::string_view field) {
    if (failed_.empty()) failed_ = field;
  }
  std::string_view message_;
  ByteReader in_;
  std::string_view failed_;
};

}  // namespace hoop::postgres::detail
