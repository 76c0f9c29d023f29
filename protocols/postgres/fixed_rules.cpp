// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/fixed_rules.h"

#include <algorithm>
#include <array>
#include <string>

#include "protocols/postgres/copy_options.h"
#include "protocols/postgres/function_list.h"
#include "protocols/postgres/refusal.h"

namespace hoop::postgres {
namespace {

using Verdict = std::optional<access::Decision>;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return out;
}

/// The constant's text; nullopt for anything else. Casts of constants count: 'role'::text.
std::optional<std::string> constant(const SqlNode& node) {
  if (node.is("TypeCast")) return constant(node["arg"]);
  if (!node.is("A_Const")) return std::nullopt;
  if (node["sval"].present()) return std::string(node["sval"]["sval"].text());
  if (node["ival"].present()) return std::to_string(node["ival"]["ival"].number());
  if (node["boolval"].present()) return node["boolval"]["boolval"].flag() ? "true" : "false";
  return std::nullopt;
}

/// Letters and digits only, in lower case, as PostgreSQL compares encoding names.
std::string encoding_name(std::string_view text) {
  std::string out = lower(text);
  std::erase_if(out, [](char c) { return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')); });
  return out;
}

bool is_our_encoding(std::string_view name) {
  const std::string encoding = encoding_name(name);
  return encoding == "utf8" || encoding == "unicode";
}

/// value nullopt: not told by the statement (RESET, an expression).
enum class Assignment { set, reset };
Verdict judge_setting(std::string_view name, const std::optional<std::string>& value,
                      Assignment assignment, std::string_view mapped_role) {
  const std::string setting = lower(name);
  if (setting == "session_authorization") return refuse(RefusalCode::role_change);
  if (setting == "role") {
    if (assignment == Assignment::set && value && !mapped_role.empty() && *value == mapped_role)
      return std::nullopt;
    return refuse(RefusalCode::role_change);
  }
  if (setting == "standard_conforming_strings") {
    constexpr auto kOn = std::to_array<std::string_view>({"on", "true", "yes", "1"});
    if (value && std::ranges::find(kOn, lower(*value)) != kOn.end()) return std::nullopt;
    return refuse(RefusalCode::pinned_setting, setting);
  }
  if (setting == "client_encoding") {
    // The session begins with UTF8, so that is also what RESET goes back to.
    if (assignment == Assignment::reset) return std::nullopt;
    if (value && is_our_encoding(*value)) return std::nullopt;
    return refuse(RefusalCode::pinned_setting, setting);
  }
  return std::nullopt;
}

Verdict judge_variable(const SqlNode& node, std::string_view mapped_role) {
  const std::string_view kind = node["kind"].text();
  const std::string_view name = node["name"].text();
  if (kind == "VAR_RESET" || kind == "VAR_SET_DEFAULT")
    return judge_setting(name, std::nullopt, Assignment::reset, mapped_role);
  if (kind != "VAR_SET_VALUE" && kind != "VAR_SET_CURRENT") return std::nullopt;
  const auto args = node["args"].items();
  return judge_setting(name, args.size() == 1 ? constant(args[0]) : std::nullopt, Assignment::set,
                       mapped_role);
}

/// Settings kept for later sessions: those that name pinned settings would act on the next login.
Verdict judge_stored_setting(const SqlNode& node) {
  const SqlNode& set = node["setstmt"];
  constexpr auto kPinned = std::to_array<std::string_view>(
      {"client_encoding", "role", "session_authorization", "standard_conforming_strings"});
  if (std::ranges::find(kPinned, lower(set["name"].text())) != kPinned.end())
    return refuse(RefusalCode::pinned_setting, lower(set["name"].text()));
  return std::nullopt;
}

/// pg_dump sets what an older server may not have by SELECT set_config(name, …) FROM pg_settings
/// WHERE name = '…': the name is told.
std::optional<std::string> name_by_filter(const SqlNode& statement, const SqlNode& argument) {
  const auto is_name = [](const SqlNode& node) {
    return node.is("ColumnRef") &&
           name_parts(node["fields"]) == std::vector<std::string_view>{"name"};
  };
  const auto from = statement["fromClause"].items();
  const SqlNode& where = statement["whereClause"];
  if (!statement.is("SelectStmt") || !is_name(argument) || from.size() != 1 ||
      from[0]["relname"].text() != "pg_settings")
    return std::nullopt;
  const bool equality = where.is("A_Expr") && where["kind"].text() == "AEXPR_OP" &&
                        is_name(where["lexpr"]) &&
                        name_parts(where["name"]) == std::vector<std::string_view>{"="};
  return equality ? constant(where["rexpr"]) : std::nullopt;
}

Verdict judge_set_config(const SqlNode& statement, const SqlNode& call,
                         std::string_view mapped_role) {
  const auto args = call["args"].items();
  auto name = args.empty() ? std::nullopt : constant(args[0]);
  if (!name && !args.empty()) name = name_by_filter(statement, args[0]);
  if (!name) return refuse(RefusalCode::pinned_setting, "set_config of a computed name");
  // A NULL value resets; the argument may be anything but a constant for settings that are not
  // pinned.
  return judge_setting(*name, args.size() > 1 ? constant(args[1]) : std::nullopt, Assignment::set,
                       mapped_role);
}

bool is_session_role(const SqlNode& role) {
  return role["roletype"].text() == "ROLESPEC_SESSION_USER" ||
         role["rolename"].text().starts_with("hoop_");
}

Verdict judge_grant(const SqlNode& node) {
  for (const std::string_view field : {"grantees", "grantee_roles", "granted_roles"}) {
    for (const SqlNode& role : node[field].items()) {
      if (is_session_role(role) || role["priv_name"].text().starts_with("hoop_"))
        return refuse(RefusalCode::session_grant);
    }
  }
  return std::nullopt;
}

struct NodeRule {
  std::string_view type;
  RefusalCode code;
};
// Refused by their type alone.
constexpr auto kNodeRules = std::to_array<NodeRule>({
    {"AlterRoleSetStmt", RefusalCode::role_definition},
    {"AlterRoleStmt", RefusalCode::role_definition},
    {"AlterSubscriptionStmt", RefusalCode::subscription},
    {"CreatePLangStmt", RefusalCode::server_access},
    {"CreateRoleStmt", RefusalCode::role_definition},
    {"CreateSubscriptionStmt", RefusalCode::subscription},
    {"DropRoleStmt", RefusalCode::role_definition},
    {"LoadStmt", RefusalCode::server_access},
});

Verdict judge_by_type(const SqlNode& node) {
  const auto rule = std::ranges::find(kNodeRules, node.type(), &NodeRule::type);
  if (rule != kNodeRules.end()) return refuse(rule->code);
  if (node.is("RenameStmt") && node["renameType"].text() == "OBJECT_ROLE")
    return refuse(RefusalCode::role_definition);
  const bool of_subscription =
      (node.is("RenameStmt") && node["renameType"].text() == "OBJECT_SUBSCRIPTION") ||
      (node.is("AlterOwnerStmt") && node["objectType"].text() == "OBJECT_SUBSCRIPTION");
  if (of_subscription) return refuse(RefusalCode::subscription);
  if (node.is("TransactionStmt") && node["kind"].text() == "TRANS_STMT_PREPARE")
    return refuse(RefusalCode::prepare_transaction);
  if (node.is("CopyStmt") && (node["is_program"].flag() || node["filename"].present()))
    return refuse(RefusalCode::server_access);
  if (node.is("CopyStmt")) {
    const auto encoding = copy_encoding(node);
    if (encoding && !is_our_encoding(*encoding))
      return refuse(RefusalCode::pinned_setting, "the encoding of COPY");
  }
  return std::nullopt;
}

Verdict judge(const SqlNode& node, std::string_view mapped_role) {
  if (node.kind() == SqlNode::Kind::object) {
    if (auto verdict = judge_by_type(node)) return verdict;
    if (node.is("AlterDatabaseSetStmt") || node.is("AlterSystemStmt")) {
      if (auto verdict = judge_stored_setting(node)) return verdict;
      return std::nullopt;
    }
    if (node.is("VariableSetStmt")) {
      if (auto verdict = judge_variable(node, mapped_role)) return verdict;
    }
    if (node.is("GrantStmt") || node.is("GrantRoleStmt")) {
      if (auto verdict = judge_grant(node)) return verdict;
    }
  }
  Verdict found;
  for_each_child(node, [&](const SqlNode& child) {
    if (!found) found = judge(child, mapped_role);
  });
  return found;
}

}  // namespace

std::optional<access::Decision> fixed_refusal(const SqlNode& statement,
                                              const References& references,
                                              std::string_view mapped_role) {
  if (auto verdict = judge(statement, mapped_role)) return verdict;
  // The view's own rule turns an UPDATE into set_config.
  const auto is_settings = [](const RelationUse& use) {
    return use.access == access::Access::write && use.name() == "pg_settings";
  };
  if (std::ranges::any_of(references.relations, is_settings))
    return refuse(RefusalCode::pinned_setting, "pg_settings");
  for (const FunctionUse& use : references.functions) {
    if (use.name.empty()) continue;
    const std::string_view name = use.name.back();
    if (is_forbidden_function(name)) return refuse(RefusalCode::forbidden_function, name);
    if (name != "set_config" || use.call == nullptr) continue;
    if (auto verdict = judge_set_config(statement, *use.call, mapped_role)) return verdict;
  }
  return std::nullopt;
}

bool changes_search_path(const SqlNode& statement, const References& references) {
  if (statement.is("DiscardStmt")) return true;
  if (statement.is("VariableSetStmt"))
    return statement["kind"].text() == "VAR_RESET_ALL" ||
           lower(statement["name"].text()) == "search_path";
  return std::ranges::any_of(references.functions, [](const FunctionUse& use) {
    if (use.name.empty() || use.name.back() != "set_config" || use.call == nullptr) return false;
    const auto args = (*use.call)["args"].items();
    const auto name = args.empty() ? std::nullopt : constant(args[0]);
    return !name || lower(*name) == "search_path";
  });
}

}  // namespace hoop::postgres
