// SPDX-License-Identifier: Apache-2.0
// The data types of SSH (RFC 4251 §5) that are more than a number.
#pragma once

#include <optional>
#include <string_view>

#include "core/base/bytes.h"

namespace hoop::ssh {

/// A string: its length as uint32, then its bytes. nullopt, and the cursor where it was, if what is
/// there is shorter than it says.
std::optional<ByteSpan> read_string(ByteReader& reader);

/// Reads what must be there; remembers that something was not, and is asked once, at the end. Then
/// what it has answered means nothing.
class StrictReader {
 public:
  explicit StrictReader(ByteSpan bytes) : reader_(bytes) {}

  std::uint8_t byte() { return value(reader_.u8()); }
  std::uint32_t number() { return value(reader_.u32()); }
  std::uint64_t large() { return value(reader_.u64()); }
  /// Of at most so many bytes.
  ByteSpan string(std::size_t most) {
    const auto read = read_string(reader_);
    if (!read || read->size() > most) wrong_ = true;
    return wrong_ ? ByteSpan() : *read;
  }
  void fail() { wrong_ = true; }
  bool is_wrong() const { return wrong_; }
  bool empty() const { return reader_.empty(); }
  /// Nothing was wrong, and nothing is left.
  bool is_whole() const { return !wrong_ && reader_.empty(); }

 protected:
  ByteReader reader_;

 private:
  template <class T>
  T value(std::optional<T> read) {
    if (!read) wrong_ = true;
    return read.value_or(T{});
  }
  bool wrong_ = false;
};

void write_string(ByteWriter& writer, ByteSpan value);
void write_string(ByteWriter& writer, std::string_view value);

}  // namespace hoop::ssh
