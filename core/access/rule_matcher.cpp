// SPDX-License-Identifier: Apache-2.0
#include "core/access/rule_matcher.h"

#include <algorithm>

#include "core/access/path_pattern.h"

namespace hoop::access {
namespace {

// Many services take /Admin for /admin, and {"Role": …} for role: a deny must not care either.
constexpr std::string_view kHttp = "http";

/// Without capitals; and with the two letters beyond ASCII that Unicode makes 's' and 'k' of, as
/// Go's JSON reader does.
std::string folded(std::string_view text) {
  constexpr std::string_view kLongS = "\xc5\xbf", kKelvin = "\xe2\x84\xaa";
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const char c = text.front();
    if (text.starts_with(kLongS) || text.starts_with(kKelvin)) {
      out += text.starts_with(kLongS) ? 's' : 'k';
      text.remove_prefix(text.starts_with(kLongS) ? kLongS.size() : kKelvin.size());
      continue;
    }
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace

bool is_resource_key(std::string_view key) {
  return key == "table" || key == "reads" || key == "writes" || key == "function";
}

RuleMatcher::RuleMatcher(const Rule& rule) : rule_(&rule) {
  for (const std::string& target : rule.targets) targets_.emplace_back(target);
  names_client_ = rule.when.contains("client");
  for (const auto& [key, values] : rule.when) {
    if (is_circumstance_key(key)) {
      circumstances_.emplace_back(key, values, rule.effect);
      continue;
    }
    Condition condition;
    condition.key = key;
    if (key == "protocol") condition.subject = Subject::protocol;
    if (key == "verb") condition.subject = Subject::verb;
    if (is_resource_key(key)) condition.subject = Subject::resource;
    if (key == "reads" || key == "writes") {
      condition.key = "table";
      condition.access = key == "reads" ? Access::read : Access::write;
    }
    if (key == kCommandKey) {
      condition.subject = Subject::command;
      for (const std::string& value : values) {
        auto pattern = CommandPattern::parse(value);
        condition.commands.push_back(pattern ? std::optional(std::move(*pattern)) : std::nullopt);
      }
      conditions_.push_back(std::move(condition));
      continue;
    }
    if (key == kPathKey || key == kDestinationKey) {
      condition.subject = key == kPathKey ? Subject::path : Subject::destination;
      condition.paths = values;
      for (const std::string& value : values) condition.folded_paths.push_back(folded(value));
      conditions_.push_back(std::move(condition));
      continue;
    }
    if (key == kQueryKey || key == kJsonKey) {
      condition.subject = Subject::field;
      for (const std::string& value : values) {
        condition.fields.emplace_back(value);
        condition.folded_fields.emplace_back(folded(value));
      }
      conditions_.push_back(std::move(condition));
      continue;
    }
    for (const std::string& value : values) condition.patterns.emplace_back(value);
    if (key == "verb") {
      names_unknown_ = std::ranges::any_of(
          condition.patterns, [](const Pattern& p) { return p.is_literal("unknown"); });
    }
    conditions_.push_back(std::move(condition));
  }
  std::ranges::stable_sort(conditions_, {}, &Condition::subject);
}

bool RuleMatcher::concerns_target(std::string_view target) const {
  return targets_.empty() || std::ranges::any_of(targets_, [&](const Pattern& p) {
           return p.fit(target) == Pattern::Fit::yes;
         });
}

bool RuleMatcher::concerns_role(std::string_view role) const {
  return rule_->roles.empty() || std::ranges::find(rule_->roles, role) != rule_->roles.end();
}

bool RuleMatcher::fits(const Condition& condition, std::string_view value) const {
  return std::ranges::any_of(condition.patterns, [&](const Pattern& pattern) {
    const auto fit = pattern.fit(value);
    // What cannot be compared must not slip past a deny, nor through an allow.
    return fit == Pattern::Fit::yes ||
           (fit == Pattern::Fit::unknown && rule_->effect != Effect::allow);
  });
}

bool RuleMatcher::verbs_hold(const Condition& condition, const Action& action) const {
  const bool need_every = rule_->effect == Effect::allow;
  if (fits(condition, action.verb) != need_every) return !need_every;
  // One statement may do several things, WITH … DELETE … UPDATE: a deny of either must see it, an
  // allow must cover both.
  const auto more = action.attributes.find("verbs");
  if (more == action.attributes.end()) return need_every;
  for (std::string_view rest = more->second; !rest.empty();) {
    const auto comma = std::min(rest.find(','), rest.size());
    if (fits(condition, rest.substr(0, comma)) != need_every) return !need_every;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return need_every;
}

bool RuleMatcher::resource_fits(const Condition& condition, const Resource& resource) const {
  const std::string_view name = resource.name;
  if (fits(condition, name)) return true;
  if (rule_->effect == Effect::allow) return false;
  return name == kEvery ||
         (resource.kind == kResourceKey && fits(condition, name.substr(0, name.find('/'))));
}

bool RuleMatcher::resources_hold(const Condition& condition, const Action& action) const {
  const bool need_every = rule_->effect == Effect::allow;
  bool seen = false;
  for (const Resource& resource : action.resources) {
    if (resource.kind != condition.key ||
        (condition.access && *condition.access != resource.access))
      continue;
    seen = true;
    if (resource_fits(condition, resource) != need_every) return !need_every;
  }
  // An allow that names tables says nothing about an action that touches none.
  return need_every && seen;
}

bool RuleMatcher::command_fits(const Condition& condition, std::string_view command) const {
  const bool unsure = rule_->effect != Effect::allow;
  const auto words = split_command(command);
  return std::ranges::any_of(condition.commands, [&](const std::optional<CommandPattern>& pattern) {
    if (!pattern || !words) return unsure;
    const auto fit = pattern->fit(*words);
    return fit == Pattern::Fit::yes || (fit == Pattern::Fit::unknown && unsure);
  });
}

/// An allow speaks of what runs exactly as it stands there, and must cover all of it. A deny also
/// of what that runs in its turn, as far as anybody can tell.
bool RuleMatcher::commands_hold(const Condition& condition, const Action& action) const {
  const bool need_every = rule_->effect == Effect::allow;
  if (need_every) {
    const auto form = action.attributes.find("form");
    if (form == action.attributes.end() || form->second != "plain") return false;
  }
  bool seen = false;
  for (const Resource& resource : action.resources) {
    if (resource.kind != kCommandKey && (need_every || resource.kind != kInnerCommand)) continue;
    seen = true;
    if (command_fits(condition, resource.name) != need_every) return !need_every;
  }
  return need_every && seen;
}

/// An allow must cover every path of an action, a deny need meet one; and one that takes along all
/// that is in a folder, what it says of that.
bool RuleMatcher::paths_hold(const Condition& condition, const Action& action) const {
  const bool need_every = rule_->effect == Effect::allow;
  bool seen = false;
  for (const Resource& resource : action.resources) {
    if (resource.kind != kPathKey) continue;
    seen = true;
    const auto fits_one = [&](const std::string& pattern) {
      return path_matches(pattern, resource.name) ||
             (!need_every && action.verb == "rename" && concerns_inside(pattern, resource.name));
    };
    bool fits = std::ranges::any_of(condition.paths, fits_one);
    if (!fits && !need_every && action.protocol == kHttp) {
      const std::string name = folded(resource.name);
      fits = std::ranges::any_of(condition.folded_paths, [&](const std::string& pattern) {
        return path_matches(pattern, name);
      });
    }
    if (fits != need_every) return !need_every;
  }
  return need_every && seen;
}

/// An allow must cover every one of them, a deny need meet one; and it is met by a body that nobody
/// can read, in which anything may stand.
bool RuleMatcher::fields_hold(const Condition& condition, const Action& action) const {
  const bool need_every = rule_->effect == Effect::allow;
  if (!need_every && condition.key == kJsonKey) {
    const auto body = action.attributes.find(std::string(kBodyKey));
    if (body != action.attributes.end() && body->second == kOpaqueBody) return true;
  }
  bool seen = false;
  for (const Resource& resource : action.resources) {
    if (resource.kind != condition.key) continue;
    seen = true;
    const auto fits_any = [&](const std::vector<FieldCondition>& fields, std::string_view name) {
      return std::ranges::any_of(fields, [&](const FieldCondition& field) {
        const auto fit = field.fit(name);
        return fit == Pattern::Fit::yes || (fit == Pattern::Fit::unknown && !need_every);
      });
    };
    const bool fits = fits_any(condition.fields, resource.name) ||
                      (!need_every && action.protocol == kHttp &&
                       fits_any(condition.folded_fields, folded(resource.name)));
    if (fits != need_every) return !need_every;
  }
  return need_every && seen;
}

/// A pattern of addresses is none of names that look like them.
bool RuleMatcher::destination_fits(const Condition& condition, const Action& action) const {
  const auto found = action.attributes.find(condition.key);
  if (found == action.attributes.end()) return false;
  const std::string& value = found->second;
  const bool is_address =
      value.substr(0, value.rfind(':')).find_first_not_of("0123456789.") == std::string::npos;
  return std::ranges::any_of(condition.paths, [&](const std::string& pattern) {
    const bool of_addresses =
        pattern.find_first_of("0123456789") < pattern.rfind(':') &&
        pattern.substr(0, pattern.rfind(':')).find_first_not_of("0123456789.*") ==
            std::string::npos;
    return glob_matches(pattern, value) && (is_address || !of_addresses);
  });
}

bool RuleMatcher::holds(const Condition& condition, const Action& action) const {
  switch (condition.subject) {
    case Subject::protocol: return fits(condition, action.protocol);
    case Subject::verb: return verbs_hold(condition, action);
    case Subject::resource: return resources_hold(condition, action);
    case Subject::command: return commands_hold(condition, action);
    case Subject::path: return paths_hold(condition, action);
    case Subject::field: return fields_hold(condition, action);
    case Subject::destination: return destination_fits(condition, action);
    case Subject::attribute: break;
  }
  // A key of a later protocol's resources is known by the action that has some.
  if (std::ranges::any_of(action.resources,
                          [&](const Resource& r) { return r.kind == condition.key; })) {
    return resources_hold(condition, action);
  }
  const auto attribute = action.attributes.find(condition.key);
  return attribute != action.attributes.end() && fits(condition, attribute->second);
}

/// Whether the rule says what an allow must say of such an action.
bool RuleMatcher::is_named(const Action& action) const {
  if (action.named_by.empty() || rule_->effect == Effect::deny) return true;
  if (action.named_by != kVerbKey) return rule_->when.contains(std::string(action.named_by));
  // Whom somebody approves has been looked at.
  return rule_->effect != Effect::allow ||
         std::ranges::any_of(conditions_, [&](const Condition& condition) {
           return condition.subject == Subject::verb &&
                  std::ranges::any_of(condition.patterns, [&](const Pattern& pattern) {
                    return pattern.is_literal(action.verb);
                  });
         });
}

bool RuleMatcher::matches(const Action& action, const Circumstances& now) const {
  if (action.verb == "unknown" && rule_->effect != Effect::deny && !names_unknown_) return false;
  if (action.unjudged && rule_->effect != Effect::deny && !names_client_ && now.identity.is_agent())
    return false;
  if (!is_named(action)) return false;
  return std::ranges::all_of(
             conditions_, [&](const Condition& condition) { return holds(condition, action); }) &&
         std::ranges::all_of(circumstances_, [&](const CircumstanceMatcher& condition) {
           return condition.holds(now);
         });
}

}  // namespace hoop::access
