// SPDX-License-Identifier: Apache-2.0
// The constant SQL by which a Catalog is read. OPERATOR(pg_catalog.=) and full names throughout:
// the session's search_path is the user's, and a function or operator put in front of pg_catalog's
// must not run here. No USING, IN, LIKE or CASE x WHEN either, for the grammar turns those into
// unqualified operators.
#include "protocols/postgres/catalog_builder.h"

namespace hoop::postgres {
namespace {

constexpr const char* kSearchPath =
    "select p.s from pg_catalog.unnest(pg_catalog.current_schemas(true)) with ordinality as p(s, "
    "i) order by p.i";

constexpr const char* kRelations =
    "select c.oid, n.nspname, c.relname, c.relkind from pg_catalog.pg_class c"
    " join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace"
    " where c.relkind operator(pg_catalog.=) any ('{r,p,v,m,f,S}'::pg_catalog.\"char\"[])"
    " and n.nspname operator(pg_catalog.<>) 'pg_toast'::pg_catalog.name and not "
    "pg_catalog.pg_is_other_temp_schema(n.oid)";

constexpr const char* kColumns =
    "select a.attrelid, a.attnum, a.attname from pg_catalog.pg_attribute a"
    " join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) a.attrelid"
    " join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace"
    " where a.attnum operator(pg_catalog.>) 0::pg_catalog.int2 and not a.attisdropped"
    " and c.relkind operator(pg_catalog.=) any ('{r,p,v,m,f}'::pg_catalog.\"char\"[])"
    " and n.nspname operator(pg_catalog.<>) all "
    "('{pg_catalog,information_schema,pg_toast}'::pg_catalog.name[])"
    " and not pg_catalog.pg_is_other_temp_schema(n.oid)";

constexpr const char* kInheritance = "select i.inhparent, i.inhrelid from pg_catalog.pg_inherits i";

// What views (and rules) read. 0 stands for a function outside pg_catalog, which can read anything.
constexpr const char* kViews =
    "select distinct r.ev_class, d.refobjid from pg_catalog.pg_rewrite r"
    " join pg_catalog.pg_depend d on d.objid operator(pg_catalog.=) r.oid"
    " where d.classid operator(pg_catalog.=) "
    "'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid"
    " and d.refclassid operator(pg_catalog.=) "
    "'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid"
    " and d.refobjid operator(pg_catalog.<>) r.ev_class"
    " union all select distinct r.ev_class, 0::pg_catalog.oid from pg_catalog.pg_rewrite r"
    " join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) r.ev_class"
    " join pg_catalog.pg_namespace cn on cn.oid operator(pg_catalog.=) c.relnamespace"
    " join pg_catalog.pg_depend d on d.objid operator(pg_catalog.=) r.oid"
    " join pg_catalog.pg_proc p on p.oid operator(pg_catalog.=) d.refobjid"
    " join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) p.pronamespace"
    " where d.classid operator(pg_catalog.=) "
    "'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid"
    " and d.refclassid operator(pg_catalog.=) "
    "'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid"
    " and n.nspname operator(pg_catalog.<>) all "
    "('{pg_catalog,information_schema}'::pg_catalog.name[])"
    " and cn.nspname operator(pg_catalog.<>) all "
    "('{pg_catalog,information_schema}'::pg_catalog.name[])";

// Generated columns and the columns that they are made from. Releases differ in which object owns
// the dependency.
constexpr const char* kGenerated =
    "select d.objid, d.objsubid, d.refobjsubid from pg_catalog.pg_depend d"
    " join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) d.objid"
    " and a.attnum::pg_catalog.int4 operator(pg_catalog.=) d.objsubid"
    " where a.attgenerated operator(pg_catalog.<>) ''::pg_catalog.\"char\""
    " and d.classid operator(pg_catalog.=) "
    "'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid"
    " and d.refclassid operator(pg_catalog.=) d.classid and d.refobjid operator(pg_catalog.=) "
    "d.objid"
    " and d.refobjsubid operator(pg_catalog.>) 0"
    " union all select f.adrelid, f.adnum::pg_catalog.int4, d.refobjsubid from "
    "pg_catalog.pg_depend d"
    " join pg_catalog.pg_attrdef f on f.oid operator(pg_catalog.=) d.objid"
    " join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) f.adrelid and a.attnum "
    "operator(pg_catalog.=) f.adnum"
    " where a.attgenerated operator(pg_catalog.<>) ''::pg_catalog.\"char\""
    " and d.classid operator(pg_catalog.=) "
    "'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid"
    " and d.refclassid operator(pg_catalog.=) "
    "'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid"
    " and d.refobjid operator(pg_catalog.=) f.adrelid and d.refobjsubid operator(pg_catalog.>) 0"
    " and d.refobjsubid operator(pg_catalog.<>) f.adnum::pg_catalog.int4";

// f: function; e: function of an extension; c: target type of a cast with such a function; o:
// operator not of an extension.
constexpr const char* kRoutines =
    "select case when exists (select 1 from pg_catalog.pg_depend d where d.objid "
    "operator(pg_catalog.=) p.oid"
    " and d.classid operator(pg_catalog.=) "
    "'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid"
    " and d.deptype operator(pg_catalog.=) 'e'::pg_catalog.\"char\") then 'e' else 'f' end, "
    "n.nspname, p.proname"
    " from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) "
    "p.pronamespace"
    " where n.nspname operator(pg_catalog.<>) all "
    "('{pg_catalog,information_schema}'::pg_catalog.name[])"
    " union select 'c', n.nspname, t.typname from pg_catalog.pg_cast k"
    " join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) k.casttarget"
    " join pg_catalog.pg_proc p on p.oid operator(pg_catalog.=) k.castfunc"
    " join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) p.pronamespace"
    " where n.nspname operator(pg_catalog.<>) 'pg_catalog'::pg_catalog.name"
    " and not exists (select 1 from pg_catalog.pg_depend d where d.objid operator(pg_catalog.=) "
    "p.oid"
    " and d.classid operator(pg_catalog.=) "
    "'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid"
    " and d.deptype operator(pg_catalog.=) 'e'::pg_catalog.\"char\")"
    " union select 'o', n.nspname, o.oprname from pg_catalog.pg_operator o"
    " join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) o.oprnamespace"
    " where n.nspname operator(pg_catalog.<>) 'pg_catalog'::pg_catalog.name"
    " and not exists (select 1 from pg_catalog.pg_depend d where d.objid operator(pg_catalog.=) "
    "o.oid"
    " and d.classid operator(pg_catalog.=) "
    "'pg_catalog.pg_operator'::pg_catalog.regclass::pg_catalog.oid"
    " and d.deptype operator(pg_catalog.=) 'e'::pg_catalog.\"char\")";

}  // namespace

std::vector<std::string> Catalog::queries() {
  std::vector<std::string> all(CatalogBuilder::kAnswers);
  all[CatalogBuilder::kSearchPathAnswer] = kSearchPath;
  all[CatalogBuilder::kRelationsAnswer] = kRelations;
  all[CatalogBuilder::kColumnsAnswer] = kColumns;
  all[CatalogBuilder::kInheritanceAnswer] = kInheritance;
  all[CatalogBuilder::kViewsAnswer] = kViews;
  all[CatalogBuilder::kGeneratedAnswer] = kGenerated;
  all[CatalogBuilder::kRoutinesAnswer] = kRoutines;
  return all;
}

}  // namespace hoop::postgres
