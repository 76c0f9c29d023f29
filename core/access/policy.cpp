// SPDX-License-Identifier: Apache-2.0
#include "core/access/policy.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/access/rule_matcher.h"

namespace hoop::access {
namespace {

bool is_member(const std::string& member, const Identity& identity) {
  const std::string_view text = member;
  if (text == "*") return true;
  if (text.starts_with("user:")) return text.substr(5) == identity.subject;
  if (text.starts_with("group:"))
    return std::ranges::find(identity.groups, text.substr(6)) != identity.groups.end();
  return false;
}

bool names_target(const std::vector<std::string>& patterns, const Target& target) {
  return std::ranges::any_of(patterns,
                             [&](const std::string& p) { return glob_matches(p, target.name); });
}

bool lets_open(const Role& role, const Identity& identity, const Target& target) {
  return names_target(role.targets, target) && is_one_of(role.members, identity);
}

template <class Predicate>
void keep_if(std::vector<std::string>& values, Predicate predicate) {
  std::erase_if(values, [&](const std::string& value) { return !predicate(value); });
}

Decision by_rule(const Rule& rule, const Action& action) {
  Decision decision{rule.effect, rule.name, rule.message, rule.hint, rule.force_command};
  if (!decision.message.empty() || rule.effect == Effect::allow) return decision;
  decision.message =
      rule.effect == Effect::deny
          ? fmt::format("rule '{}' does not allow '{}' here", rule.name, action.verb)
          : fmt::format("rule '{}' wants an approval for '{}'", rule.name, action.verb);
  return decision;
}

Decision by_default(const Action& action, const Identity& identity) {
  if (action.unjudged && identity.is_agent())
    return {Effect::deny, "default",
            fmt::format("no rule allows '{}' to agents: what it goes on to do is not judged",
                        action.verb),
            "run commands one by one, that can be read; a rule whose client names agents can "
            "allow it"};
  return {Effect::deny, "default", fmt::format("no rule allows '{}' on this target", action.verb),
          "ask whoever runs the gateway for a rule that allows it"};
}

Decision by_limit(std::uint64_t statements) {
  return {Effect::deny, "limits",
          fmt::format("this session has used up its {} statements", statements),
          "end it and start a new session"};
}

}  // namespace

bool is_one_of(const std::vector<std::string>& people, const Identity& identity) {
  return std::ranges::any_of(people, [&](const std::string& m) { return is_member(m, identity); });
}

struct PolicyEngine::Compiled {
  // By effect, each in document order: the order in which they are asked.
  std::vector<RuleMatcher> deny;
  std::vector<RuleMatcher> require_approval;
  std::vector<RuleMatcher> allow;
  bool any_needs_role = false;
  // The matchers point into it: a copied engine shares it with them.
  PolicyDocument document;
};

PolicyEngine::PolicyEngine(PolicyDocument document) {
  auto compiled = std::make_shared<Compiled>();
  compiled->document = std::move(document);
  for (const Rule& rule : compiled->document.rules) {
    RuleMatcher matcher(rule);
    compiled->any_needs_role |= matcher.needs_role();
    switch (rule.effect) {
      case Effect::deny: compiled->deny.push_back(std::move(matcher)); break;
      case Effect::require_approval:
        compiled->require_approval.push_back(std::move(matcher));
        break;
      case Effect::allow: compiled->allow.push_back(std::move(matcher)); break;
    }
  }
  compiled_ = std::move(compiled);
}

PolicyEngine::~PolicyEngine() = default;

const PolicyDocument& PolicyEngine::document() const { return compiled_->document; }

bool PolicyEngine::may_require_approval() const { return !compiled_->require_approval.empty(); }

Error target_unavailable() {
  return {ErrorCode::denied,
          "there is no such target, or you may not open it",
          "'hoopctl targets' lists what you may open; ask whoever runs the gateway for a role",
          {}};
}

const Role* PolicyEngine::role_of(const Identity& identity, const Target& target) const {
  const auto found = std::ranges::find_if(
      document().roles, [&](const Role& role) { return lets_open(role, identity, target); });
  return found == document().roles.end() ? nullptr : &*found;
}

DataPath PolicyEngine::path_of(const Identity& identity, const Target& target) const {
  // Whichever role is used, none that asks for the gateway may be stepped around, nor may the
  // target: what a role says of the local path can therefore change nothing.
  const bool gateway = target.path == DataPath::gateway ||
                       std::ranges::any_of(document().roles, [&](const Role& role) {
                         return role.path == DataPath::gateway && lets_open(role, identity, target);
                       });
  return gateway ? DataPath::gateway : DataPath::local;
}

Result<Authorization> PolicyEngine::authorize(const Identity& identity, const Target& target,
                                              std::chrono::seconds wanted_ttl,
                                              SystemTime now) const {
  const Role* role = role_of(identity, target);
  if (role == nullptr) return std::unexpected(target_unavailable());
  Authorization authorization;
  authorization.identity_ = identity;
  authorization.target_ = target;
  authorization.role_ = role->name;
  authorization.database_role_ = role->database_role;
  authorization.logins_ = role->logins;
  for (const auto* matchers : {&compiled_->require_approval, &compiled_->allow}) {
    authorization.may_forward_ |= std::ranges::any_of(*matchers, [&](const RuleMatcher& matcher) {
      return matcher.rule().when.contains(std::string(kDestinationKey)) &&
             matcher.concerns_target(target.name) && matcher.concerns_role(role->name);
    });
  }
  authorization.path_ = path_of(identity, target);
  authorization.renew_for_ = role->renew_for;
  const auto ttl = wanted_ttl.count() > 0 ? std::min(wanted_ttl, role->max_ttl) : role->max_ttl;
  authorization.valid_until_ = now + ttl;
  return authorization;
}

Decision PolicyEngine::decide(const Identity& identity, const Target& target, const Action& action,
                              const SessionFacts& facts) const {
  const Role* role = compiled_->any_needs_role ? role_of(identity, target) : nullptr;
  const std::string_view role_name =
      role != nullptr ? std::string_view(role->name) : std::string_view();
  const auto first_of = [&](const std::vector<RuleMatcher>& matchers) -> const Rule* {
    for (const RuleMatcher& matcher : matchers) {
      if (matcher.concerns_target(target.name) && matcher.concerns_role(role_name) &&
          matcher.matches(action, {identity, target, facts}))
        return &matcher.rule();
    }
    return nullptr;
  };
  if (const Rule* rule = first_of(compiled_->deny)) return by_rule(*rule, action);
  const std::uint64_t most = document().limits.statements_per_session;
  if (most != 0 && facts.statements >= most) return by_limit(most);
  if (const Rule* rule = first_of(compiled_->require_approval)) return by_rule(*rule, action);
  if (const Rule* rule = first_of(compiled_->allow)) return by_rule(*rule, action);
  return by_default(action, identity);
}

PolicyDocument PolicyEngine::part_for(const Identity& identity, const Target& target) const {
  PolicyDocument part;
  part.limits = document().limits;
  part.record = document().record;
  part.durability = document().durability;
  part.version = document().version;
  const Role* role = role_of(identity, target);
  if (role == nullptr) return part;

  const auto concerns = [&](const std::vector<std::string>& targets) {
    return targets.empty() || names_target(targets, target);
  };
  const auto is_ours = [&](const std::string& pattern) {
    return glob_matches(pattern, target.name);
  };
  // Other members, other targets and other roles of what stays are nobody's business either.
  Role own = *role;
  keep_if(own.members, [&](const std::string& member) { return is_member(member, identity); });
  keep_if(own.targets, is_ours);
  part.roles.push_back(std::move(own));
  for (Rule rule : document().rules) {
    if (!concerns(rule.targets)) continue;
    if (!rule.roles.empty() && std::ranges::find(rule.roles, role->name) == rule.roles.end())
      continue;
    keep_if(rule.targets, is_ours);
    keep_if(rule.roles, [&](const std::string& name) { return name == role->name; });
    part.rules.push_back(std::move(rule));
  }
  for (Mask mask : document().masks) {
    if (!concerns(mask.targets)) continue;
    keep_if(mask.targets, is_ours);
    part.masks.push_back(std::move(mask));
  }
  return part;
}

}  // namespace hoop::access
