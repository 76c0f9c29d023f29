// SPDX-License-Identifier: Apache-2.0
#include "core/config/toml_reader.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/clock.h"

#include <toml++/toml.h>

namespace hoop::config {

struct TomlTable::Document {
  std::string name;
  toml::table root;
  std::optional<Error> complaint;
  // Every table that was read, with the keys that were asked of it.
  std::vector<const toml::table*> tables;
  std::vector<std::shared_ptr<std::set<std::string>>> known;
};

struct TomlTable::State {
  State(std::shared_ptr<Document> owner, const toml::table* table)
      : document(std::move(owner)), node(table) {
    document->tables.push_back(node);
    document->known.push_back(known);
  }
  std::shared_ptr<Document> document;
  const toml::table* node;
  std::shared_ptr<std::set<std::string>> known = std::make_shared<std::set<std::string>>();
};

namespace {

std::string place(const std::string& name, const toml::source_region& where) {
  return fmt::format("{}:{}:{}", name, where.begin.line, where.begin.column);
}

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::none: return "nothing";
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "an array";
    case toml::node_type::string: return "a string";
    case toml::node_type::integer: return "an integer";
    case toml::node_type::floating_point: return "a number with a fraction";
    case toml::node_type::boolean: return "a boolean";
    case toml::node_type::date: return "a date";
    case toml::node_type::time: return "a time";
    case toml::node_type::date_time: return "a date and time";
  }
  return "something else";
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string>& candidates) {
  std::optional<std::string> best;
  std::size_t least = 1 + std::max<std::size_t>(1, word.size() / 3);
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

Result<TomlTable> TomlTable::parse(std::string_view name, std::string_view text) {
  auto document = std::make_shared<Document>();
  document->name = name;
  try {
    document->root = toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::config,
                fmt::format("{}: {}", place(document->name, error.source()), error.description()));
  }
  const toml::table* root = &document->root;
  return TomlTable(std::make_shared<State>(std::move(document), root));
}

bool TomlTable::has(std::string_view key) const {
  ignore(key);
  return state_->node->contains(key);
}

void TomlTable::ignore(std::string_view key) const { state_->known->emplace(key); }

void TomlTable::complain(std::string_view key, std::string_view message, std::string hint) const {
  auto& complaint = state_->document->complaint;
  if (!complaint)
    complaint = Error{
        ErrorCode::config, fmt::format("{}: {}", place_of(key), message), std::move(hint), {}};
}

void TomlTable::complain(std::string_view key, std::size_t element, std::string_view message,
                         std::string hint) const {
  auto& complaint = state_->document->complaint;
  if (complaint) return;
  complaint = Error{ErrorCode::config,
                    fmt::format("{}: {}", place_of(key, element), message),
                    std::move(hint),
                    {}};
}

std::string TomlTable::place_of(std::string_view key, std::size_t element) const {
  const toml::node* node = state_->node->get(key);
  const toml::array* array = node != nullptr ? node->as_array() : nullptr;
  if (array == nullptr || element >= array->size()) return place_of(key);
  return place(state_->document->name, array->get(element)->source());
}

std::string TomlTable::place_of(std::string_view key) const {
  const toml::node* node = state_->node->get(key);
  return place(state_->document->name, node != nullptr ? node->source() : state_->node->source());
}

std::optional<std::string> TomlTable::text(std::string_view key) const {
  if (!has(key)) return std::nullopt;
  const toml::node& node = *state_->node->get(key);
  const auto* value = node.as_string();
  if (value == nullptr) {
    complain(key, fmt::format("'{}' must be a string, but is {}", key, type_name(node)));
    return std::nullopt;
  }
  if (value->get().find('\0') != std::string::npos) {
    complain(key, fmt::format("'{}' holds a NUL character", key));
    return std::nullopt;
  }
  return value->get();
}

std::string TomlTable::text_or(std::string_view key, std::string_view fallback) const {
  return text(key).value_or(std::string(fallback));
}

std::string TomlTable::required_text(std::string_view key) const {
  if (!has(key)) {
    complain(key, fmt::format("'{}' is missing", key));
    return {};
  }
  auto value = text(key);
  if (value && value->empty()) complain(key, fmt::format("'{}' must not be empty", key));
  return value.value_or("");
}

std::optional<std::int64_t> TomlTable::integer(std::string_view key, std::int64_t least,
                                               std::int64_t most) const {
  if (!has(key)) return std::nullopt;
  const toml::node& node = *state_->node->get(key);
  const auto* value = node.as_integer();
  if (value == nullptr) {
    complain(key, fmt::format("'{}' must be an integer, but is {}", key, type_name(node)));
    return std::nullopt;
  }
  if (value->get() < least || value->get() > most) {
    complain(key, fmt::format("'{}' must be from {} to {}", key, least, most));
    return std::nullopt;
  }
  return value->get();
}

