// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/catalog.h"

#include <algorithm>
#include <limits>

namespace hoop::postgres {
namespace {

bool is_temporary(std::string_view schema) { return schema.starts_with("pg_temp"); }

}  // namespace

const MaskedColumn* Catalog::masked(Oid relation, std::int16_t number) const {
  const auto found = masked_.find({relation, number});
  return found == masked_.end() ? nullptr : &found->second;
}

std::vector<const Relation*> Catalog::find(
    std::optional<std::string_view> schema, std::string_view name,
    const std::optional<std::vector<std::string>>& search_path) const {
  std::vector<const Relation*> all;
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    for (const Oid oid : found->second) all.push_back(&relations_.at(oid));
  }
  const auto only = [&](auto&& keep) {
    std::vector<const Relation*> kept;
    std::ranges::copy_if(all, std::back_inserter(kept),
                         [&](const Relation* r) { return keep(r->schema); });
    return kept;
  };
  if (schema) {
    // pg_temp is the alias of pg_temp_N; other sessions' are not in the catalog.
    return only([&](std::string_view s) {
      return s == *schema || (*schema == "pg_temp" && is_temporary(s));
    });
  }
  if (!search_path) return all;
  // Where the path does not name them, PostgreSQL looks into the temporary schema first, then into
  // pg_catalog.
  if (std::ranges::none_of(*search_path, is_temporary)) {
    if (auto kept = only(is_temporary); !kept.empty()) return kept;
  }
  if (std::ranges::find(*search_path, "pg_catalog") == search_path->end()) {
    if (auto kept = only([](std::string_view s) { return s == "pg_catalog"; }); !kept.empty())
      return kept;
  }
  for (const std::string& step : *search_path) {
    if (auto kept = only([&](std::string_view s) { return s == step; }); !kept.empty()) return kept;
  }
  return {};
}

std::vector<const MaskedColumn*> Catalog::masked_columns_of(std::string_view qualified) const {
  std::vector<const MaskedColumn*> out;
  for (const auto& [place, column] : masked_) {
    const auto found = relations_.find(column.relation);
    if (found == relations_.end()) continue;
    const Relation& relation = found->second;
    if (qualified.size() == relation.schema.size() + 1 + relation.name.size() &&
        qualified.starts_with(relation.schema) && qualified.ends_with(relation.name) &&
        qualified[relation.schema.size()] == '.')
      out.push_back(&column);
  }
  return out;
}

bool Catalog::touches_masked(Oid relation) const {
  return columns_.contains(relation) || is_view_over_masked(relation);
}

bool Catalog::is_view_over_masked(Oid relation) const {
  return views_over_masked_.contains(relation);
}

std::map<std::string, access::InPredicates> Catalog::masked_names(Oid relation) const {
  std::map<std::string, access::InPredicates> names;
  for (auto at = masked_.lower_bound({relation, std::numeric_limits<std::int16_t>::min()});
       at != masked_.end() && at->first.first == relation; ++at)
    names.emplace(at->second.name, at->second.in_predicates);
  return names;
}

bool Catalog::has_column(Oid relation, std::string_view column) const {
  const auto found = columns_.find(relation);
  return found != columns_.end() && found->second.contains(column);
}

std::vector<std::string> Catalog::schemas_of_function(std::string_view name) const {
  const auto found = function_schemas_.find(name);
  if (found == function_schemas_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

std::vector<const Relation*> Catalog::relations_in(std::string_view schema) const {
  std::vector<const Relation*> found;
  for (const auto& [oid, relation] : relations_) {
    if (relation.schema == schema) found.push_back(&relation);
  }
  return found;
}

}  // namespace hoop::postgres
