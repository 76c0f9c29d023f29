// SPDX-License-Identifier: Apache-2.0
// The fixed reasons for which a statement is refused before policy is asked, in words for the
// program's user.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/access/policy.h"

namespace hoop::postgres {

enum class RefusalCode : std::uint8_t {
  unreadable,
  unknown_statement,
  role_change,
  role_definition,
  pinned_setting,
  prepare_transaction,
  subscription,
  session_grant,
  server_access,
  forbidden_function,
  masked_predicate,
  masked_derived,
  masked_whole_row,
  masked_view,
  masked_copy,
  masked_explain,
  masked_definition,
  masked_code,
  masked_statistics,
  opaque_function,
  write_back,
};

/// "SQL_MASKED_DERIVED": stable, for programs. Rules are named "builtin/" and the code.
std::string_view code_name(RefusalCode code);
/// effect deny, rule "builtin/SQL_…". detail follows the message in brackets; it may hold names of
/// objects, never a literal.
access::Decision refuse(RefusalCode code, std::string_view detail = {});

}  // namespace hoop::postgres
