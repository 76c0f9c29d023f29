// SPDX-License-Identifier: Apache-2.0
#include "core/access/policy_reader.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/access/circumstances.h"
#include "core/access/own_pattern.h"
#include "core/access/pattern.h"
#include "core/access/vocabulary.h"
#include "core/access/words.h"

namespace hoop::access {
namespace {

using config::TomlTable;
using Words = std::vector<std::string>;

// A credential lives minutes; a day is the longest shift that a grant may span.
constexpr std::chrono::seconds kMostTtl = std::chrono::hours(24);

std::string suggest(std::string_view word, const Words& known) {
  if (const auto like = config::nearest(word, known))
    return fmt::format("did you mean '{}'?", *like);
  return fmt::format("one of: {}", fmt::join(known, ", "));
}

template <class Enum, std::size_t N>
std::optional<Enum> read_choice(const TomlTable& table, std::string_view key,
                                const std::array<Enum, N>& all) {
  const auto text = table.text(key);
  if (!text) return std::nullopt;
  const auto value = from_word(all, *text);
  if (!value)
    table.complain(key, fmt::format("'{}' cannot be '{}'", key, *text),
                   suggest(*text, words_of(all)));
  return value;
}

Words read_names(const TomlTable& table, std::string_view key) {
  Words names = table.text_or_list(key);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty())
      table.complain(key, i, fmt::format("an empty text in '{}' matches nothing", key));
  }
  return names;
}

Words read_required_names(const TomlTable& table, std::string_view key, std::string_view hint) {
  Words names = read_names(table, key);
  if (!table.has(key)) {
    table.complain(key, fmt::format("'{}' is missing", key), std::string(hint));
  } else if (names.empty()) {
    table.complain(key, fmt::format("'{}' is empty, so it matches nothing", key),
                   std::string(hint));
  }
  return names;
}

enum class Everybody { allowed, refused };

Words read_people(const TomlTable& table, std::string_view key, Words people, Everybody everybody) {
  for (std::size_t i = 0; i < people.size(); ++i) {
    const std::string_view text = people[i];
    if (text == "*" && everybody == Everybody::allowed) continue;
    if (text.starts_with("user:") && text.size() > 5) continue;
    if (text.starts_with("group:") && text.size() > 6) continue;
    table.complain(key, i, fmt::format("'{}' is neither a user nor a group", text),
                   fmt::format("write \"user:{0}\" or \"group:{0}\"",
                               text.empty() || text == "*" ? "NAME" : text));
  }
  return people;
}

/// Group words become their verbs; a pattern must match at least one verb.
Words read_verbs(const TomlTable& when, const std::string& protocol) {
  Words out;
  const Words& known = verbs_of(protocol);
  const Words values = read_names(when, "verb");
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (const Words& group = verb_group(protocol, values[i]); !group.empty()) {
      out.insert(out.end(), group.begin(), group.end());
      continue;
    }
    if (std::ranges::none_of(
            known, [&](const std::string& verb) { return glob_matches(values[i], verb); })) {
      Words candidates = known;
      std::ranges::copy(verb_groups(protocol), std::back_inserter(candidates));
      when.complain("verb", i, fmt::format("'{}' is no verb of {}", values[i], protocol),
                    suggest(values[i], candidates));
    }
    out.push_back(values[i]);
  }
  return out;
}

void check_qualified(const TomlTable& when, std::string_view key, const Words& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string_view name = values[i];
    if (name == "*" || name.empty()) continue;
    const auto dot = name.find('.');
    if (dot != std::string_view::npos && dot != 0 && dot + 1 != name.size()) continue;
    when.complain(key, i, fmt::format("'{}' names no schema, so it would never match", name),
                  fmt::format("write \"public.{0}\", or \"*.{0}\" for every schema", name));
  }
}

void check_number_values(const TomlTable& when, std::string_view key, const Words& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string& value = values[i];
    if (is_comparison(value)) {
      if (const auto good = check_comparison(value); !good)
        when.complain(key, i, good.error().message, good.error().hint);
    } else if (value != "absent" && value != "*" &&
               value.find_first_not_of("0123456789") != std::string::npos) {
      when.complain(key, i, fmt::format("'{}' is nothing that a {} can be", value, key),
                    "write \"absent\", a number, or a comparison like \"<= 1000\"");
    }
  }
}

void check_counter_values(const TomlTable& when, std::string_view key, const Words& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto good =
        is_comparison(values[i])
            ? check_comparison(values[i])
            : fail(ErrorCode::config, fmt::format("'{}' is no comparison with a number", values[i]),
                   "write it like \">= 1000\"");
    if (!good) when.complain(key, i, good.error().message, good.error().hint);
  }
}

