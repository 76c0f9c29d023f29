// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/classify.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/encoding.h"
#include "core/mask/write_back.h"
#include "protocols/postgres/copy_options.h"
#include "protocols/postgres/fixed_rules.h"
#include "protocols/postgres/function_list.h"
#include "protocols/postgres/masked_literals.h"
#include "protocols/postgres/masked_use.h"
#include "protocols/postgres/refusal.h"
#include "protocols/postgres/resources.h"
#include "protocols/postgres/statement_kind.h"

namespace hoop::postgres {
namespace {

constexpr std::size_t kMaxActionText =
    8192;  // for people and the log; the digest stands for the rest

/// At most kMaxActionText bytes, cut between characters.
std::string bounded(std::string_view text) {
  if (text.size() <= kMaxActionText) return std::string(text);
  std::size_t end = kMaxActionText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end));
}

void set_text(access::Action& action, std::string_view text) {
  action.text = bounded(text);
  action.is_cut = text.size() > kMaxActionText;
  action.digest = crypto::sha256(as_bytes(text));
  action.recorded.clear();
}

Statement blank(std::string_view text, std::string_view verb) {
  Statement statement;
  statement.action.protocol = "postgres";
  statement.action.verb = verb;
  set_text(statement.action, text);
  return statement;
}

Statement unreadable(std::string_view sql, const Error& error, bool has_masks) {
  Statement statement = blank(sql, "unknown");
  // Which of its literals was meant for a masked column cannot be told.
  if (has_masks) statement.action.text = without_quoted(statement.action.text);
  if (!is_utf8(statement.action.text))
    statement.action.text = neutralise(statement.action.text, kMaxActionText, Lines::keep);
  statement.action.attributes["statement_count"] = "1";
  statement.refusal = refuse(RefusalCode::unreadable, error.message);
  if (!error.hint.empty()) statement.refusal->hint = error.hint;
  statement.touches_masked = true;
  statement.can_write = true;
  return statement;
}

// Of several data-modifying parts the one that policy fears most names the statement; "verbs" lists
// all.
constexpr auto kByStrength =
    std::to_array<std::string_view>({"delete", "merge", "update", "insert"});

std::string_view strongest(const std::vector<std::string_view>& dml) {
  for (const std::string_view verb : kByStrength) {
    if (std::ranges::find(dml, verb) != dml.end()) return verb;
  }
  return {};
}

bool has_analyze(const SqlNode& explain) {
  constexpr auto kOff = std::to_array<std::string_view>({"false", "off", "0"});
  return std::ranges::any_of(explain["options"].items(), [&](const SqlNode& option) {
    if (option["defname"].text() != "analyze") return false;
    const SqlNode& value = option["arg"];
    if (value.is("Integer")) return value["ival"].number() != 0;
    return std::ranges::find(kOff, string_value(value)) == kOff.end();
  });
}

/// The statement that runs, with what is wrapped around it told by attributes: a rule about DELETE
/// must also see EXPLAIN ANALYZE DELETE, PREPARE p AS DELETE and COPY (DELETE … RETURNING).
const SqlNode& unwrap(const SqlNode& statement, access::Action& action) {
  if (statement.is("ExplainStmt")) {
    action.attributes["explain"] = "present";
    return statement["query"];
  }
  if (statement.is("PrepareStmt")) {
    action.attributes["prepare"] = "present";
    return statement["query"];
  }
  if (statement.is("DeclareCursorStmt")) {
    action.attributes["cursor"] = "present";
    return statement["query"];
  }
  if (statement.is("CopyStmt") && statement["query"].present()) return statement["query"];
  return statement;
}

Statement::Renames renames_of(const SqlNode& statement) {
  using What = Statement::Renames::What;
  if (statement.is("PrepareStmt") || statement.is("DeallocateStmt"))
    return {What::statement, std::string(statement["name"].text())};
  if (statement.is("DeclareCursorStmt") || statement.is("ClosePortalStmt"))
    return {What::portal, std::string(statement["portalname"].text())};
  return {};
}

std::string executed_name(const SqlNode& statement) {
  if (statement.is("ExecuteStmt")) return std::string(statement["name"].text());
  const bool wraps = statement.is("ExplainStmt") || statement.is("CreateTableAsStmt");
  return wraps && statement["query"].present() ? executed_name(statement["query"]) : std::string();
}

std::string limit_of(const SqlNode& select) {
  const SqlNode& count = select["limitCount"];
  if (!count.present() || count["isnull"].flag()) return "absent";
  if (count.is("A_Const") && count["ival"].present())
    return std::to_string(count["ival"]["ival"].number());
  return "unknown";
}

bool makes_table(const SqlNode& select) {
  if (!select.is("SelectStmt")) return false;
  // INTO of a set operation stands in its leftmost part.
  return select["intoClause"].present() || makes_table(select["larg"]);
}

