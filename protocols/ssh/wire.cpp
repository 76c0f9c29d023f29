// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/wire.h"

namespace hoop::ssh {

std::optional<ByteSpan> read_string(ByteReader& reader) {
  ByteReader tried = reader;
  const auto size = tried.u32();
  if (!size) return std::nullopt;
  const auto bytes = tried.take(*size);
  if (bytes) reader = tried;
  return bytes;
}

void write_string(ByteWriter& writer, ByteSpan value) {
  writer.u32(static_cast<std::uint32_t>(value.size()));
  writer.bytes(value);
}

void write_string(ByteWriter& writer, std::string_view value) {
  write_string(writer, as_bytes(value));
}

}  // namespace hoop::ssh
