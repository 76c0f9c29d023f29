// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/masked_literals.h"

#include <algorithm>
#include <optional>

#include "core/mask/span.h"

namespace hoop::postgres {
namespace {

constexpr std::string_view kHidden = "[redacted]";

bool is_literal(const SqlNode& node) {
  // TRUE, FALSE and NULL tell nothing that the row count does not.
  return node.is("A_Const") && !node["isnull"].flag() && !node["boolval"].present();
}

class Finder {
 public:
  Finder(const MaskedColumns* columns, std::vector<std::size_t>& found)
      : columns_(columns), found_(found) {}

  void all(const SqlNode& node) {
    if (is_literal(node)) found_.push_back(static_cast<std::size_t>(node["location"].number()));
    for_each_child(node, [&](const SqlNode& child) { all(child); });
  }

  /// Masked columns may have other names somewhere in it.
  bool renames(const SqlNode& node) const {
    if (node.is("Alias") && node["colnames"].present()) return true;
    if ((node.is("RangeSubselect") || node.is("CommonTableExpr")) && mentions_masked(node))
      return true;
    bool found = false;
    for_each_child(node, [&](const SqlNode& child) { found = found || renames(child); });
    return found;
  }

  void visit(const SqlNode& node) {
    if (node.is("InsertStmt")) return visit_insert(node);
    if (node.is("MergeWhenClause")) return visit_merge(node);
    if (node.is("UpdateStmt") || node.is("OnConflictClause")) {
      for (const SqlField& field : node.fields()) {
        if (field.name == "targetList") {
          visit_assignments(field.value);
        } else {
          visit(field.value);
        }
      }
      return;
    }
    // AND, OR and NOT join what stands by itself; the rest of an expression is one thing.
    if (is_expression(node)) {
      if (mentions_masked(node)) all(node);
      return;
    }
    for_each_child(node, [&](const SqlNode& child) { visit(child); });
  }

 private:
  static bool is_expression(const SqlNode& node) {
    const std::string_view type = node.type();
    return type.ends_with("Expr")
               ? !node.is("BoolExpr") && !node.is("JoinExpr")
               : node.is("FuncCall") || node.is("SubLink") || node.is("NullTest") ||
                     node.is("BooleanTest") || node.is("A_Indirection") || node.is("TypeCast") ||
                     node.is("CollateClause");
  }

  bool mentions_masked(const SqlNode& node) const {
    if (node.is("ColumnRef")) {
      const auto parts = name_parts(node["fields"]);
      if (parts.empty() || parts.back() == "*") return true;
      return columns_->is_masked_name(parts.back()) || columns_->is_masked_source(parts.back());
    }
    bool found = false;
    for_each_child(node, [&](const SqlNode& child) { found = found || mentions_masked(child); });
    return found;
  }

  void visit_assignments(const SqlNode& targets) {
    for (const SqlNode& target : targets.items()) {
      if (columns_->is_masked_name(target["name"].text())) {
        all(target["val"]);
      } else {
        visit(target["val"]);
      }
    }
  }

  bool names_masked(const SqlNode& targets) const {
    const auto items = targets.items();
    return items.empty() || std::ranges::any_of(items, [&](const SqlNode& target) {
             return columns_->is_masked_name(target["name"].text());
           });
  }

  void visit_row(const SqlNode& row, const SqlNode& targets) {
    const auto names = targets.items();
    // A row may come as a List node.
    const auto values = row.is("List") ? row["items"].items() : row.items();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i >= names.size() || columns_->is_masked_name(names[i]["name"].text())) {
        all(values[i]);
      } else {
        visit(values[i]);
      }
    }
  }

  void visit_insert(const SqlNode& node) {
    const bool writes_masked =
        columns_->is_masked_relation(node["relation"]) && names_masked(node["cols"]);
    for (const SqlField& field : node.fields()) {
      const SqlNode& rows = field.value["valuesLists"];
      if (field.name != "selectStmt" || !writes_masked) {
        visit(field.value);
      } else if (rows.present()) {
        for (const SqlNode& row : rows.items()) visit_row(row, node["cols"]);
      } else {
        all(field.value);
      }
    }
  }

