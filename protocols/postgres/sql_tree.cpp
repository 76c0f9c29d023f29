// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/sql_tree.h"

#include <pg_query.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory_resource>
#include <new>
#include <string>
#include <utility>

#include "core/base/encoding.h"

namespace hoop::postgres {
namespace {

const SqlNode kNoNode;

// Structs that the printer writes without their type, by the field that holds them (pg_query.proto
// of libpg_query 15).
struct FieldType {
  std::string_view field;
  std::string_view type;
};
constexpr auto kFieldTypes = std::to_array<FieldType>({
    {"action", "GrantStmt"},
    {"alias", "Alias"},
    {"argType", "TypeName"},
    {"authrole", "RoleSpec"},
    {"base", "CreateStmt"},
    {"boolval", "Boolean"},
    {"bound", "PartitionBoundSpec"},
    {"bsval", "BitString"},
    {"collClause", "CollateClause"},
    {"constrrel", "RangeVar"},
    {"cycle_clause", "CTECycleClause"},
    {"datatype", "TypeName"},
    {"extname", "String"},
    {"fromsql", "ObjectWithArgs"},
    {"func", "ObjectWithArgs"},
    {"funccall", "FuncCall"},
    {"fval", "Float"},
    {"grantor", "RoleSpec"},
    {"identitySequence", "RangeVar"},
    {"infer", "InferClause"},
    {"into", "IntoClause"},
    {"intoClause", "IntoClause"},
    {"ival", "Integer"},
    {"join_using_alias", "Alias"},
    {"larg", "SelectStmt"},
    {"newowner", "RoleSpec"},
    {"newrole", "RoleSpec"},
    {"ofTypename", "TypeName"},
    {"onConflictClause", "OnConflictClause"},
    {"opername", "ObjectWithArgs"},
    {"over", "WindowDef"},
    {"owner", "RoleSpec"},
    {"partbound", "PartitionBoundSpec"},
    {"partspec", "PartitionSpec"},
    {"pktable", "RangeVar"},
    {"pubtable", "PublicationTable"},
    {"rarg", "SelectStmt"},
    {"rel", "RangeVar"},
    {"relation", "RangeVar"},
    {"returnType", "TypeName"},
    {"role", "RoleSpec"},
    {"search_clause", "CTESearchClause"},
    {"sequence", "RangeVar"},
    {"setstmt", "VariableSetStmt"},
    {"sourcetype", "TypeName"},
    {"storedtype", "TypeName"},
    {"sval", "String"},
    {"table", "RangeVar"},
    {"targettype", "TypeName"},
    {"tosql", "ObjectWithArgs"},
    {"typeName", "TypeName"},
    {"type_name", "TypeName"},
    {"typevar", "RangeVar"},
    {"user", "RoleSpec"},
    {"view", "RangeVar"},
    {"withClause", "WithClause"},
});
static_assert(std::ranges::is_sorted(kFieldTypes, {}, &FieldType::field));

std::string_view type_of_field(std::string_view parent, std::string_view field) {
  // The one field name with two struct types.
  if (field == "name")
    return parent == "PartitionCmd"        ? "RangeVar"
           : parent == "CreateOpClassItem" ? "ObjectWithArgs"
                                           : "";
  const auto found = std::ranges::lower_bound(kFieldTypes, field, {}, &FieldType::field);
  return found != kFieldTypes.end() && found->field == field ? found->type : std::string_view();
}

bool is_type_name(std::string_view key) { return !key.empty() && key[0] >= 'A' && key[0] <= 'Z'; }

/// Counts the tokens in pg_query_scan's answer: protobuf fields of ScanResult, `repeated ScanToken
/// tokens = 2`. nullopt: unreadable.
std::optional<std::size_t> count_tokens(std::string_view protobuf) {
  std::size_t tokens = 0;
  std::size_t at = 0;
  const auto varint = [&]() -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at < protobuf.size(); shift += 7) {
      const auto byte = static_cast<unsigned char>(protobuf[at++]);
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if ((byte & 0x80U) == 0) return value;
    }
    return std::nullopt;
  };
  while (at < protobuf.size()) {
    const auto tag = varint();
    const auto value = varint();
    if (!tag || !value) return std::nullopt;
    if ((*tag & 7U) == 0) continue;
    if ((*tag & 7U) != 2 || *value > protobuf.size() - at) return std::nullopt;
    at += *value;
    if (*tag >> 3U == 2) ++tokens;
  }
  return tokens;
}

