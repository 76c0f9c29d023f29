// SPDX-License-Identifier: Apache-2.0
// Rows of a COPY in text or CSV: fields that are written anew read the same again, what is not
// written anew stays as it is, and the ends of rows are the same however they are cut.
#include "protocols/postgres/copy_text.h"

namespace {

using namespace hoop;
using namespace hoop::postgres;

std::vector<std::string> texts(std::span<const std::string_view> fields) {
  return {fields.begin(), fields.end()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 7) return 0;
  CopyText format;
  format.csv = (data[0] & 1U) != 0;
  format.delimiter = static_cast<char>(data[1]);
  format.quote = static_cast<char>(data[2]);
  format.escape = static_cast<char>(data[3]);
  format.null.assign(reinterpret_cast<const char*>(data) + 4, data[0] >> 7U);
  const std::size_t piece = std::size_t{1} + data[5] % 16;
  const ByteSpan stream(data + 6, size - 6);
  const std::string_view rows = as_text(stream);

  CopyFields fields(format);
  const std::vector<std::string> values = texts(fields.split(rows));
  HOOP_ASSERT(!values.empty());
  std::string same;
  fields.join(std::vector<std::optional<std::string>>(values.size()), same);
  HOOP_ASSERT(same == rows);

  CopyRowEnd whole(format), cut(format);
  const bool ends = whole.feed(stream);
  bool cut_ends = false;
  for (std::size_t at = 0; at < stream.size(); at += piece)
    cut_ends = cut.feed(stream.subspan(at, std::min(piece, stream.size() - at)));
  HOOP_ASSERT(ends == cut_ends);

  // What no server takes as options: a byte that means two things.
  const bool sound = format.delimiter != '\n' && format.delimiter != '\r' &&
                     format.delimiter != '\\' && format.quote != '\n' && format.quote != '\r' &&
                     format.escape != '\n' && format.escape != '\r' &&
                     format.delimiter != format.quote && format.null.empty();
  const bool unescaped_letter = !format.csv && format.delimiter >= 'a' && format.delimiter <= 'z';
  if (!sound || unescaped_letter) return 0;
  // Rows that a server did not write may hold fields in several quotes: written anew they are the
  // server's.
  std::vector<std::optional<std::string>> rewritten(values.begin(), values.end());
  std::string again;
  fields.split(rows);
  fields.join(rewritten, again);
  CopyFields reader(format);
  HOOP_ASSERT(texts(reader.split(again)) == values);
  return 0;
}