template <class Parse>
void check_each(const TomlTable& when, std::string_view key, const Words& values, Parse parse) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (const auto good = parse(values[i]); !good)
      when.complain(key, i, good.error().message, good.error().hint);
  }
}

void check_client_values(const TomlTable& when, const Words& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (from_word(kIdentityKinds, values[i])) continue;
    when.complain("client", i, fmt::format("'{}' is no kind of client", values[i]),
                  suggest(values[i], words_of(kIdentityKinds)));
  }
}

void check_where_values(const TomlTable& when, const Words& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == "absent" || values[i] == "present" || values[i] == "*") continue;
    when.complain("where", i, fmt::format("'{}' is nothing that a WHERE can be", values[i]),
                  "write \"absent\" or \"present\"");
  }
}

std::string read_protocol(const TomlTable& when) {
  const Words values = read_names(when, "protocol");
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::ranges::any_of(
            protocols(), [&](const std::string& known) { return glob_matches(values[i], known); }))
      continue;
    when.complain("protocol", i, fmt::format("'{}' is no protocol", values[i]),
                  suggest(values[i], protocols()));
  }
  // The only one so far: verbs without a protocol are its verbs.
  return protocols().front();
}

std::map<std::string, Words> read_when(const TomlTable& when) {
  std::map<std::string, Words> out;
  const std::string protocol = read_protocol(when);
  for (const std::string& key : condition_keys()) {
    if (!when.has(key)) continue;
    Words values = key == "verb" ? read_verbs(when, protocol) : read_names(when, key);
    if (values.empty())
      when.complain(key, fmt::format("'{}' is empty, so the rule would never match", key));
    if (key == "table" || key == "reads" || key == "writes" || key == "function")
      check_qualified(when, key, values);
    if (key == "limit" || key == "statement_count") check_number_values(when, key, values);
    if (is_counter_key(key)) check_counter_values(when, key, values);
    if (key == "time") check_each(when, key, values, TimeOfDay::parse);
    if (key == "weekday") check_each(when, key, values, parse_weekdays);
    if (key == "client") check_client_values(when, values);
    if (key == "where") check_where_values(when, values);
    out.emplace(key, std::move(values));
  }
  return out;
}

void check_columns(const TomlTable& table, const Words& columns) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string_view name = columns[i];
    const bool whole =
        !name.starts_with('.') && !name.ends_with('.') && name.find("..") == std::string_view::npos;
    if (whole && (name.starts_with("*.") || std::ranges::count(name, '.') >= 2)) continue;
    table.complain("columns", i, fmt::format("'{}' is not the full name of a column", name),
                   "write schema.table.column like \"public.customers.email\", or \"*.email\" for "
                   "every table");
  }
}

/// The examples are the detector's tests: a policy whose detectors do not do what it says is none.
void check_examples(const TomlTable& table, const OwnPatternFinder& finder) {
  const auto fits = [&](const std::string& text) {
    std::vector<OwnPatternFinder::Range> ranges;
    finder.find(text, ranges);
    return !ranges.empty();
  };
  const Words found = read_required_names(table, "finds", "like finds = [\"EMP-123456\"]");
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!fits(found[i]))
      table.complain("finds", i, fmt::format("the detector does not find '{}'", found[i]));
  }
  const Words ignored = table.text_or_list("ignores");
  for (std::size_t i = 0; i < ignored.size(); ++i) {
    if (fits(ignored[i]))
      table.complain("ignores", i, fmt::format("the detector finds something in '{}'", ignored[i]));
  }
}

}  // namespace

Role read_role(const TomlTable& table) {
  Role role;
  role.name = table.required_text("name");
  role.members = read_people(
      table, "members",
      read_required_names(table, "members", "like [\"group:dba\"], or [\"*\"] for everybody"),
      Everybody::allowed);
  role.targets = read_required_names(table, "targets", "like [\"pg-*\"]");
  role.path = read_choice(table, "path", kDataPaths);
  if (const auto ttl = table.duration("max_ttl")) {
    role.max_ttl = *ttl;
    if (ttl->count() == 0 || *ttl > kMostTtl)
      table.complain("max_ttl", "'max_ttl' must be from 1s to 24h");
  }
  if (const auto span = table.duration("renew_for")) {
    role.renew_for = *span;
    if (*span <= role.max_ttl || *span > kMostTtl)
      table.complain("renew_for", "'renew_for' must be longer than 'max_ttl', and at most 24h",
                     "it is how long a session may last in all, max_ttl at a time");
  }
  role.database_role = table.text_or("database_role", "");
  return role;
}

