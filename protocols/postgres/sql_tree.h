// SPDX-License-Identifier: Apache-2.0
// The parse tree of a string of SQL statements, as PostgreSQL's own grammar (libpg_query 15) sees
// it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/error.h"

namespace hoop::postgres {

struct SqlField;

/// One node; lives as long as its SqlTree. Names of types and fields are those of PostgreSQL's
/// parsenodes.h.
class SqlNode {
 public:
  enum class Kind : std::uint8_t { none, flag, number, text, list, object };

  Kind kind() const { return kind_; }
  bool present() const { return kind_ != Kind::none; }
  /// "SelectStmt"; empty for what is not an object, or an object whose type this program does not
  /// know.
  std::string_view type() const { return type_; }
  bool is(std::string_view type) const { return type_ == type; }
  std::string_view text() const { return text_; }
  /// Looking at one is counted: see SqlTree::numbers_read().
  std::int64_t number() const {
    if (reads_ != nullptr) ++*reads_;
    return number_;
  }
  bool flag() const { return kind_ == Kind::flag && number_ != 0; }
  std::span<const SqlField> fields() const;
  std::span<const SqlNode> items() const;
  /// The field's value, or a node of kind none. The printer leaves out zero, false and empty
  /// values.
  const SqlNode& operator[](std::string_view field) const;

 private:
  friend class SqlTreeBuilder;
  Kind kind_ = Kind::none;
  std::uint32_t count_ = 0;
  std::string_view type_;
  std::string_view text_;
  std::int64_t number_ = 0;
  std::uint64_t* reads_ = nullptr;  // of its tree
  const SqlField* fields_ = nullptr;
  const SqlNode* items_ = nullptr;
};

struct SqlField {
  std::string_view name;
  SqlNode value;
};

inline std::span<const SqlField> SqlNode::fields() const {
  return {fields_, kind_ == Kind::object ? count_ : 0U};
}
inline std::span<const SqlNode> SqlNode::items() const {
  return {items_, kind_ == Kind::list ? count_ : 0U};
}

/// Calls visit for each direct child: the values of an object's fields, the items of a list.
template <class Visit>
void for_each_child(const SqlNode& node, Visit&& visit) {
  for (const SqlField& field : node.fields()) visit(field.value);
  for (const SqlNode& item : node.items()) visit(item);
}

/// The value of a String node, else empty.
std::string_view string_value(const SqlNode& node);
/// The String nodes of a list (or of a List node): the parts of a dotted name. Other items (an
/// A_Star) are "*".
std::vector<std::string_view> name_parts(const SqlNode& list);
/// True for a node type of PostgreSQL 15's raw grammar: any other must be refused, for what it
/// holds is not understood.
bool is_raw_node_type(std::string_view type);

class SqlTree {
 public:
  struct Statement {
    const SqlNode* node = nullptr;
    std::size_t begin = 0;  // byte offsets in the string that was parsed
    std::size_t length = 0;
  };

  /// Fails with malformed (not UTF-8, a NUL, not SQL of this grammar; the message holds a position,
  /// never text of the statement) and too_large (more than kMaxTokens, nested deeper than
  /// kMaxDepth). Needs a deep stack.
  static Result<SqlTree> parse(std::string_view sql);
  ~SqlTree();
  SqlTree(SqlTree&&) noexcept;
  SqlTree& operator=(SqlTree&&) noexcept;

  /// Empty if the string holds blanks and comments only.
  const std::vector<Statement>& statements() const;
  /// How often a number in it was looked at since it was parsed. While it is zero, nothing that was
  /// found out about the statements hangs on the value of a number.
  std::uint64_t numbers_read() const;

 private:
  struct Impl;
  explicit SqlTree(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Measured: the parser and its printer use at most 125 bytes of stack a token, so half a million
// tokens take 60 MiB of the 256.
inline constexpr std::size_t kMaxTokens = 500'000;
// Levels of the printed tree, about two for each level of the statement. PostgreSQL's own
// max_stack_depth (2 MB) ends earlier.
inline constexpr std::size_t kMaxDepth = 40'000;

}  // namespace hoop::postgres
