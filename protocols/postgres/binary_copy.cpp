// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/binary_copy.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "protocols/postgres/messages.h"

namespace hoop::postgres {
namespace {

constexpr std::string_view kSignature("PGCOPY\n\377\r\n\0", 11);

std::unexpected<Error> malformed(const char* what) {
  return fail(ErrorCode::malformed, std::string("a binary COPY ") + what);
}

}  // namespace

Result<void> BinaryCopyReader::add(ByteSpan piece) {
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(taken_));
  taken_ = 0;
  if (held_.size() + piece.size() > kMaxMessageBytes)
    return fail(ErrorCode::too_large, "a copied row is too large to be masked");
  held_.insert(held_.end(), piece.begin(), piece.end());
  return {};
}

Result<const BinaryCopyReader::Unit*> BinaryCopyReader::next() {
  const ByteSpan rest = ByteSpan(held_).subspan(taken_);
  if (rest.empty()) return nullptr;
  if (stage_ == Stage::ended) return malformed("goes on behind its end");
  HOOP_TRY(const bool whole, stage_ == Stage::header ? read_header(rest) : read_tuple(rest));
  if (!whole) return nullptr;
  unit_.whole = rest.first(size_);
  unit_.fields.clear();
  for (const Field& field : fields_) {
    unit_.fields.push_back(field.size < 0 ? std::nullopt
                                          : std::optional(rest.subspan(
                                                field.at, static_cast<std::size_t>(field.size))));
  }
  taken_ += size_;
  size_ = 0;
  count_.reset();
  fields_.clear();
  return &unit_;
}

Result<bool> BinaryCopyReader::read_header(ByteSpan rest) {
  const std::size_t known = std::min(rest.size(), kSignature.size());
  if (as_text(rest.first(known)) != kSignature.substr(0, known))
    return malformed("does not begin as one");
  ByteReader reader(rest.subspan(known));
  const auto flags = reader.u32();
  const auto extension = reader.u32();
  if (known < kSignature.size() || !flags || !extension) return false;
  // None is in use since version 12, and what nobody knows how to read would pass unmasked.
  if (*flags != 0) return malformed("has flags that are not known");
  if (*extension != 0) return malformed("has an extension of its header");
  stage_ = Stage::tuples;
  size_ = rest.size() - reader.size();
  return true;
}

Result<bool> BinaryCopyReader::read_tuple(ByteSpan rest) {
  ByteReader reader(rest.subspan(size_));
  if (!count_) {
    const auto count = reader.i16();
    if (!count) return false;
    if (*count < -1) return malformed("has a tuple of less than no fields");
    if (*count == -1) stage_ = Stage::ended;
    count_ = *count;
    size_ = rest.size() - reader.size();
  }
  while (std::cmp_less(fields_.size(), *count_)) {
    const auto length = reader.i32();
    if (!length) return false;
    if (*length < -1) return malformed("has a field of less than no bytes");
    const std::size_t at = rest.size() - reader.size();
    if (*length >= 0 && !reader.take(static_cast<std::size_t>(*length))) return false;
    fields_.push_back({at, *length});
    size_ = rest.size() - reader.size();
  }
  return true;
}

}  // namespace hoop::postgres