  void visit_merge(const SqlNode& node) {
    for (const SqlField& field : node.fields()) {
      if (field.name == "targetList") {
        visit_assignments(field.value);
      } else if (field.name == "values" && names_masked(node["targetList"])) {
        all(field.value);
      } else {
        visit(field.value);
      }
    }
  }

  const MaskedColumns* columns_;
  std::vector<std::size_t>& found_;
};

// ---- Where a literal ends ----

std::size_t skip_blanks(std::string_view text, std::size_t at, bool& line_end) {
  for (; at < text.size(); ++at) {
    if (text.substr(at, 2) == "--") {
      at = std::min(text.find('\n', at), text.size());
      if (at == text.size()) break;
    }
    if (text[at] != ' ' && text[at] != '\t' && text[at] != '\n' && text[at] != '\r' &&
        text[at] != '\f' && text[at] != '\v')
      break;
    line_end = line_end || text[at] == '\n' || text[at] == '\r';
  }
  return at;
}

/// Behind the closing quote of the one at at, and of the pieces that go on after a line's end.
std::size_t quoted_end(std::string_view text, std::size_t at, bool escapes) {
  for (;;) {
    for (++at;; ++at) {
      if (at >= text.size()) return text.size();
      if (escapes && text[at] == '\\') {
        ++at;
        continue;
      }
      if (text[at] != '\'') continue;
      if (at + 1 >= text.size() || text[at + 1] != '\'') break;
      ++at;
    }
    ++at;
    bool line_end = false;
    const std::size_t next = skip_blanks(text, at, line_end);
    if (!line_end || next >= text.size() || text[next] != '\'') return at;
    at = next;
  }
}

std::size_t dollar_quoted_end(std::string_view text, std::size_t at) {
  const auto tag_end = text.find('$', at + 1);
  if (tag_end == std::string_view::npos) return text.size();
  const std::string_view tag = text.substr(at, tag_end + 1 - at);
  const auto end = text.find(tag, tag_end + 1);
  return end == std::string_view::npos ? text.size() : end + tag.size();
}

/// nullopt: a word of the grammar's that stands for a constant, which tells nothing.
std::optional<std::size_t> literal_end(std::string_view text, std::size_t at) {
  if (text[at] == '\'') return quoted_end(text, at, false);
  if (text[at] == '$') return dollar_quoted_end(text, at);
  if (mask::is_letter(text[at])) {
    std::size_t quote = at + 1;
    if (text.substr(at + 1, 1) == "&") ++quote;
    if (quote >= text.size() || text[quote] != '\'') return std::nullopt;
    return quoted_end(text, quote, text[at] == 'e' || text[at] == 'E');
  }
  std::size_t end = at;
  bool ignored = false;
  if (text[end] == '-') end = skip_blanks(text, end + 1, ignored);
  const std::size_t digits = end;
  end = mask::run_end(text, end, [](char c) { return mask::is_alnum(c) || c == '.' || c == '_'; });
  if (end > digits && (text[end - 1] == 'e' || text[end - 1] == 'E') && end < text.size() &&
      (text[end] == '+' || text[end] == '-'))
    end = mask::run_end(text, end + 1, mask::is_digit);
  return end > digits ? end : text.size();
}

}  // namespace

std::vector<std::size_t> masked_literals(const SqlNode& statement, const MaskedColumns& columns) {
  std::vector<std::size_t> found;
  Finder finder(&columns, found);
  if (finder.renames(statement)) {
    finder.all(statement);
  } else {
    finder.visit(statement);
  }
  return found;
}

std::vector<std::size_t> all_literals(const SqlNode& statement) {
  std::vector<std::size_t> found;
  Finder(nullptr, found).all(statement);
  return found;
}

std::string without_literals(std::string_view text, std::vector<std::size_t> offsets) {
  std::ranges::sort(offsets);
  std::string out;
  std::size_t copied = 0;
  for (const std::size_t begin : offsets) {
    if (begin >= text.size() || begin < copied) continue;
    const auto end = literal_end(text, begin);
    if (!end) continue;
    out.append(text, copied, begin - copied).append(kHidden);
    copied = *end;
  }
  return out.append(text, copied);
}

std::string without_quoted(std::string_view text) {
  const auto quote = text.find_first_of("'$0123456789");
  if (quote == std::string_view::npos) return std::string(text);
  return std::string(text.substr(0, quote)).append(kHidden);
}

}  // namespace hoop::postgres
