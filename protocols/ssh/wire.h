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

void write_string(ByteWriter& writer, ByteSpan value);
void write_string(ByteWriter& writer, std::string_view value);

}  // namespace hoop::ssh
