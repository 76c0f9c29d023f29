// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/recorded_reply.h"

#include <algorithm>
#include <utility>

#include "core/base/encoding.h"
#include "protocols/postgres/message_reader.h"

namespace hoop::postgres {
namespace {

constexpr std::size_t kHeaderBytes = 5;
constexpr std::size_t kMostMessageBytes = 16U << 20;
constexpr std::size_t kMostShownBytes = 64U << 10;  // of one value: as much as a statement's record

bool is_text(ByteSpan bytes) {
  return is_utf8(as_text(bytes)) && std::ranges::find(bytes, std::uint8_t{0}) == bytes.end();
}

std::string shown_value(ByteSpan bytes) {
  if (!is_text(bytes)) return "\\x" + to_hex(bytes.first(std::min(bytes.size(), kMostShownBytes)));
  return neutralise(as_text(bytes), kMostShownBytes, Lines::escape);
}

}  // namespace

void RecordedReply::feed(ByteSpan bytes, const Line& line) {
  if (broken_) return;
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
  ByteSpan rest(pending_);
  while (rest.size() >= kHeaderBytes) {
    const std::uint32_t length = ByteReader(rest.subspan(1)).u32().value_or(0);
    if (length < 4 || length > kMostMessageBytes) {
      broken_ = true;
      break;
    }
    if (rest.size() < std::size_t{1} + length) break;
    take(static_cast<char>(rest[0]), rest.subspan(kHeaderBytes, length - 4), line);
    rest = rest.subspan(std::size_t{1} + length);
  }
  pending_.erase(pending_.begin(),
                 pending_.begin() + static_cast<std::ptrdiff_t>(pending_.size() - rest.size()));
}

void RecordedReply::take(char tag, ByteSpan body, const Line& line) {
  if (tag == 'd') {
    std::string_view text = as_text(body);
    if (text.ends_with('\n')) text.remove_suffix(1);
    line(shown_value(as_bytes(text)));
    return;
  }
  const auto row = tag == 'D' ? decode_data_row(body) : std::unexpected(Error{});
  if (!row) return;
  std::string out;
  bool first = true;
  for (const Value& value : row->values) {
    if (!std::exchange(first, false)) out += " | ";
    out += value ? shown_value(*value) : "NULL";
  }
  line(std::move(out));
}

}  // namespace hoop::postgres