std::optional<bool> TomlTable::boolean(std::string_view key) const {
  if (!has(key)) return std::nullopt;
  const toml::node& node = *state_->node->get(key);
  const auto* value = node.as_boolean();
  if (value == nullptr) {
    complain(key, fmt::format("'{}' must be true or false, but is {}", key, type_name(node)));
    return std::nullopt;
  }
  return value->get();
}

std::optional<std::chrono::seconds> TomlTable::duration(std::string_view key) const {
  const auto value = text(key);
  if (!value) return std::nullopt;
  auto span = parse_duration(*value);
  if (!span) {
    complain(key, span.error().message, span.error().hint);
    return std::nullopt;
  }
  return *span;
}

std::vector<std::string> TomlTable::text_list(std::string_view key) const {
  std::vector<std::string> out;
  if (!has(key)) return out;
  const toml::node& node = *state_->node->get(key);
  const auto* array = node.as_array();
  if (array == nullptr) {
    complain(key, fmt::format("'{}' must be an array of strings, but is {}", key, type_name(node)));
    return out;
  }
  for (const toml::node& element : *array) {
    const auto* value = element.as_string();
    if (value == nullptr || value->get().find('\0') != std::string::npos) {
      complain(key,
               fmt::format("'{}' must hold strings only, but has {}", key, type_name(element)));
      return {};
    }
    out.push_back(value->get());
  }
  return out;
}

std::vector<std::string> TomlTable::text_or_list(std::string_view key) const {
  if (!has(key)) return {};
  const toml::node& node = *state_->node->get(key);
  if (node.is_array()) return text_list(key);
  if (!node.is_string()) {
    complain(key, fmt::format("'{}' must be a string or an array of strings, but is {}", key,
                              type_name(node)));
    return {};
  }
  const auto value = text(key);
  return value ? std::vector{*value} : std::vector<std::string>();
}

std::vector<std::string> TomlTable::keys() const {
  std::vector<std::string> out;
  for (const auto& [key, value] : *state_->node) out.emplace_back(key.str());
  return out;
}

std::map<std::string, std::string> TomlTable::text_map(std::string_view key) const {
  std::map<std::string, std::string> out;
  if (!has(key)) return out;
  const toml::node& node = *state_->node->get(key);
  const auto* table = node.as_table();
  if (table == nullptr) {
    complain(key, fmt::format("'{}' must be a table of strings, but is {}", key, type_name(node)));
    return out;
  }
  for (const auto& [name, element] : *table) {
    const auto* value = element.as_string();
    if (value == nullptr) {
      complain(key, fmt::format("'{}.{}' must be a string, but is {}", key, name.str(),
                                type_name(element)));
      return {};
    }
    out.emplace(name.str(), value->get());
  }
  return out;
}

std::optional<TomlTable> TomlTable::table(std::string_view key) const {
  if (!has(key)) return std::nullopt;
  const toml::node& node = *state_->node->get(key);
  const auto* inner = node.as_table();
  if (inner == nullptr) {
    complain(key, fmt::format("'{}' must be a table, but is {}", key, type_name(node)));
    return std::nullopt;
  }
  return TomlTable(std::make_shared<State>(state_->document, inner));
}

std::vector<TomlTable> TomlTable::tables(std::string_view key) const {
  std::vector<TomlTable> out;
  if (!has(key)) return out;
  const toml::node& node = *state_->node->get(key);
  const auto* array = node.as_array();
  if (array == nullptr) {
    complain(key,
             fmt::format("'{}' must be written as [[{}]], but is {}", key, key, type_name(node)));
    return out;
  }
  for (const toml::node& element : *array) {
    const auto* inner = element.as_table();
    if (inner == nullptr) {
      complain(key, fmt::format("'{}' must hold tables only, but has {}", key, type_name(element)));
      return {};
    }
    out.push_back(TomlTable(std::make_shared<State>(state_->document, inner)));
  }
  return out;
}

std::vector<TomlTable> TomlTable::table_or_tables(std::string_view key) const {
  if (!has(key)) return {};
  const toml::node& node = *state_->node->get(key);
  if (node.is_array()) return tables(key);
  const auto one = table(key);
  return one ? std::vector{*one} : std::vector<TomlTable>();
}

Result<void> TomlTable::complaint() const {
  if (state_->document->complaint) return std::unexpected(*state_->document->complaint);
  return {};
}

Result<void> TomlTable::finish() const {
  HOOP_CHECK(complaint());
  const Document& document = *state_->document;
  for (std::size_t i = 0; i < document.tables.size(); ++i) {
    for (const auto& [key, value] : *document.tables[i]) {
      if (document.known[i]->contains(std::string(key.str()))) continue;
      const std::vector<std::string> known(document.known[i]->begin(), document.known[i]->end());
      const auto like = nearest(key.str(), known);
      return fail(
          ErrorCode::config,
          fmt::format("{}: unknown key '{}'", place(document.name, key.source()), key.str()),
          like ? fmt::format("did you mean '{}'?", *like)
               : fmt::format("known here: {}", fmt::join(known, ", ")));
    }
  }
  return {};
}

}  // namespace hoop::config