Rule read_rule(const TomlTable& table) {
  Rule rule;
  rule.name = table.required_text("name");
  if (rule.name == "default" || rule.name == "limits") {
    table.complain("name", fmt::format("'{}' is the name of a decision of our own", rule.name),
                   "choose another name");
  }
  if (const auto when = table.table("when")) {
    rule.when = read_when(*when);
  } else if (!table.has("when")) {
    table.complain("when", "'when' is missing",
                   "write when = {} for a rule that matches every action");
  }
  rule.roles = read_names(table, "roles");
  rule.targets = read_names(table, "targets");
  for (const std::string_view key : {"roles", "targets"}) {
    if (table.has(key) && table.text_or_list(key).empty()) {
      table.complain(key, fmt::format("'{}' is empty, so the rule would never match", key),
                     "leave it out to mean all");
    }
  }
  if (!table.has("effect"))
    table.complain("effect", "'effect' is missing", "one of: allow, deny, require_approval");
  rule.effect = read_choice(table, "effect", kEffects).value_or(Effect::deny);
  rule.approvers =
      read_people(table, "approvers", read_names(table, "approvers"), Everybody::refused);
  if (rule.effect == Effect::require_approval && rule.approvers.empty()) {
    table.complain("approvers", "nobody could approve: 'approvers' is missing",
                   "like approvers = [\"group:dba\"]");
  }
  if (rule.effect != Effect::require_approval && table.has("approvers")) {
    table.complain("approvers",
                   "'approvers' has a meaning only with effect = \"require_approval\"");
  }
  rule.message = table.text_or("message", "");
  rule.hint = table.text_or("hint", "");
  return rule;
}

OwnPattern read_detector(const TomlTable& table) {
  OwnPattern pattern{table.required_text("name"), table.required_text("pattern")};
  const bool plain =
      pattern.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
  if (!plain)
    table.complain("name", fmt::format("'{}' is no name of a detector", pattern.name),
                   "lower-case letters, digits and '_'");
  if (pattern.name == "column" ||
      std::ranges::find(detector_names(), pattern.name) != detector_names().end())
    table.complain("name", fmt::format("'{}' is the name of a detector of our own", pattern.name),
                   "choose another name");
  const auto finder = OwnPatternFinder::compile(pattern.expression);
  if (finder) {
    check_examples(table, *finder);
  } else {
    table.complain("pattern", finder.error().message, finder.error().hint);
  }
  return pattern;
}

Mask read_mask(const TomlTable& table) {
  Mask mask;
  if (table.has("name")) mask.name = table.required_text("name");
  mask.columns = read_names(table, "columns");
  mask.detectors = read_names(table, "detectors");
  if (mask.columns.empty() && mask.detectors.empty()) {
    table.complain("", "a mask needs 'columns' or 'detectors'",
                   "like columns = [\"public.customers.email\"]");
  }
  check_columns(table, mask.columns);
  mask.targets = read_names(table, "targets");
  if (table.has("targets") && mask.targets.empty()) {
    table.complain("targets", "'targets' is empty, so the mask would never act",
                   "leave it out to mean all");
  }
  mask.with = read_choice(table, "with", kMaskStrategies).value_or(MaskStrategy::redact);
  mask.in_predicates =
      read_choice(table, "in_predicates", kInPredicates).value_or(InPredicates::deny);
  mask.derived = read_choice(table, "derived", kDerived).value_or(Derived::deny);
  mask.on_unresolved =
      read_choice(table, "on_unresolved", kOnUnresolved).value_or(OnUnresolved::deny);
  if (mask.derived != Derived::deny) {
    table.complain("derived", "derived = \"null\" is not available in this version",
                   "write \"deny\"");
  }
  return mask;
}

void read_limits(const TomlTable& table, Limits& limits) {
  const auto count = [&](std::string_view key, std::uint64_t& value) {
    const auto given = table.integer(key, 0, std::numeric_limits<std::int64_t>::max());
    if (given) value = static_cast<std::uint64_t>(*given);
  };
  count("rows_per_statement", limits.rows_per_statement);
  count("rows_per_session", limits.rows_per_session);
  count("bytes_per_statement", limits.bytes_per_statement);
  count("bytes_per_session", limits.bytes_per_session);
  count("statements_per_session", limits.statements_per_session);
  const auto time = [&](std::string_view key, std::chrono::seconds& value) {
    if (const auto given = table.duration(key)) value = *given;
  };
  time("statement_time", limits.statement_time);
  time("idle_time", limits.idle_time);
  time("idle_in_transaction_time", limits.idle_in_transaction_time);
}

void read_record(const TomlTable& table, PolicyDocument& document) {
  if (const auto level = read_choice(table, "level", kRecordLevels)) document.record = *level;
  if (const auto durability = read_choice(table, "durability", kDurabilities))
    document.durability = *durability;
}

}  // namespace hoop::access
