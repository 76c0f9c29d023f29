// SPDX-License-Identifier: Apache-2.0
#include "core/access/policy_reader.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/access/field_path.h"
#include "core/access/http_names.h"
#include "core/access/names.h"
#include "core/access/own_pattern.h"
#include "core/access/policy_conditions.h"
#include "core/access/policy_words.h"
#include "core/access/vocabulary.h"
#include "core/access/words.h"

namespace hoop::access {
namespace {

using config::TomlTable;

// A credential lives minutes; a day is the longest shift that a grant may span.
constexpr std::chrono::seconds kMostTtl = std::chrono::hours(24);

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

void check_fields(const TomlTable& table, const Words& fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (const auto path = check_field_path(fields[i]); !path)
      table.complain("fields", i, path.error().message, path.error().hint);
  }
}

/// In lower case, as names of header fields are compared. '*' may be all characters of one, but
/// means so at its end only.
Words read_headers(const TomlTable& table) {
  Words headers = read_names(table, "headers");
  for (std::size_t i = 0; i < headers.size(); ++i) {
    std::string& name = headers[i];
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    const std::string_view plain =
        std::string_view(name).substr(0, name.size() - (name.ends_with('*') ? 1 : 0));
    if (is_http_name(plain) && plain.find('*') == std::string_view::npos) continue;
    table.complain("headers", i, fmt::format("'{}' is no name of a header field", name),
                   "like \"x-customer-email\", or \"x-customer-*\"");
  }
  return headers;
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

/// As sshd takes a principal and a shell a user's name, without patterns: who may log in as whom is
/// said in so many words.
Words read_logins(const TomlTable& table) {
  Words logins = table.text_or_list("logins");
  for (std::size_t i = 0; i < logins.size(); ++i) {
    if (!is_login(logins[i]))
      table.complain("logins", i, fmt::format("'{}' is no name of a user", logins[i]),
                     "up to 32 letters, digits, '-', '_' and '.', and no pattern");
  }
  if (table.has("logins") && logins.empty())
    table.complain("logins", "'logins' is empty, so nobody could log in", "like [\"deploy\"]");
  return logins;
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
  role.logins = read_logins(table);
  return role;
}

/// What runs whatever is asked for: of a rule that allows nothing but to run something.
void read_forced(const TomlTable& table, Rule& rule) {
  constexpr std::size_t kLongest = 4096;
  rule.force_command = table.text_or("force_command", "");
  const auto verbs = rule.when.find("verb");
  const bool only_runs =
      verbs != rule.when.end() && std::ranges::all_of(verbs->second, [](const std::string& verb) {
        return verb == "shell" || verb == "exec";
      });
  if (rule.effect != Effect::allow || !only_runs)
    table.complain("force_command",
                   "'force_command' is for a rule that allows shell or exec and nothing else",
                   "like when = { verb = \"shell\" }, effect = \"allow\"");
  if (rule.force_command.empty() || rule.force_command.size() > kLongest ||
      rule.force_command.find('\0') != std::string::npos)
    table.complain("force_command", "a command has 1 to 4,096 bytes, and no NUL in it");
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
  if (table.has("force_command")) read_forced(table, rule);
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
  mask.fields = read_names(table, "fields");
  mask.headers = read_headers(table);
  mask.detectors = read_names(table, "detectors");
  const bool has_places = !mask.fields.empty() || !mask.headers.empty();
  if (mask.columns.empty() && mask.detectors.empty() && !has_places) {
    table.complain("", "a mask needs 'columns', 'fields', 'headers' or 'detectors'",
                   "like columns = [\"public.customers.email\"]");
  }
  check_columns(table, mask.columns);
  check_fields(table, mask.fields);
  for (const std::string_view key : {"in_predicates", "derived", "on_unresolved"}) {
    if (has_places && mask.columns.empty() && table.has(key))
      table.complain(key, fmt::format("'{}' is about columns, and the mask names none", key),
                     "leave it out");
  }
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
