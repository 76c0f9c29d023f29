// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/statement_kind.h"

#include <algorithm>
#include <array>

namespace hoop::postgres {
namespace {

constexpr auto kNone = Effects::none;
constexpr auto kWrites = Effects::writes;
constexpr auto kCatalog = Effects::changes_catalog;
constexpr auto kUse = OnMaskedTarget::judged_by_use;
constexpr auto kUnless = OnMaskedTarget::unless_masked;
constexpr auto kRefused = OnMaskedTarget::refused;

// Sorted by type. What makes code that runs later (views, functions, rules, triggers, operators,
// policies, extensions) is refused on a target with masks, since nobody judges that code's own
// reading.
constexpr auto kKinds = std::to_array<StatementKind>({
    {"AlterCollationStmt", "alter", "collation", kCatalog, kUse},
    {"AlterDatabaseRefreshCollStmt", "alter", "database", kCatalog, kUse},
    {"AlterDatabaseSetStmt", "alter", "database", kCatalog, kUse},
    {"AlterDatabaseStmt", "alter", "database", kCatalog, kUse},
    {"AlterDefaultPrivilegesStmt", "grant", "", kCatalog, kUse},
    {"AlterDomainStmt", "alter", "domain", kCatalog, kUse},
    {"AlterEnumStmt", "alter", "type", kCatalog, kUse},
    {"AlterEventTrigStmt", "alter", "event_trigger", kCatalog, kRefused},
    {"AlterExtensionContentsStmt", "alter", "extension", kCatalog, kRefused},
    {"AlterExtensionStmt", "alter", "extension", kCatalog, kRefused},
    {"AlterFdwStmt", "alter", "foreign_data_wrapper", kCatalog, kRefused},
    {"AlterForeignServerStmt", "alter", "server", kCatalog, kRefused},
    {"AlterFunctionStmt", "alter", "function", kCatalog, kRefused},
    {"AlterObjectDependsStmt", "alter", "", kCatalog, kRefused},
    {"AlterObjectSchemaStmt", "alter", "", kCatalog, kRefused},
    {"AlterOpFamilyStmt", "alter", "operator_family", kCatalog, kRefused},
    {"AlterOperatorStmt", "alter", "operator", kCatalog, kRefused},
    {"AlterOwnerStmt", "alter", "", kCatalog, kUnless},
    {"AlterPolicyStmt", "alter", "policy", kCatalog, kRefused},
    {"AlterPublicationStmt", "alter", "publication", kCatalog, kRefused},
    {"AlterRoleSetStmt", "alter", "role", kCatalog, kUse},
    {"AlterRoleStmt", "alter", "role", kCatalog, kUse},
    {"AlterSeqStmt", "alter", "sequence", kCatalog, kUse},
    {"AlterStatsStmt", "alter", "statistics", kCatalog, kRefused},
    {"AlterSubscriptionStmt", "alter", "subscription", kCatalog, kRefused},
    {"AlterSystemStmt", "alter", "system", kCatalog, kUse},
    {"AlterTSConfigurationStmt", "alter", "text_search_configuration", kCatalog, kRefused},
    {"AlterTSDictionaryStmt", "alter", "text_search_dictionary", kCatalog, kRefused},
    {"AlterTableMoveAllStmt", "alter", "table", kCatalog, kUse},
    {"AlterTableSpaceOptionsStmt", "alter", "tablespace", kCatalog, kUse},
    {"AlterTableStmt", "alter", "", kCatalog, kUnless},
    {"AlterTypeStmt", "alter", "type", kCatalog, kRefused},
    {"AlterUserMappingStmt", "alter", "user_mapping", kCatalog, kRefused},
    {"CallStmt", "call", "", kCatalog, kRefused},
    {"CheckPointStmt", "maintenance", "", kWrites, kUse},
    {"ClosePortalStmt", "close", "", kNone, kUse},
    {"ClusterStmt", "maintenance", "", kWrites, kUnless},
    {"CommentStmt", "comment", "", kCatalog, kUse},
    {"CompositeTypeStmt", "create", "type", kCatalog, kUse},
    {"ConstraintsSetStmt", "set", "", kNone, kUse},
    {"CopyStmt", "copy_out", "", kNone, kUse},
    {"CreateAmStmt", "create", "access_method", kCatalog, kRefused},
    {"CreateCastStmt", "create", "cast", kCatalog, kRefused},
    {"CreateConversionStmt", "create", "conversion", kCatalog, kRefused},
    {"CreateDomainStmt", "create", "domain", kCatalog, kUse},
    {"CreateEnumStmt", "create", "type", kCatalog, kUse},
    {"CreateEventTrigStmt", "create", "event_trigger", kCatalog, kRefused},
    {"CreateExtensionStmt", "create", "extension", kCatalog, kRefused},
    {"CreateFdwStmt", "create", "foreign_data_wrapper", kCatalog, kRefused},
    {"CreateForeignServerStmt", "create", "server", kCatalog, kRefused},
    {"CreateForeignTableStmt", "create", "foreign_table", kCatalog, kRefused},
    {"CreateFunctionStmt", "create", "function", kCatalog, kRefused},
    {"CreateOpClassStmt", "create", "operator_class", kCatalog, kRefused},
    {"CreateOpFamilyStmt", "create", "operator_family", kCatalog, kRefused},
    {"CreatePLangStmt", "create", "language", kCatalog, kRefused},
    {"CreatePolicyStmt", "create", "policy", kCatalog, kRefused},
    {"CreatePublicationStmt", "create", "publication", kCatalog, kRefused},
    {"CreateRangeStmt", "create", "type", kCatalog, kRefused},
    {"CreateRoleStmt", "create", "role", kCatalog, kUse},
    {"CreateSchemaStmt", "create", "schema", kCatalog, kUse},
    {"CreateSeqStmt", "create", "sequence", kCatalog, kUse},
    {"CreateStatsStmt", "create", "statistics", kCatalog, kUnless},
    {"CreateStmt", "create", "table", kCatalog, kUse},
    {"CreateSubscriptionStmt", "create", "subscription", kCatalog, kRefused},
    {"CreateTableAsStmt", "create", "", kCatalog, kUse},
    {"CreateTableSpaceStmt", "create", "tablespace", kCatalog, kUse},
    {"CreateTransformStmt", "create", "transform", kCatalog, kRefused},
    {"CreateTrigStmt", "create", "trigger", kCatalog, kRefused},
    {"CreateUserMappingStmt", "create", "user_mapping", kCatalog, kRefused},
    {"CreatedbStmt", "create", "database", kCatalog, kUse},
    {"DeallocateStmt", "deallocate", "", kNone, kUse},
    {"DeclareCursorStmt", "declare", "", kNone, kUse},
    {"DefineStmt", "create", "", kCatalog, kRefused},
    {"DeleteStmt", "delete", "", kWrites, kUse},
    {"DiscardStmt", "discard", "", kNone, kUse},
    {"DoStmt", "do", "", kCatalog, kRefused},
    {"DropOwnedStmt", "drop", "owned", kCatalog, kUse},
    {"DropRoleStmt", "drop", "role", kCatalog, kUse},
    {"DropStmt", "drop", "", kCatalog, kUse},
    {"DropSubscriptionStmt", "drop", "subscription", kCatalog, kUse},
    {"DropTableSpaceStmt", "drop", "tablespace", kCatalog, kUse},
    {"DropUserMappingStmt", "drop", "user_mapping", kCatalog, kUse},
    {"DropdbStmt", "drop", "database", kCatalog, kUse},
    {"ExecuteStmt", "execute", "", kWrites, kUse},
    {"ExplainStmt", "explain", "", kNone, kUse},
    {"FetchStmt", "fetch", "", kNone, kUse},
    {"GrantRoleStmt", "grant", "role", kCatalog, kUse},
    {"GrantStmt", "grant", "", kCatalog, kUse},
    {"ImportForeignSchemaStmt", "create", "foreign_table", kCatalog, kRefused},
    {"IndexStmt", "create", "index", kCatalog, kUse},
    {"InsertStmt", "insert", "", kWrites, kUse},
    {"ListenStmt", "listen", "", kNone, kUse},
    {"LoadStmt", "load", "", kWrites, kRefused},
    {"LockStmt", "lock", "", kNone, kUse},
    {"MergeStmt", "merge", "", kWrites, kUse},
    {"NotifyStmt", "listen", "", kWrites, kUse},
    {"PrepareStmt", "prepare", "", kNone, kUse},
    {"ReassignOwnedStmt", "alter", "owned", kCatalog, kUse},
    {"RefreshMatViewStmt", "maintenance", "", kWrites, kUse},
    {"ReindexStmt", "maintenance", "", kWrites, kUse},
    {"RenameStmt", "alter", "", kCatalog, kUnless},
    {"RuleStmt", "create", "rule", kCatalog, kRefused},
    {"SecLabelStmt", "comment", "", kCatalog, kUse},
    {"SelectStmt", "select", "", kNone, kUse},
    {"TransactionStmt", "transaction", "", kNone, kUse},
    {"TruncateStmt", "truncate", "", kWrites, kUse},
    {"UnlistenStmt", "listen", "", kNone, kUse},
    {"UpdateStmt", "update", "", kWrites, kUse},
    {"VacuumStmt", "maintenance", "", kWrites, kUse},
    {"VariableSetStmt", "set", "", kNone, kUse},
    {"VariableShowStmt", "show", "", kNone, kUse},
    {"ViewStmt", "create", "view", kCatalog, kRefused},
});
static_assert(std::ranges::is_sorted(kKinds, {}, &StatementKind::type));

}  // namespace

const StatementKind* statement_kind(std::string_view type) {
  const auto found = std::ranges::lower_bound(kKinds, type, {}, &StatementKind::type);
  return found != kKinds.end() && found->type == type ? &*found : nullptr;
}

std::string object_of(const StatementKind& kind, const SqlNode& statement) {
  if (!kind.object.empty()) return std::string(kind.object);
  for (const std::string_view field :
       {"objtype", "removeType", "renameType", "objectType", "kind"}) {
    std::string_view name = statement[field].text();
    if (!name.starts_with("OBJECT_")) continue;
    name.remove_prefix(7);
    if (name == "MATVIEW") return "materialized_view";
    std::string object(name);
    std::ranges::transform(object, object.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    return object;
  }
  return {};
}

}  // namespace hoop::postgres