std::string_view verb_of(const SqlNode& statement, const StatementKind& kind, const SqlNode& inner,
                         const References& references) {
  const std::string_view dml = strongest(references.dml);
  const StatementKind* inner_kind = statement_kind(inner.type());
  if (inner_kind == nullptr) return "unknown";
  const bool is_query = statement.is("SelectStmt") || statement.is("InsertStmt") ||
                        statement.is("UpdateStmt") || statement.is("DeleteStmt") ||
                        statement.is("MergeStmt");
  if (statement.is("ExplainStmt")) {
    if (!has_analyze(statement)) return kind.verb;
    if (!dml.empty()) return dml;
    return inner_kind->effects == Effects::none ? kind.verb : inner_kind->verb;
  }
  const bool runs = is_query || &inner != &statement || statement.is("CreateTableAsStmt");
  if (runs && !dml.empty()) return dml;
  if (statement.is("CopyStmt")) return statement["is_from"].flag() ? "copy_in" : "copy_out";
  if (makes_table(inner)) return "create";
  return inner_kind->verb;
}

TransactionStep transaction_step(const SqlNode& statement) {
  if (!statement.is("TransactionStmt")) return TransactionStep::none;
  const std::string_view kind = statement["kind"].text();
  if (kind == "TRANS_STMT_BEGIN" || kind == "TRANS_STMT_START") return TransactionStep::begin;
  if (kind == "TRANS_STMT_COMMIT") return TransactionStep::commit;
  if (kind == "TRANS_STMT_ROLLBACK") return TransactionStep::rollback;
  return TransactionStep::other;
}

bool is_opaque(const FunctionUse& use) {
  return use.name.empty() || !is_transparent_function(use.name.back());
}

/// Of INSERT, UPDATE, MERGE, EXECUTE and CALL the literals that are, or may be, written; not those
/// that something is compared with.
bool writes_mask(const SqlNode& node, bool written) {
  if (written && node.is("A_Const")) return mask::carries_mask(node["sval"]["sval"].text());
  static constexpr auto kWriting = std::to_array<std::pair<std::string_view, std::string_view>>(
      {{"InsertStmt", "selectStmt"},
       {"OnConflictClause", "targetList"},
       {"UpdateStmt", "targetList"},
       {"MergeWhenClause", "targetList"},
       {"MergeWhenClause", "values"},
       {"ExecuteStmt", "params"},
       {"CallStmt", "funccall"}});
  bool found = false;
  for (const SqlField& field : node.fields()) {
    const bool compares = field.name == "whereClause" || field.name == "havingClause" ||
                          field.name == "quals" || field.name == "joinCondition";
    const bool writes =
        std::ranges::find(kWriting, std::pair(node.type(), field.name)) != kWriting.end();
    found = found || writes_mask(field.value, !compares && (written || writes));
  }
  for (const SqlNode& item : node.items()) found = found || writes_mask(item, written);
  return found;
}

class Classifier {
 public:
  Classifier(const NameContext& names, const Catalog& catalog)
      : names_(names), catalog_(catalog), search_path_(names.search_path) {}

  /// text begins at offset in what was parsed.
  Statement classify(std::string_view text, std::size_t offset, const SqlNode& node,
                     std::size_t statement_count) {
    Statement statement = blank(text, "unknown");
    statement.action.attributes["statement_count"] = std::to_string(statement_count);
    const StatementKind* kind = statement_kind(node.type());
    if (kind == nullptr) {
      statement.refusal = refuse(RefusalCode::unknown_statement);
      statement.can_write = statement.touches_masked = true;
      if (catalog_.has_masks()) statement.action.text = without_quoted(statement.action.text);
      return statement;
    }
    const References references = collect_references(node);
    const SqlNode& inner = unwrap(node, statement.action);
    statement.action.verb = verb_of(node, *kind, inner, references);
    describe(statement, node, *kind, inner, references);
    note_effects(statement, node, inner, *kind, references);
    hide_literals(statement, text, offset, judge(statement, node, *kind, references));
    // What code holds is not looked into, whatever it is quoted by.
    if (catalog_.has_masks() && (kind->verb == "do" || kind->masked == OnMaskedTarget::refused))
      statement.action.text = without_quoted(statement.action.text);
    // Later statements of the same string run after this one.
    if (statement.changes_search_path) search_path_.reset();
    return statement;
  }

 private:
  void describe(Statement& statement, const SqlNode& node, const StatementKind& kind,
                const SqlNode& inner, const References& references) const {
    access::Action& action = statement.action;
    add_resources(action, node, references, ResourceNames{catalog_, search_path_});
    if (inner.is("SelectStmt")) action.attributes["limit"] = limit_of(inner);
    const std::string object = makes_table(inner) ? "table" : object_of(kind, node);
    if (!object.empty()) action.attributes["object"] = object;
    if (kind.verb == "set" || kind.verb == "show")
      action.attributes["setting"] = node["name"].text();
    std::vector<std::string_view> verbs = references.dml;
    std::ranges::sort(verbs);
    verbs.erase(std::ranges::unique(verbs).begin(), verbs.end());
    if (verbs.size() < 2) return;
    std::string& all = action.attributes["verbs"];
    for (const std::string_view verb : verbs) all += (all.empty() ? "" : ",") + std::string(verb);
  }