/// "line 3, column 14": where, without a word of what the user wrote. position counts characters
/// from 1; 0 is unknown.
std::string place(std::string_view sql, int position) {
  if (position <= 0) return "an unknown place";
  std::size_t line = 1;
  std::size_t column = 1;
  int characters = 1;
  for (const char c : sql) {
    if ((static_cast<unsigned char>(c) & 0xC0U) == 0x80U) continue;
    if (characters++ == position) break;
    ++column;
    if (c == '\n') {
      ++line;
      column = 1;
    }
  }
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

Result<void> check_tokens(const std::string& sql) {
  // A token has at least one byte, so a short string needs no scan.
  if (sql.size() <= kMaxTokens) return {};
  const PgQueryScanResult scanned = pg_query_scan(sql.c_str());
  std::optional<std::size_t> tokens;
  const bool failed = scanned.error != nullptr;
  const int position = failed ? scanned.error->cursorpos : 0;
  if (!failed) tokens = count_tokens({scanned.pbuf.data, scanned.pbuf.len});
  pg_query_free_scan_result(scanned);
  if (failed) return fail(ErrorCode::malformed, "not readable as SQL at " + place(sql, position));
  if (!tokens) return fail(ErrorCode::internal, "the scanner's answer is not readable");
  if (*tokens > kMaxTokens)
    return fail(ErrorCode::too_large, "more than " + std::to_string(kMaxTokens) + " tokens",
                "split it into several statements");
  return {};
}

}  // namespace

/// Turns the printed tree into SqlNodes. Recursive, bounded by kMaxDepth.
class SqlTreeBuilder {
 public:
  SqlTreeBuilder(std::pmr::memory_resource& memory, std::uint64_t& reads)
      : memory_(memory), reads_(reads) {}

  void fill(SqlNode& out, simdjson::dom::element value, std::string_view parent,
            std::string_view field) {
    switch (value.type()) {
      case simdjson::dom::element_type::OBJECT:
        return fill_object(out, value.get_object().value_unsafe(), parent, field);
      case simdjson::dom::element_type::ARRAY:
        return fill_list(out, value.get_array().value_unsafe());
      case simdjson::dom::element_type::STRING:
        out.kind_ = SqlNode::Kind::text;
        out.text_ = value.get_string().value_unsafe();
        return;
      case simdjson::dom::element_type::BOOL:
        out.kind_ = SqlNode::Kind::flag;
        out.number_ = value.get_bool().value_unsafe() ? 1 : 0;
        return;
      case simdjson::dom::element_type::INT64:
        out.kind_ = SqlNode::Kind::number;
        out.number_ = value.get_int64().value_unsafe();
        out.reads_ = &reads_;
        return;
      case simdjson::dom::element_type::UINT64:
      case simdjson::dom::element_type::DOUBLE:
        out.kind_ = SqlNode::Kind::number;  // costs and sizes, which nothing here asks for
        out.reads_ = &reads_;
        return;
      case simdjson::dom::element_type::NULL_VALUE: return;
    }
  }

 private:
  template <class T>
  T* allocate(std::size_t count) {
    auto* memory = static_cast<T*>(memory_.allocate(count * sizeof(T), alignof(T)));
    for (std::size_t i = 0; i < count; ++i) new (memory + i) T();
    return memory;
  }

  void fill_object(SqlNode& out, simdjson::dom::object object, std::string_view parent,
                   std::string_view field) {
    const std::size_t count = object.size();
    if (count == 1) {
      const auto only = *object.begin();
      // {"SelectStmt":{…}} is a typed node; its value's fields are ours.
      if (is_type_name(only.key) && only.value.is_object()) {
        fill_fields(out, only.value.get_object().value_unsafe(), only.key);
        return;
      }
    }
    if (count == 0 && field.empty()) return;  // a null pointer in a list
    fill_fields(out, object, type_of_field(parent, field));
  }

  void fill_fields(SqlNode& out, simdjson::dom::object object, std::string_view type) {
    out.kind_ = SqlNode::Kind::object;
    out.type_ = type;
    out.count_ = static_cast<std::uint32_t>(object.size());
    auto* fields = allocate<SqlField>(out.count_);
    out.fields_ = fields;
    for (const auto member : object) {
      fields->name = member.key;
      fill(fields->value, member.value, type, member.key);
      ++fields;
    }
  }

