// SPDX-License-Identifier: Apache-2.0
// The node types that PostgreSQL 15's raw grammar makes; those of later stages (Var, OpExpr, Query) are left out on purpose.
#include <algorithm>
#include <array>

#include "protocols/postgres/sql_tree.h"

namespace hoop::postgres {
namespace {

constexpr auto kRawNodeTypes = std::to_array<std::string_view>({
    "A_ArrayExpr", "A_Const", "A_Expr", "A_Indices", "A_Indirection", "A_Star", "AccessPriv", "Alias", "AlterCollationStmt",
    "AlterDatabaseRefreshCollStmt", "AlterDatabaseSetStmt", "AlterDatabaseStmt", "AlterDefaultPrivilegesStmt",
    "AlterDomainStmt", "AlterEnumStmt", "AlterEventTrigStmt", "AlterExtensionContentsStmt", "AlterExtensionStmt",
    "AlterFdwStmt", "AlterForeignServerStmt", "AlterFunctionStmt", "AlterObjectDependsStmt", "AlterObjectSchemaStmt",
    "AlterOpFamilyStmt", "AlterOperatorStmt", "AlterOwnerStmt", "AlterPolicyStmt", "AlterPublicationStmt", "AlterRoleSetStmt",
    "AlterRoleStmt", "AlterSeqStmt", "AlterStatsStmt", "AlterSubscriptionStmt", "AlterSystemStmt", "AlterTSConfigurationStmt",
    "AlterTSDictionaryStmt", "AlterTableCmd", "AlterTableMoveAllStmt", "AlterTableSpaceOptionsStmt", "AlterTableStmt",
    "AlterTypeStmt", "AlterUserMappingStmt", "BitString", "BoolExpr", "Boolean", "BooleanTest", "CTECycleClause",
    "CTESearchClause", "CallStmt", "CaseExpr", "CaseWhen", "CheckPointStmt", "ClosePortalStmt", "ClusterStmt", "CoalesceExpr",
    "CollateClause", "ColumnDef", "ColumnRef", "CommentStmt", "CommonTableExpr", "CompositeTypeStmt", "Constraint",
    "ConstraintsSetStmt", "CopyStmt", "CreateAmStmt", "CreateCastStmt", "CreateConversionStmt", "CreateDomainStmt",
    "CreateEnumStmt", "CreateEventTrigStmt", "CreateExtensionStmt", "CreateFdwStmt", "CreateForeignServerStmt",
    "CreateForeignTableStmt", "CreateFunctionStmt", "CreateOpClassItem", "CreateOpClassStmt", "CreateOpFamilyStmt",
    "CreatePLangStmt", "CreatePolicyStmt", "CreatePublicationStmt", "CreateRangeStmt", "CreateRoleStmt", "CreateSchemaStmt",
    "CreateSeqStmt", "CreateStatsStmt", "CreateStmt", "CreateSubscriptionStmt", "CreateTableAsStmt", "CreateTableSpaceStmt",
    "CreateTransformStmt", "CreateTrigStmt", "CreateUserMappingStmt", "CreatedbStmt", "CurrentOfExpr", "DeallocateStmt",
    "DeclareCursorStmt", "DefElem", "DefineStmt", "DeleteStmt", "DiscardStmt", "DoStmt", "DropOwnedStmt", "DropRoleStmt",
    "DropStmt", "DropSubscriptionStmt", "DropTableSpaceStmt", "DropUserMappingStmt", "DropdbStmt", "ExecuteStmt",
    "ExplainStmt", "FetchStmt", "Float", "FuncCall", "FunctionParameter", "GrantRoleStmt", "GrantStmt", "GroupingFunc",
    "GroupingSet", "ImportForeignSchemaStmt", "IndexElem", "IndexStmt", "InferClause", "InsertStmt", "Integer", "IntoClause",
    "JoinExpr", "List", "ListenStmt", "LoadStmt", "LockStmt", "LockingClause", "MergeStmt", "MergeWhenClause", "MinMaxExpr",
    "MultiAssignRef", "NamedArgExpr", "NotifyStmt", "NullTest", "ObjectWithArgs", "OnConflictClause", "ParamRef",
    "PartitionBoundSpec", "PartitionCmd", "PartitionElem", "PartitionRangeDatum", "PartitionSpec", "PrepareStmt",
    "PublicationObjSpec", "PublicationTable", "RangeFunction", "RangeSubselect", "RangeTableFunc", "RangeTableFuncCol",
    "RangeTableSample", "RangeVar", "RawStmt", "ReassignOwnedStmt", "RefreshMatViewStmt", "ReindexStmt", "RenameStmt",
    "ReplicaIdentityStmt", "ResTarget", "ReturnStmt", "RoleSpec", "RowExpr", "RuleStmt", "SQLValueFunction", "SecLabelStmt",
    "SelectStmt", "SetToDefault", "SortBy", "StatsElem", "String", "SubLink", "TableLikeClause", "TableSampleClause",
    "TransactionStmt", "TriggerTransition", "TruncateStmt", "TypeCast", "TypeName", "UnlistenStmt", "UpdateStmt",
    "VacuumRelation", "VacuumStmt", "VariableSetStmt", "VariableShowStmt", "ViewStmt", "WindowDef", "WithClause", "XmlExpr",
    "XmlSerialize",
});
static_assert(std::ranges::is_sorted(kRawNodeTypes));

}  // namespace

bool is_raw_node_type(std::string_view type) { return std::ranges::binary_search(kRawNodeTypes, type); }

}  // namespace hoop::postgres
