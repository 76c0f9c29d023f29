// SPDX-License-Identifier: Apache-2.0
// SQL text with its numbers left out: what two texts have in common that differ in keys only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hoop::postgres {

/// sql with each whole number of one to nine digits that does not begin with 0 replaced by one and
/// the same byte, which no SQL has. Two texts with one pattern have, in PostgreSQL's raw grammar,
/// one parse tree but for the values and places of integer constants. nullopt for what this reads
/// too simply to be sure of it: comments, dollar quotes, literals with a prefix (E'…'), numbers
/// with a fraction or a letter behind, and FLOAT, whose number chooses a type.
std::optional<std::string> number_pattern(std::string_view sql);

}  // namespace hoop::postgres
