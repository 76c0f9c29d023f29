// SPDX-License-Identifier: Apache-2.0
// What the options of COPY … TO say of how its rows are written (PostgreSQL "COPY",
// ProcessCopyOptions).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocols/postgres/copy_text.h"
#include "protocols/postgres/sql_tree.h"

namespace hoop::postgres {

/// Of a CopyStmt; the defaults for a binary one. Null where an option, or the value of one, is not
/// known here: then nobody can say where a field ends.
std::shared_ptr<const CopyText> copy_text(const SqlNode& statement);

/// Of a CopyStmt: the value of ENCODING, if it has that option.
std::optional<std::string> copy_encoding(const SqlNode& statement);

}  // namespace hoop::postgres
