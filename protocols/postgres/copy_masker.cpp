// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/copy_masker.h"

#include <algorithm>
#include <vector>

#include "protocols/postgres/message_writer.h"

namespace hoop::postgres {

Result<void> CopyMasker::rewrite(const Frame& copy_data, Bytes& out, mask::HiddenCounts& counts) {
  if (!masker_.has_detectors()) {
    out.insert(out.end(), copy_data.whole.begin(), copy_data.whole.end());
    return {};
  }
  const ByteSpan data = copy_data.body;
  if (format_ == Format::binary) return rewrite_binary(data, out, counts);
  const bool row_ends = row_end_.feed(data);
  if (!held_.empty() || !row_ends) {
    if (held_.size() + data.size() > kMaxMessageBytes)
      return fail(ErrorCode::too_large, "a copied row is too large to be masked");
    held_.insert(held_.end(), data.begin(), data.end());
    return row_ends ? finish(out, counts) : Result<void>{};
  }
  return release(data, out, counts);
}

Result<void> CopyMasker::finish(Bytes& out, mask::HiddenCounts& counts) {
  if (!binary_.at_end()) return fail(ErrorCode::malformed, "a binary COPY ends inside a row");
  if (held_.empty()) return {};
  const Bytes row = std::exchange(held_, {});
  return release(row, out, counts);
}

Result<void> CopyMasker::rewrite_binary(ByteSpan data, Bytes& out, mask::HiddenCounts& counts) {
  HOOP_CHECK(binary_.add(data));
  Bytes text;
  for (;;) {
    HOOP_TRY(const BinaryCopyReader::Unit* const unit, binary_.next());
    if (unit == nullptr) break;
    HOOP_CHECK(append_tuple(*unit, text, counts));
  }
  if (!text.empty()) append_copy_data(out, text);
  return {};
}

Result<void> CopyMasker::append_tuple(const BinaryCopyReader::Unit& tuple, Bytes& text,
                                      mask::HiddenCounts& counts) {
  std::vector<std::string_view> fields;
  for (const auto& field : tuple.fields)
    fields.push_back(field ? as_text(*field) : std::string_view());
  std::vector<std::optional<std::string>> rewritten(fields.size());
  if (!fields.empty()) HOOP_CHECK(masker_.rewrite(fields, rewritten, counts));
  const std::uint8_t* copied = tuple.whole.data();
  ByteWriter writer(text);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!rewritten[i]) continue;
    const ByteSpan value = *tuple.fields[i];
    writer.bytes({copied, value.data() - sizeof(std::int32_t)});
    writer.i32(-1);
    copied = value.data() + value.size();
  }
  writer.bytes({copied, tuple.whole.data() + tuple.whole.size()});
  return {};
}

Result<void> CopyMasker::release(ByteSpan row, Bytes& out, mask::HiddenCounts& counts) {
  const auto fields = fields_.split(as_text(row));
  rewritten_.assign(fields.size(), std::nullopt);
  HOOP_CHECK(masker_.rewrite(fields, rewritten_, counts));
  if (std::ranges::none_of(rewritten_, [](const auto& text) { return text.has_value(); })) {
    append_copy_data(out, row);
    return {};
  }
  std::string text;
  fields_.join(rewritten_, text);
  append_copy_data(out, as_bytes(text));
  return {};
}

}  // namespace hoop::postgres
