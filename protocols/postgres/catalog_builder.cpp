// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/catalog_builder.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace hoop::postgres {
namespace {

constexpr std::array<std::size_t, CatalogBuilder::kAnswers> kWidths{1, 4, 3, 2, 2, 3, 3};

std::unexpected<Error> wrong_shape(std::string_view what) {
  return fail(ErrorCode::malformed,
              "the target's catalog answered " + std::string(what) + " in an unexpected shape");
}

template <class T>
Result<T> number(const std::optional<std::string>& text) {
  T value{};
  const char* end = text->data() + text->size();
  const auto [at, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc{} || at != end) return wrong_shape("a number");
  return value;
}

/// Of two masks on one column the one that shows less wins.
int strength(access::MaskStrategy strategy) {
  switch (strategy) {
    case access::MaskStrategy::partial: return 0;
    case access::MaskStrategy::hash: return 1;
    case access::MaskStrategy::redact: return 2;
    case access::MaskStrategy::null: return 3;
  }
  return 3;
}

struct NamePattern {
  std::string schema = "*";
  std::string table = "*";
  std::string column;
};

/// "schema.table.column"; missing leading parts mean any.
NamePattern split(std::string_view text) {
  NamePattern pattern;
  const auto last = text.rfind('.');
  if (last == std::string_view::npos) {
    pattern.column = text;
    return pattern;
  }
  pattern.column = text.substr(last + 1);
  const auto rest = text.substr(0, last);
  const auto middle = rest.rfind('.');
  if (middle == std::string_view::npos) {
    pattern.table = rest;
  } else {
    pattern.table = rest.substr(middle + 1);
    pattern.schema = rest.substr(0, middle);
  }
  return pattern;
}

/// "customers.email" leaves the schema open, but is a name, not a wildcard: it must resolve.
bool must_resolve(std::string_view text) { return text.find('*') == std::string_view::npos; }

}  // namespace

Result<Catalog> Catalog::build(const std::vector<Rows>& answers,
                               const std::vector<access::Mask>& masks, const Catalog* earlier) {
  return CatalogBuilder(answers, masks, earlier).build();
}

Result<Catalog> CatalogBuilder::build() {
  HOOP_CHECK(check_shape());
  for (const auto& row : answers_[kSearchPathAnswer])
    catalog_.default_search_path_.push_back(*row[0]);
  HOOP_CHECK(read_relations());
  HOOP_CHECK(read_columns());
  HOOP_CHECK(read_links());
  read_routines();
  for (const access::Mask& mask : masks_) HOOP_CHECK(resolve(mask));
  keep_earlier();
  spread();
  close_views();
  return std::move(catalog_);
}

Result<void> CatalogBuilder::check_shape() const {
  if (answers_.size() != kAnswers) return wrong_shape("a number of results");
  for (std::size_t i = 0; i < kAnswers; ++i) {
    for (const auto& row : answers_[i]) {
      if (row.size() != kWidths[i] ||
          !std::ranges::all_of(row, [](const auto& field) { return field.has_value(); }))
        return wrong_shape("a row");
    }
  }
  return {};
}

Result<void> CatalogBuilder::read_relations() {
  for (const auto& row : answers_[kRelationsAnswer]) {
    HOOP_TRY(const Oid oid, number<Oid>(row[0]));
    if (row[3]->size() != 1) return wrong_shape("a kind");
    catalog_.relations_[oid] = Relation{*row[1], *row[2], oid, row[3]->front()};
    catalog_.by_name_[*row[2]].push_back(oid);
  }
  return {};
}

Result<void> CatalogBuilder::read_columns() {
  for (const auto& row : answers_[kColumnsAnswer]) {
    HOOP_TRY(const Oid relation, number<Oid>(row[0]));
    HOOP_TRY(const std::int16_t column, number<std::int16_t>(row[1]));
    columns_[relation].push_back({column, *row[2]});
  }
  return {};
}

Result<void> CatalogBuilder::read_links() {
  for (const auto& row : answers_[kInheritanceAnswer]) {
    HOOP_TRY(const Oid parent, number<Oid>(row[0]));
    HOOP_TRY(const Oid child, number<Oid>(row[1]));
    relatives_.emplace(parent, child);
    relatives_.emplace(child, parent);
  }
  for (const auto& row : answers_[kViewsAnswer]) {
    HOOP_TRY(const Oid view, number<Oid>(row[0]));
    HOOP_TRY(const Oid read, number<Oid>(row[1]));
    readers_.emplace(read, view);
  }
  for (const auto& row : answers_[kGeneratedAnswer]) {
    HOOP_TRY(const Oid relation, number<Oid>(row[0]));
    HOOP_TRY(const std::int16_t generated, number<std::int16_t>(row[1]));
    HOOP_TRY(const std::int16_t source, number<std::int16_t>(row[2]));
    derived_.emplace(Key{relation, source}, generated);
  }
  return {};
}

