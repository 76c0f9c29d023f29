// SPDX-License-Identifier: Apache-2.0
// The binary format of COPY, taken apart (PostgreSQL documentation, COPY, "Binary Format").
#pragma once

#include <optional>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/error.h"

namespace hoop::postgres {

/// Header, tuples and trailer, whole, in whatever pieces they come. Knows no types: the format does
/// not say them.
class BinaryCopyReader {
 public:
  struct Unit {
    ByteSpan whole;
    std::vector<std::optional<ByteSpan>> fields;  // of a tuple, in whole; nullopt is NULL
  };
  /// Takes the next piece over; what next() gave before is gone. Fails with too_large: a tuple
  /// above kMaxMessageBytes.
  Result<void> add(ByteSpan piece);
  /// The next whole unit: the header, then tuples, then the trailer; nullptr: more is needed. The
  /// unit lives until the next call. Fails with malformed.
  Result<const Unit*> next();
  /// Every byte that came has been given.
  bool at_end() const { return taken_ == held_.size(); }

 private:
  enum class Stage { header, tuples, ended };
  struct Field {
    std::size_t at;  // in the tuple
    std::int32_t size;
  };
  /// True: the unit is whole, and of size_ bytes.
  Result<bool> read_header(ByteSpan rest);
  Result<bool> read_tuple(ByteSpan rest);

  Stage stage_ = Stage::header;
  Bytes held_;
  std::size_t taken_ = 0;
  // How far the tuple has been read: one that comes byte by byte is not begun anew with each.
  std::size_t size_ = 0;
  std::optional<int> count_;
  std::vector<Field> fields_;
  Unit unit_;
};

}  // namespace hoop::postgres
