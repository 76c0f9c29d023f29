// SPDX-License-Identifier: Apache-2.0
// The policy as data (roles, rules, masks, limits), and PolicyEngine, the pure function that judges
// by it.
//
// Grammar: design "Policy"; hoopctl-policy(5). First deny wins; then approval; then allow; no rule,
// no access.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/access/action.h"
#include "core/access/approval.h"
#include "core/access/authorization.h"
#include "core/access/identity.h"
#include "core/access/target.h"
#include "core/base/error.h"

namespace hoop::access {

/// Maps identities to targets, and to what they are there: a mapped database role, logins of hosts.
struct Role {
  std::string name;
  std::vector<std::string> members;  // "user:alice", "group:dba", "*"
  std::vector<std::string> targets;  // names, "*" matches any run of characters
  std::optional<DataPath> path;      // overrides the target's; gateway wins where two roles differ
  std::chrono::seconds max_ttl{std::chrono::minutes(30)};
  /// How long a session may last in all, max_ttl at a time; 0: it ends after one.
  std::chrono::seconds renew_for{0};
  std::string database_role;             // postgres: the mapped role
  std::vector<std::string> logins = {};  // ssh: users of the host; the first is the default
  bool operator==(const Role&) const = default;
};

enum class Effect { allow, deny, require_approval };
std::string_view to_string(Effect effect);

/// key → accepted patterns. "protocol", "verb"; a resource kind ("table", "function"): deny and
/// approval match if any resource of the kind does, allow only if every one does; otherwise an
/// attribute of the action ("where", "limit", ...), or a circumstance of the session (see
/// circumstances.h). A rule's conditions must all hold. "reads" and "writes" are the table key
/// restricted by access.
struct Rule {
  std::string name;
  std::map<std::string, std::vector<std::string>> when;
  std::vector<std::string> roles;    // empty: every role
  std::vector<std::string> targets;  // empty: every target
  Effect effect = Effect::deny;
  std::vector<std::string> approvers;
  std::string message;
  std::string hint;
  /// ssh, of an allow: what runs at the host in the place of what was asked for.
  std::string force_command = {};
  bool operator==(const Rule&) const = default;
};

enum class MaskStrategy { redact, partial, hash, null };
std::string_view to_string(MaskStrategy strategy);
enum class InPredicates { deny, equality, allow };
enum class Derived { deny, null };
enum class OnUnresolved { deny, ignore };

/// A detector of the policy's own: see own_pattern.h.
struct OwnPattern {
  std::string name;
  std::string expression;
  bool operator==(const OwnPattern&) const = default;
};

struct Mask {
  std::string name;                       // "mask-1" when the file gives none
  std::vector<std::string> columns;       // "public.customers.email", "*.ssn"
  std::vector<std::string> fields = {};   // of JSON and the like: "$.customer.email", "$..ssn"
  std::vector<std::string> headers = {};  // http: of responses
  std::vector<std::string> detectors;     // names of detector classes, or "all"
  std::vector<OwnPattern> patterns;       // the policy's own detectors that the mask names
  std::vector<std::string> targets;       // empty: every target
  MaskStrategy with = MaskStrategy::redact;
  InPredicates in_predicates = InPredicates::deny;
  Derived derived = Derived::deny;
  OnUnresolved on_unresolved = OnUnresolved::deny;
  bool operator==(const Mask&) const = default;
};

/// 0 means no limit.
struct Limits {
  std::uint64_t rows_per_statement = 0;
  std::uint64_t rows_per_session = 0;
  std::uint64_t bytes_per_statement = 0;
  std::uint64_t bytes_per_session = 0;
  std::uint64_t statements_per_session = 0;
  std::chrono::seconds statement_time{0};
  std::chrono::seconds idle_time{0};                 // of a connection outside a transaction
  std::chrono::seconds idle_in_transaction_time{0};  // of one that holds a transaction open
  bool operator==(const Limits&) const = default;
};

enum class RecordLevel { full, summary, none };
/// Where a record is before what it speaks of is released: with the operating system, which a crash
/// of hoopctl does not lose, or on the disk, which a power failure does not lose either.
enum class Durability { os, disk };

/// All of a policy, or the part of it that concerns one identity and one target: that is what a
/// grant carries.
struct PolicyDocument {
  std::vector<Role> roles;
  std::vector<Rule> rules;
  std::vector<Mask> masks;
  Limits limits;
  RecordLevel record = RecordLevel::full;
  Durability durability = Durability::os;
  /// Digest of the sources, so that a log says which policy judged. Hex.
  std::string version;
  bool operator==(const PolicyDocument&) const = default;
};

/// What has happened in the session so far, and what time it is.
struct SessionFacts {
  std::uint64_t statements = 0;  // judged, whatever came of them
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t denials = 0;
  SystemTime now{};
};

struct Decision {
  Effect effect = Effect::deny;
  std::string rule;     // the name; "default" when no rule matched
  std::string message;  // for the program's user
  std::string hint;
  std::string force_command = {};  // see Rule
  /// What has become of the request for an approval, where one was made.
  std::shared_ptr<const Approval> approval = nullptr;
  bool operator==(const Decision&) const = default;
};

/// Pure and immutable; shared as std::shared_ptr<const PolicyEngine> and replaced whole.
class PolicyEngine {
 public:
  explicit PolicyEngine(PolicyDocument document);
  ~PolicyEngine();

  /// May this identity open this target, for how long, by which path, as which mapped role. The
  /// only maker of Authorization. Fails with denied; the text never says whether the target exists.
  Result<Authorization> authorize(const Identity& identity, const Target& target,
                                  std::chrono::seconds wanted_ttl, SystemTime now) const;
  /// By which path; where roles and target differ, the gateway wins.
  DataPath path_of(const Identity& identity, const Target& target) const;

  /// Judges one action. Never fails: what no rule allows is denied with rule "default".
  Decision decide(const Identity& identity, const Target& target, const Action& action,
                  const SessionFacts& facts) const;

  /// The part that concerns this identity and target: no other role, rule or mask is in it.
  PolicyDocument part_for(const Identity& identity, const Target& target) const;

  const PolicyDocument& document() const;
  /// Some rule wants an approval for something.
  bool may_require_approval() const;

 private:
  struct Compiled;
  const Role* role_of(const Identity& identity, const Target& target) const;
  std::shared_ptr<const Compiled> compiled_;
};

/// The one answer for a target that does not exist and for one that the identity may not open.
Error target_unavailable();

/// Whether the identity is among people: "user:alice", "group:dba", "*".
bool is_one_of(const std::vector<std::string>& people, const Identity& identity);

/// True if name matches pattern, in which '*' stands for any run of characters. No other character
/// is special.
bool glob_matches(std::string_view pattern, std::string_view name);

}  // namespace hoop::access
