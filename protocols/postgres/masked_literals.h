// SPDX-License-Identifier: Apache-2.0
// The literals of a statement that are compared with masked columns, or written to them: the log
// shows the statement without them, since a guess and a value are told by them as well as by a row.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocols/postgres/masked_columns.h"

namespace hoop::postgres {

/// Byte offsets, in the string that was parsed, at which such literals begin; unordered. More than
/// need be rather than less: an expression in which a masked column stands loses all its literals.
std::vector<std::size_t> masked_literals(const SqlNode& statement, const MaskedColumns& columns);
/// Every literal of the statement: for one that hands them to something that cannot be looked into.
std::vector<std::size_t> all_literals(const SqlNode& statement);

/// text with "[redacted]" in the place of the literals that begin at the offsets. What cannot be
/// told to be the whole of a literal is cut off there, with all that follows.
std::string without_literals(std::string_view text, std::vector<std::size_t> offsets);
/// For what cannot be read, and for code in quotes: from the first quote or digit on nothing is
/// shown.
std::string without_quoted(std::string_view text);

}  // namespace hoop::postgres