void CatalogBuilder::read_routines() {
  for (const auto& row : answers_[kRoutinesAnswer]) {
    const std::string& kind = *row[0];
    if (kind == "o") catalog_.user_operators_.insert(*row[2]);
    if (kind == "f" || kind == "c") catalog_.user_functions_.insert(*row[2]);
    if (kind == "f" || kind == "e") catalog_.function_schemas_[*row[2]].insert(*row[1]);
  }
}

void CatalogBuilder::mask_column(Oid relation, const Column& column, const MaskedColumn& as) {
  MaskedColumn wanted = as;
  wanted.relation = relation;
  wanted.number = column.number;
  wanted.name = column.name;
  const auto [at, is_new] = catalog_.masked_.try_emplace({relation, column.number}, wanted);
  if (!is_new) {
    // Of two masks of one column each counts where it is the stricter.
    const auto in_predicates = std::min(wanted.in_predicates, at->second.in_predicates);
    const bool shows_less = strength(wanted.with) > strength(at->second.with);
    if (!shows_less && in_predicates == at->second.in_predicates) return;
    if (shows_less) at->second = wanted;
    at->second.in_predicates = in_predicates;
  }
  pending_.emplace_back(relation, column.number);
}

Result<void> CatalogBuilder::resolve(const access::Mask& mask) {
  for (const std::string& text : mask.columns) {
    const NamePattern pattern = split(text);
    bool found = false;
    for (const auto& [oid, columns] : columns_) {
      const auto relation = catalog_.relations_.find(oid);
      if (relation == catalog_.relations_.end() ||
          !access::glob_matches(pattern.schema, relation->second.schema) ||
          !access::glob_matches(pattern.table, relation->second.name))
        continue;
      for (const Column& column : columns) {
        if (!access::glob_matches(pattern.column, column.name)) continue;
        found = true;
        mask_column(oid, column, MaskedColumn{0, 0, {}, mask.with, mask.name, mask.in_predicates});
      }
    }
    if (!found && !earlier_ && must_resolve(text) &&
        mask.on_unresolved == access::OnUnresolved::deny)
      return fail(ErrorCode::denied, "mask '" + mask.name + "' names no column: '" + text + "'",
                  "correct the name in the policy, or set on_unresolved = \"ignore\"");
  }
  return {};
}

/// What was masked in this session stays so, also what is gone: it comes back if the transaction
/// that dropped it rolls back.
void CatalogBuilder::keep_earlier() {
  if (!earlier_) return;
  const auto keep_relation = [&](Oid oid) {
    const auto [at, is_new] = catalog_.relations_.try_emplace(oid, earlier_->relations_.at(oid));
    if (is_new) catalog_.by_name_[at->second.name].push_back(oid);
  };
  for (const auto& [oid, names] : earlier_->columns_) {
    keep_relation(oid);
    if (columns_.contains(oid)) continue;
    for (const std::string& name : names) catalog_.columns_[oid].insert(name);
  }
  for (const Oid view : earlier_->views_over_masked_) {
    keep_relation(view);
    catalog_.views_over_masked_.insert(view);
  }
  for (const auto& [key, column] : earlier_->masked_) {
    const auto same = std::ranges::find(columns_[key.first], key.second, &Column::number);
    mask_column(key.first,
                same != columns_[key.first].end() ? *same : Column{key.second, column.name},
                column);
  }
  catalog_.user_functions_.insert(earlier_->user_functions_.begin(),
                                  earlier_->user_functions_.end());
  catalog_.user_operators_.insert(earlier_->user_operators_.begin(),
                                  earlier_->user_operators_.end());
}

/// Parents show their children's rows and children their parents' columns: a mask holds for the
/// whole family.
void CatalogBuilder::spread() {
  while (!pending_.empty()) {
    const Key key = pending_.back();
    pending_.pop_back();
    const MaskedColumn mask = catalog_.masked_.at(key);
    const auto [from, to] = relatives_.equal_range(key.first);
    for (auto at = from; at != to; ++at) {
      const auto columns = columns_.find(at->second);
      if (columns == columns_.end()) continue;
      const auto same = std::ranges::find(columns->second, mask.name, &Column::name);
      if (same != columns->second.end()) mask_column(at->second, *same, mask);
    }
    const auto [first, last] = derived_.equal_range(key);
    for (auto at = first; at != last; ++at) {
      const auto& columns = columns_[key.first];
      const auto generated = std::ranges::find(columns, at->second, &Column::number);
      if (generated != columns.end()) mask_column(key.first, *generated, mask);
    }
  }
}

void CatalogBuilder::close_views() {
  if (catalog_.masked_.empty()) return;
  std::vector<Oid> sources{0};
  for (const auto& [key, column] : catalog_.masked_) {
    auto& names = catalog_.columns_[key.first];
    if (sources.back() != key.first) sources.push_back(key.first);
    names.insert(column.name);
    for (const Column& known : columns_[key.first]) names.insert(known.name);
  }
  while (!sources.empty()) {
    const Oid source = sources.back();
    sources.pop_back();
    const auto [from, to] = readers_.equal_range(source);
    for (auto at = from; at != to; ++at) {
      if (catalog_.views_over_masked_.insert(at->second).second) sources.push_back(at->second);
    }
  }
}

}  // namespace hoop::postgres
