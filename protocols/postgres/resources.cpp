// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/resources.h"

#include <algorithm>
#include <array>

#include "protocols/postgres/function_list.h"

namespace hoop::postgres {
namespace {

using access::Access;

class ResourceWriter {
 public:
  ResourceWriter(access::Action& action, const ResourceNames& names)
      : action_(action), names_(names) {}

  void add(std::string_view kind, std::string name, Access access) {
    access::Resource resource{std::string(kind), std::move(name), access};
    if (std::ranges::find(action_.resources, resource) == action_.resources.end())
      action_.resources.push_back(std::move(resource));
  }

  void add_relation(const RelationUse& use) {
    const auto qualified =
        use.declared ? std::vector{declared_name(use)} : names_of(use.schema(), use.name());
    for (const std::string& name : qualified) {
      add("table", name, use.access);
      // What changes rows under a condition, or returns them, reads them as well.
      if (use.access == Access::write && use.reads_rows) add("table", name, Access::read);
    }
    const auto is_system = [](const std::string& name) {
      return name.starts_with("pg_catalog.") || name.starts_with("information_schema.");
    };
    if (!use.reads_rows || std::ranges::all_of(qualified, is_system)) return;
    std::string& where = action_.attributes["where"];
    if (where != "absent") where = use.filtered ? "present" : "absent";
  }

  void add_named(std::string_view kind, const SqlNode& object, Access access) {
    const auto parts = name_parts(object.is("ObjectWithArgs") ? object["objname"]
                                  : object.is("TypeName")     ? object["names"]
                                                              : object);
    if (parts.empty()) return;
    const std::string_view schema =
        parts.size() >= 2 ? parts[parts.size() - 2] : std::string_view();
    if (kind == "function") return add_function(parts, access);
    for (const std::string& name : names_of(schema, parts.back())) add(kind, name, access);
  }

  void add_function(const std::vector<std::string_view>& parts, Access access) {
    if (parts.empty()) return;
    const std::string name(parts.back());
    if (parts.size() >= 2)
      return add("function", std::string(parts[parts.size() - 2]) + "." + name, access);
    const auto schemas = names_.catalog.schemas_of_function(name);
    for (const std::string& schema : schemas) add("function", schema + "." + name, access);
    // The catalog knows every function outside pg_catalog, so what it does not know is PostgreSQL's
    // own.
    if (schemas.empty() || is_transparent_function(name))
      add("function", "pg_catalog." + name, access);
  }

  void add_table(std::string_view schema, std::string_view table) {
    for (const std::string& name : names_of(schema, table)) add("table", name, Access::write);
  }

  void add_schema(std::string_view schema) {
    add("schema", std::string(schema), Access::write);
    for (const Relation* relation : names_.catalog.relations_in(schema))
      add("table", relation->schema + "." + relation->name, Access::write);
  }

 private:
  std::string first_schema() const {
    if (!names_.search_path) return "?";
    for (const std::string& schema : *names_.search_path) {
      if (schema != "pg_catalog" && !schema.starts_with("pg_temp")) return schema;
    }
    return "?";
  }

  std::string declared_name(const RelationUse& use) const {
    const std::string name(use.name());
    if (!use.schema().empty()) return std::string(use.schema()) + "." + name;
    const bool temporary = (*use.range_var)["relpersistence"].text() == "t";
    return (temporary ? "pg_temp" : first_schema()) + "." + name;
  }

  std::vector<std::string> names_of(std::string_view schema, std::string_view name) {
    if (!schema.empty()) return {std::string(schema) + "." + std::string(name)};
    std::vector<std::string> qualified;
    for (const Relation* found : names_.catalog.find(std::nullopt, name, names_.search_path))
      qualified.push_back(found->schema + "." + found->name);
    if (qualified.size() > 1) action_.attributes["candidates"] = "many";
    if (!qualified.empty()) return qualified;
    if (name.starts_with("pg_")) return {"pg_catalog." + std::string(name)};
    action_.attributes.try_emplace("candidates", "unresolved");
    return {first_schema() + "." + std::string(name)};
  }

  access::Action& action_;
  const ResourceNames& names_;
};

std::string_view kind_of_dropped(std::string_view type) {
  struct Kind {
    std::string_view type;
    std::string_view kind;
  };
  constexpr auto kKinds = std::to_array<Kind>({
      {"OBJECT_TABLE", "table"},
      {"OBJECT_VIEW", "table"},
      {"OBJECT_MATVIEW", "table"},
      {"OBJECT_FOREIGN_TABLE", "table"},
      {"OBJECT_SEQUENCE", "table"},
      {"OBJECT_INDEX", "index"},
      {"OBJECT_FUNCTION", "function"},
      {"OBJECT_PROCEDURE", "function"},
      {"OBJECT_ROUTINE", "function"},
      {"OBJECT_AGGREGATE", "function"},
      {"OBJECT_TYPE", "type"},
      {"OBJECT_DOMAIN", "type"},
  });
  const auto found = std::ranges::find(kKinds, type, &Kind::type);
  return found == kKinds.end() ? std::string_view() : found->kind;
}

/// Triggers, rules, policies and columns are named by their table first.
bool is_part_of_table(std::string_view type) {
  constexpr auto kOfTables = std::to_array<std::string_view>(
      {"OBJECT_COLUMN", "OBJECT_POLICY", "OBJECT_RULE", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER"});
  return std::ranges::find(kOfTables, type) != kOfTables.end();
}

void add_object(ResourceWriter& writer, std::string_view type, const SqlNode& object) {
  if (type == "OBJECT_SCHEMA") return writer.add_schema(string_value(object));
  if (is_part_of_table(type)) {
    const auto parts = name_parts(object);
    if (parts.size() < 2) return;
    return writer.add_table(parts.size() >= 3 ? parts[parts.size() - 3] : std::string_view(),
                            parts[parts.size() - 2]);
  }
  const std::string_view kind = kind_of_dropped(type);
  if (!kind.empty()) writer.add_named(kind, object, Access::write);
}

}  // namespace

void add_resources(access::Action& action, const SqlNode& statement, const References& references,
                   const ResourceNames& names) {
  ResourceWriter writer(action, names);
  for (const RelationUse& use : references.relations) writer.add_relation(use);
  for (const FunctionUse& use : references.functions) writer.add_function(use.name, Access::read);
  const std::string_view dropped = statement["removeType"].text();
  if (statement.is("DropStmt")) {
    for (const SqlNode& object : statement["objects"].items()) add_object(writer, dropped, object);
  }
  if (statement.is("CommentStmt"))
    add_object(writer, statement["objtype"].text(), statement["object"]);
  if (statement.is("RenameStmt") && statement["renameType"].text() == "OBJECT_SCHEMA")
    writer.add_schema(statement["subname"].text());
  if (statement.is("CreateSchemaStmt") && statement["schemaname"].present())
    writer.add("schema", std::string(statement["schemaname"].text()), Access::write);
}

}  // namespace hoop::postgres
