// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/refusal.h"

#include <array>

#include "core/base/encoding.h"

namespace hoop::postgres {
namespace {

struct Words {
  RefusalCode code;
  std::string_view name;
  std::string_view message;
  std::string_view hint;
};

constexpr auto kWords = std::to_array<Words>({
    {RefusalCode::unreadable, "SQL_UNREADABLE",
     "this statement cannot be read, so it cannot be judged",
     "correct the syntax, or write it as PostgreSQL 15 understands it"},
    {RefusalCode::unknown_statement, "SQL_UNKNOWN",
     "this kind of statement is not known here, so it cannot be judged",
     "use a statement of PostgreSQL 15"},
    {RefusalCode::role_change, "SQL_ROLE_CHANGE", "this session's role cannot be changed",
     "work as the role that the grant gives you"},
    {RefusalCode::role_definition, "SQL_ROLE_DEFINITION",
     "roles cannot be created, changed or dropped through hoopctl",
     "ask the database's administrator"},
    {RefusalCode::pinned_setting, "SQL_PINNED_SETTING",
     "this setting is fixed, because statements are read by it",
     "keep standard_conforming_strings = on and client_encoding = UTF8; name settings by "
     "constants"},
    {RefusalCode::prepare_transaction, "SQL_PREPARE_TRANSACTION",
     "two-phase transactions would outlive this session", "use COMMIT"},
    {RefusalCode::subscription, "SQL_SUBSCRIPTION",
     "subscriptions cannot be made or changed through hoopctl", "ask the database's administrator"},
    {RefusalCode::session_grant, "SQL_SESSION_GRANT",
     "nothing can be granted to or by way of a session's own role", "name a lasting role"},
    {RefusalCode::server_access, "SQL_SERVER_ACCESS",
     "the server's files, programs and libraries are out of reach",
     "use COPY FROM STDIN or COPY TO STDOUT (psql: \\copy)"},
    {RefusalCode::forbidden_function, "SQL_FORBIDDEN_FUNCTION",
     "this function reaches beyond what rules can judge", "write the query itself"},
    {RefusalCode::masked_predicate, "SQL_MASKED_PREDICATE",
     "a masked column cannot be compared, joined on, sorted, grouped or limited by",
     "filter and sort by columns that are not masked; masked ones may only be selected"},
    {RefusalCode::masked_derived, "SQL_MASKED_DERIVED",
     "a masked column can only be selected as it is, in the outermost select list or RETURNING",
     "select the plain column there, or leave it out"},
    {RefusalCode::masked_whole_row, "SQL_MASKED_WHOLE_ROW",
     "a row with masked columns cannot be used as one value", "name the columns that you need"},
    {RefusalCode::masked_view, "SQL_MASKED_VIEW",
     "this view reads masked columns, or cannot be looked into", "query the tables behind it"},
    {RefusalCode::masked_copy, "SQL_MASKED_COPY",
     "COPY of a table with masked columns is not possible",
     "name columns that are not masked: COPY table (column, ...) TO STDOUT"},
    {RefusalCode::masked_explain, "SQL_MASKED_EXPLAIN", "EXPLAIN would tell about masked values",
     "run EXPLAIN on tables without masked columns"},
    {RefusalCode::masked_definition, "SQL_MASKED_DEFINITION",
     "a table with masked columns cannot be altered through hoopctl",
     "ask the database's administrator"},
    {RefusalCode::masked_code, "SQL_MASKED_CODE",
     "code that the database would run later cannot be judged on a target with masked columns",
     "write the statements themselves"},
    {RefusalCode::masked_statistics, "SQL_MASKED_STATISTICS",
     "this catalog holds samples of values or other sessions' statements",
     "use pg_class.reltuples for sizes"},
    {RefusalCode::opaque_function, "SQL_OPAQUE_FUNCTION",
     "on a target with masked columns only well-known built-in functions and operators may be used",
     "leave it out, or compute it in your program"},
    {RefusalCode::write_back, "SQL_WRITE_BACK",
     "a value that masks have hidden would be written in the place of the real one",
     "leave masked columns out of what you write, or write real values"},
});

const Words& words_of(RefusalCode code) { return kWords[static_cast<std::size_t>(code)]; }

constexpr bool in_order() {
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    if (static_cast<std::size_t>(kWords[i].code) != i) return false;
  }
  return kWords.size() == static_cast<std::size_t>(RefusalCode::write_back) + 1;
}
static_assert(in_order());

// An identifier has at most 63 bytes; a dotted name of two fits.
constexpr std::size_t kMaxDetail = 96;

}  // namespace

std::string_view code_name(RefusalCode code) { return words_of(code).name; }

access::Decision refuse(RefusalCode code, std::string_view detail) {
  const Words& words = words_of(code);
  access::Decision decision;
  decision.effect = access::Effect::deny;
  decision.rule = "builtin/" + std::string(words.name);
  decision.message = words.message;
  if (!detail.empty())
    decision.message += " (" + neutralise(detail, kMaxDetail, Lines::escape) + ")";
  decision.hint = words.hint;
  return decision;
}

}  // namespace hoop::postgres