  void note_effects(Statement& statement, const SqlNode& node, const SqlNode& inner,
                    const StatementKind& kind, const References& references) const {
    const StatementKind* inner_kind = statement_kind(inner.type());
    const Effects effects =
        inner_kind ? std::max(kind.effects, inner_kind->effects) : Effects::changes_catalog;
    const bool opaque = std::ranges::any_of(references.functions, is_opaque);
    const bool writing_call = std::ranges::any_of(references.functions, [](const FunctionUse& use) {
      return !use.name.empty() && is_writing_function(use.name.back());
    });
    statement.writes_values =
        kind.verb == "execute" || kind.verb == "call" ||
        std::ranges::any_of(references.dml, [](std::string_view verb) { return verb != "delete"; });
    statement.writes_mask = statement.writes_values && writes_mask(node, false);
    statement.changes_catalog = effects == Effects::changes_catalog || makes_table(inner);
    statement.can_write = effects != Effects::none || makes_table(inner) ||
                          !references.dml.empty() || opaque || writing_call;
    statement.changes_search_path =
        changes_search_path(node, references) || opaque || kind.verb == "call" || kind.verb == "do";
    statement.transaction = transaction_step(node);
    statement.renames = renames_of(node);
    statement.executes = executed_name(node);
    if (node.is("CopyStmt")) {
      statement.copy = node["is_from"].flag() ? CopyDirection::in : CopyDirection::out;
      statement.can_write = statement.can_write || statement.copy == CopyDirection::in;
      if (statement.copy == CopyDirection::out) statement.copy_text = copy_text(node);
    }
  }

  static void hide_literals(Statement& statement, std::string_view text, std::size_t offset,
                            std::vector<std::size_t> literals) {
    if (literals.empty()) return;
    for (std::size_t& literal : literals) literal -= std::min(literal, offset);
    statement.action.text = bounded(without_literals(text, std::move(literals)));
  }

  /// Answers where literals begin that the log must not show.
  std::vector<std::size_t> judge(Statement& statement, const SqlNode& node,
                                 const StatementKind& kind, const References& references) const {
    statement.refusal = fixed_refusal(node, references, names_.mapped_role);
    if (!statement.refusal && references.has_unknown_node)
      statement.refusal = refuse(RefusalCode::unknown_statement);
    if (statement.action.verb == "unknown" && !statement.refusal)
      statement.refusal = refuse(RefusalCode::unknown_statement);
    // Nobody could say what its rows hold.
    if (statement.copy == CopyDirection::out && !statement.copy_text && !statement.refusal)
      statement.refusal = refuse(RefusalCode::unknown_statement, "an option of COPY");
    if (!catalog_.has_masks()) return {};
    MaskedUse use = judge_masked_use(node, kind, references, catalog_);
    statement.touches_masked = use.touches_masked;
    if (!statement.refusal) statement.refusal = std::move(use.refusal);
    if (!statement.refusal && statement.writes_mask)
      statement.refusal = refuse(RefusalCode::write_back);
    return std::move(use.literals);
  }

  const NameContext& names_;
  const Catalog& catalog_;
  std::optional<std::vector<std::string>> search_path_;
};

}  // namespace

std::vector<Statement> classify(std::string_view sql, const NameContext& names) {
  const bool has_masks = names.catalog && names.catalog->has_masks();
  if (sql.size() > kMaxStatementBytes)
    return {unreadable(sql, Error{ErrorCode::too_large, "longer than 16 MiB", {}, {}}, has_masks)};
  const auto tree = SqlTree::parse(sql);
  if (!tree) return {unreadable(sql, tree.error(), has_masks)};
  const Catalog no_catalog;
  const auto& parsed = tree->statements();
  if (parsed.empty()) {
    Statement statement = blank(sql, "empty");
    statement.action.attributes["statement_count"] = "0";
    return {std::move(statement)};
  }
  Classifier classifier(names, names.catalog ? *names.catalog : no_catalog);
  std::vector<Statement> statements;
  statements.reserve(parsed.size());
  for (const SqlTree::Statement& one : parsed) {
    // A single statement is forwarded as the whole string, comments and all.
    const std::string_view text = parsed.size() == 1 ? sql : sql.substr(one.begin, one.length);
    const std::size_t offset = parsed.size() == 1 ? 0 : one.begin;
    statements.push_back(classifier.classify(text, offset, *one.node, parsed.size()));
  }
  if (statements.size() == 1) {
    Statement& only = statements.front();
    // with_text() would show what is hidden here.
    const bool hides = !sql.starts_with(only.action.text);
    only.depends_on_numbers = hides || tree->numbers_read() != 0;
  }
  return statements;
}

Statement with_text(const Statement& judged, std::string_view sql) {
  HOOP_ASSERT(!judged.depends_on_numbers);
  Statement statement = judged;
  set_text(statement.action, sql);
  return statement;
}

}  // namespace hoop::postgres
