// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/explanation.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/json_writer.h"
#include "protocols/postgres/message_writer.h"

namespace hoop::postgres {
namespace {

constexpr Oid kJsonType = 114;

std::vector<std::string> names_of(const access::Action& action, std::string_view kind,
                                  std::optional<access::Access> with = std::nullopt) {
  std::vector<std::string> out;
  for (const access::Resource& resource : action.resources) {
    if (resource.kind != kind || (with && resource.access != *with)) continue;
    if (std::ranges::find(out, resource.name) == out.end()) out.push_back(resource.name);
  }
  return out;
}

/// What the conditions of rules can ask for besides tables and functions: "where=absent".
std::vector<std::string> facts_of(const access::Action& action) {
  std::vector<std::string> out;
  for (const auto& [name, value] : action.attributes) out.push_back(name + "=" + value);
  for (const access::Resource& resource : action.resources) {
    if (resource.kind != "table" && resource.kind != "function")
      out.push_back(resource.kind + "=" + resource.name);
  }
  return out;
}

std::vector<std::string> masks_of(const access::Action& action, const Catalog& catalog) {
  std::vector<std::string> out;
  for (const std::string& table : names_of(action, "table")) {
    for (const MaskedColumn* column : catalog.masked_columns_of(table))
      out.push_back(fmt::format("{}.{}: {} ({})", table, column->name,
                                access::to_string(column->with), column->mask));
  }
  return out;
}

}  // namespace

bool asks_for_explanations(const session::Opening& opening) {
  return std::ranges::any_of(opening.parameters, [](const auto& parameter) {
    return parameter.first == kExplainParameter;
  });
}

std::string explanation_json(const Statement& statement, const access::Decision& decision,
                             const Catalog& catalog) {
  const access::Action& action = statement.action;
  return JsonWriter()
      .text("statement", action.text)
      .text("verb", action.verb)
      .list("reads", names_of(action, "table", access::Access::read))
      .list("writes", names_of(action, "table", access::Access::write))
      .list("functions", names_of(action, "function"))
      .list("facts", facts_of(action))
      .list("masked", masks_of(action, catalog))
      .text("effect", access::to_string(decision.effect))
      .text("rule", decision.rule)
      .text("message", decision.message)
      .text("hint", decision.hint)
      .take();
}

void append_explanations(Bytes& out, std::span<const std::string> rows) {
  FieldDescription field{};
  field.name = "explanation";
  field.type = kJsonType;
  field.type_size = -1;
  field.type_modifier = -1;
  append_row_description(out, {&field, 1});
  for (const std::string& row : rows) {
    const Value value = as_bytes(row);
    append_data_row(out, {&value, 1});
  }
  append_command_complete(out, fmt::format("SELECT {}", rows.size()));
  append_ready_for_query(out, TransactionStatus::idle);
}

}  // namespace hoop::postgres