  void fill_list(SqlNode& out, simdjson::dom::array array) {
    out.kind_ = SqlNode::Kind::list;
    out.count_ = static_cast<std::uint32_t>(array.size());
    auto* items = allocate<SqlNode>(out.count_);
    out.items_ = items;
    for (const auto item : array) fill(*items++, item, {}, {});
  }

  std::pmr::memory_resource& memory_;
  std::uint64_t& reads_;
};

const SqlNode& SqlNode::operator[](std::string_view field) const {
  for (const SqlField& candidate : fields())
    if (candidate.name == field) return candidate.value;
  return kNoNode;
}

std::string_view string_value(const SqlNode& node) {
  return node.is("String") ? node["sval"].text() : std::string_view();
}

std::vector<std::string_view> name_parts(const SqlNode& list) {
  const SqlNode& items = list.is("List") ? list["items"] : list;
  std::vector<std::string_view> parts;
  parts.reserve(items.items().size());
  for (const SqlNode& item : items.items())
    parts.push_back(item.is("String") ? string_value(item) : "*");
  return parts;
}

struct SqlTree::Impl {
  simdjson::dom::parser json;  // holds the strings that the nodes refer to
  std::pmr::monotonic_buffer_resource memory;
  SqlNode root;
  std::vector<Statement> statements;
  std::uint64_t numbers_read = 0;

  Result<void> read(std::string_view printed, std::size_t sql_bytes);
};

Result<void> SqlTree::Impl::read(std::string_view printed, std::size_t sql_bytes) {
  if (json.allocate(printed.size(), kMaxDepth) != simdjson::SUCCESS)
    return fail(ErrorCode::internal, "no memory for the parse tree");
  simdjson::dom::element document;
  const auto error = json.parse(printed.data(), printed.size()).get(document);
  if (error == simdjson::DEPTH_ERROR)
    return fail(ErrorCode::too_large, "nested too deeply", "split it into simpler statements");
  if (error != simdjson::SUCCESS)
    return fail(ErrorCode::internal, "the parser's answer is not readable");
  SqlTreeBuilder(memory, numbers_read).fill(root, document, {}, "root");
  for (const SqlNode& raw : root["stmts"].items()) {
    Statement statement;
    statement.node = &raw["stmt"];
    const std::int64_t begin = raw["stmt_location"].number();
    const std::int64_t length = raw["stmt_len"].number();
    if (begin < 0 || length < 0 || static_cast<std::size_t>(begin) > sql_bytes)
      return fail(ErrorCode::internal, "the parser's answer does not fit the statement");
    statement.begin = static_cast<std::size_t>(begin);
    const std::size_t rest = sql_bytes - statement.begin;
    statement.length = length == 0 ? rest : std::min(rest, static_cast<std::size_t>(length));
    statements.push_back(statement);
  }
  numbers_read = 0;  // those were places in the text
  return {};
}

Result<SqlTree> SqlTree::parse(std::string_view sql) {
  if (sql.find('\0') != std::string_view::npos)
    return fail(ErrorCode::malformed, "a NUL byte inside");
  if (!is_utf8(sql)) return fail(ErrorCode::malformed, "not UTF-8", "set client_encoding to UTF8");
  const std::string text(sql);
  HOOP_CHECK(check_tokens(text));
  PgQueryParseResult parsed = pg_query_parse(text.c_str());
  if (parsed.error != nullptr) {
    const int position = parsed.error->cursorpos;
    pg_query_free_parse_result(parsed);
    return fail(ErrorCode::malformed, "not readable as SQL at " + place(sql, position),
                "only what PostgreSQL 15's grammar reads can be judged");
  }
  auto impl = std::make_unique<Impl>();
  const Result<void> read = impl->read(parsed.parse_tree, sql.size());
  pg_query_free_parse_result(parsed);
  if (!read) return std::unexpected(read.error());
  return SqlTree(std::move(impl));
}

SqlTree::SqlTree(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqlTree::~SqlTree() = default;
SqlTree::SqlTree(SqlTree&&) noexcept = default;
SqlTree& SqlTree::operator=(SqlTree&&) noexcept = default;

const std::vector<SqlTree::Statement>& SqlTree::statements() const { return impl_->statements; }
std::uint64_t SqlTree::numbers_read() const { return impl_->numbers_read; }

}  // namespace hoop::postgres
