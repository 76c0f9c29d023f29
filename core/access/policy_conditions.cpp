// SPDX-License-Identifier: Apache-2.0
#include "core/access/policy_conditions.h"

#include <algorithm>

#include "core/access/action.h"
#include "core/access/circumstances.h"
#include "core/access/command_pattern.h"
#include "core/access/field_condition.h"
#include "core/access/path_pattern.h"
#include "core/access/pattern.h"
#include "core/access/policy_words.h"
#include "core/access/vocabulary.h"

namespace hoop::access {
namespace {

using config::TomlTable;

/// Group words become their verbs; a pattern must match at least one verb of one of the protocols.
Words read_verbs(const TomlTable& when, const Words& of) {
  Words out, known, candidates;
  for (const std::string& protocol : of) {
    std::ranges::copy(verbs_of(protocol), std::back_inserter(known));
    std::ranges::copy(verb_groups(protocol), std::back_inserter(candidates));
  }
  candidates.insert(candidates.begin(), known.begin(), known.end());
  const Words values = read_names(when, "verb");
  for (std::size_t i = 0; i < values.size(); ++i) {
    bool is_group = false;
    for (const std::string& protocol : of) {
      const Words& group = verb_group(protocol, values[i]);
      out.insert(out.end(), group.begin(), group.end());
      is_group = is_group || !group.empty();
    }
    if (is_group) continue;
    if (std::ranges::none_of(
            known, [&](const std::string& verb) { return glob_matches(values[i], verb); })) {
      when.complain("verb", i,
                    fmt::format("'{}' is no verb of {}", values[i], fmt::join(of, " or ")),
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

Result<void> check_destination(std::string_view value) {
  const std::size_t colon = value.rfind(':');
  const std::string_view port = colon == std::string_view::npos ? "" : value.substr(colon + 1);
  const bool is_port = !port.empty() && port.size() <= 5 &&
                       port.find_first_not_of("0123456789") == std::string_view::npos;
  const std::string_view host = value.substr(0, value.size() - port.size());
  if (host.size() < 2 || !(is_port || port == "*"))
    return fail(ErrorCode::config, fmt::format("'{}' is no host and port", value),
                "like \"db.internal:5432\", \"*.internal:443\", \"[::1]:8080\", \"localhost:*\"");
  if (std::ranges::any_of(host, [](char c) { return c >= 'A' && c <= 'Z'; }))
    return fail(ErrorCode::config, fmt::format("'{}' would never match", value),
                "names of hosts are held against it in lower case");
  const std::string_view name = host.substr(0, host.size() - 1);
  if (name.find(':') != std::string_view::npos && !(name.starts_with('[') && name.ends_with(']')))
    return fail(ErrorCode::config, fmt::format("'{}' would never match", value),
                "an address of IPv6 stands in brackets: \"[::1]:8080\"");
  return {};
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

void check_words(const TomlTable& when, std::string_view key, const Words& values,
                 const Words& known) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::ranges::find(known, values[i]) == known.end())
      when.complain(key, i, fmt::format("'{}' cannot be '{}'", key, values[i]),
                    suggest(values[i], known));
  }
}

/// Whose actions the rule may match: those that `protocol` names, or all.
Words read_protocols(const TomlTable& when) {
  const Words values = read_names(when, "protocol");
  Words out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    bool known = false;
    for (const std::string& protocol : protocols()) {
      if (!glob_matches(values[i], protocol)) continue;
      known = true;
      if (std::ranges::find(out, protocol) == out.end()) out.push_back(protocol);
    }
    if (!known)
      when.complain("protocol", i, fmt::format("'{}' is no protocol", values[i]),
                    suggest(values[i], protocols()));
  }
  return out.empty() ? protocols() : out;
}

/// A condition that no action of these protocols can meet makes a rule that guards nothing.
void check_key(const TomlTable& when, std::string_view key, const Words& of) {
  const Words asked = protocols_of_key(key);
  if (std::ranges::any_of(
          of, [&](const std::string& one) { return std::ranges::count(asked, one) > 0; }))
    return;
  when.complain(key,
                fmt::format("'{}' is nothing that an action of {} has", key, fmt::join(of, " or ")),
                fmt::format("it is one of {}", fmt::join(asked, " and ")));
}

}  // namespace

std::map<std::string, Words> read_when(const TomlTable& when) {
  std::map<std::string, Words> out;
  const Words of = read_protocols(when);
  for (const std::string& key : condition_keys()) {
    if (!when.has(key)) continue;
    Words values = key == "verb" ? read_verbs(when, of) : read_names(when, key);
    check_key(when, key, of);
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
    if (key == kCommandKey) check_each(when, key, values, CommandPattern::parse);
    if (key == kPathKey) check_each(when, key, values, check_path_pattern);
    if (key == kDestinationKey) check_each(when, key, values, check_destination);
    if (key == kQueryKey || key == kJsonKey) check_each(when, key, values, check_field_condition);
    if (key == kBodyKey) check_words(when, key, values, {"none", "json", "form", "opaque"});
    if (key == "form") check_words(when, key, values, {"plain", "script", "opaque"});
    if (key == "dry_run") check_words(when, key, values, {"all", "absent"});
    if (key == "makes_pods") check_words(when, key, values, {"true", "false"});
    if (key == "transfer") check_words(when, key, values, {"upload", "download", "absent"});
    out.emplace(key, std::move(values));
  }
  return out;
}

}  // namespace hoop::access
