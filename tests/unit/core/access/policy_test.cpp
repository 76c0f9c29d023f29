// SPDX-License-Identifier: Apache-2.0
#include "core/access/policy.h"

#include <chrono>
#include <cstdio>
#include <sstream>

#include "core/access/policy_parser.h"
#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::access;

namespace {

PolicyDocument parsed(const std::string& text) {
  auto document = parse_policy({{"p.toml", text}});
  INFO((document ? std::string() : document.error().message));
  REQUIRE(document);
  return *document;
}

Identity alice() {
  Identity identity;
  identity.subject = "alice";
  identity.groups = {"dev", "ops"};
  return identity;
}

Target target(std::string name, DataPath path = DataPath::local) {
  Target out;
  out.name = std::move(name);
  out.protocol = "postgres";
  out.path = path;
  return out;
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

/// "select r:public.a w:public.b f:pg_catalog.now where=absent": verb, resources, attributes.
Action action(const std::string& text) {
  Action out;
  out.protocol = "postgres";
  for (const std::string& word : words(text)) {
    const std::string rest = word.size() > 2 ? word.substr(2) : std::string();
    if (out.verb.empty()) {
      out.verb = word;
    } else if (word.starts_with("r:")) {
      out.resources.push_back({"table", rest, Access::read});
    } else if (word.starts_with("w:")) {
      out.resources.push_back({"table", rest, Access::write});
    } else if (word.starts_with("f:")) {
      out.resources.push_back({"function", rest, Access::read});
    } else {
      const auto equal = word.find('=');
      out.attributes[word.substr(0, equal)] = word.substr(equal + 1);
    }
  }
  return out;
}

Role role(std::string name, std::vector<std::string> members, std::vector<std::string> targets) {
  Role out;
  out.name = std::move(name);
  out.members = std::move(members);
  out.targets = std::move(targets);
  return out;
}

SystemTime now() { return SystemTime(std::chrono::seconds(1'795'000'000)); }

constexpr const char* kPolicy = R"(
[[role]]
name = "dev"
members = ["group:dev"]
targets = ["pg-*"]
[[role]]
name = "dba"
members = ["group:dba"]
targets = ["*"]

[[rule]]
name = "no-ddl"
when = { verb = "ddl" }
roles = ["dev"]
effect = "deny"
message = "the schema is changed by migrations"
hint = "write a migration"
[[rule]]
name = "no-salaries"
when = { table = "hr.*" }
effect = "deny"
[[rule]]
name = "no-audit-writes"
when = { writes = "audit.*" }
effect = "deny"
[[rule]]
name = "no-sleep"
when = { function = "*.pg_sleep*" }
effect = "deny"
[[rule]]
name = "huge-read"
when = { verb = "select", limit = "> 1000" }
effect = "deny"
[[rule]]
name = "prod-writes"
when = { verb = "write" }
targets = ["pg-prod"]
effect = "require_approval"
approvers = ["group:dba"]
[[rule]]
name = "bulk-read"
when = { verb = "select", table = "public.customers", where = "absent", limit = "absent" }
effect = "require_approval"
approvers = ["group:dba"]
message = "reading all customers needs a reviewer"
[[rule]]
name = "read"
when = { verb = ["select", "copy_out"], table = ["public.*", "pg_catalog.*"] }
effect = "allow"
[[rule]]
name = "plain"
when = { verb = ["select", "show"], limit = "absent", where = "absent" }
effect = "allow"
targets = ["pg-demo"]
[[rule]]
name = "log-in"
when = { verb = "insert", writes = "public.*", reads = "public.*" }
effect = "allow"
[[rule]]
name = "log"
when = { verb = "insert", table = "*.events" }
effect = "allow"
[[rule]]
name = "calls"
when = { verb = "call", function = ["app.*"] }
effect = "allow"
[[rule]]
name = "dba-all"
when = {}
roles = ["dba"]
effect = "allow"
)";

}  // namespace

TEST_CASE("a star stands for any run and nothing else is special") {
  struct Row {
    const char* pattern;
    const char* name;
    bool fits;
  };
  for (const Row& row : std::vector<Row>{{"a", "a", true},
                                         {"a", "b", false},
                                         {"*", "", true},
                                         {"*", "x.y", true},
                                         {"", "", true},
                                         {"", "a", false},
                                         {"a*", "abc", true},
                                         {"a*", "ba", false},
                                         {"*.ssn", "public.c.ssn", true},
                                         {"*.ssn", "ssn", false},
                                         {"a*c", "abbc", true},
                                         {"a*c", "abcd", false},
                                         {"*a*b*", "xxaxxbxx", true},
                                         {"*a*b*", "xxbxxaxx", false},
                                         {"a?c", "abc", false},
                                         {"a?c", "a?c", true},
                                         {"[ab]", "a", false},
                                         {"A", "a", false},
                                         {"**", "x", true},
                                         {"a**b", "ab", true}}) {
    INFO(row.pattern << " " << row.name);
    CHECK(glob_matches(row.pattern, row.name) == row.fits);
  }
  std::string hostile(50'000, 'a');
  CHECK_FALSE(glob_matches("*a*a*a*a*a*a*a*a*b", hostile));
}

TEST_CASE("actions are judged: deny, then approval, then allow, else default") {
  const PolicyEngine engine(parsed(kPolicy));
  struct Row {
    const char* target;
    const char* action;
    Effect effect;
    const char* rule;
  };
  constexpr auto allow = Effect::allow;
  constexpr auto deny = Effect::deny;
  constexpr auto ask = Effect::require_approval;
  const std::vector<Row> rows = {
      // deny wins over what follows
      {"pg-demo", "create", deny, "no-ddl"},
      {"pg-demo", "drop w:public.orders", deny, "no-ddl"},
      {"pg-demo", "truncate w:public.orders", deny, "no-ddl"},
      {"pg-demo", "comment w:public.orders", deny, "no-ddl"},
      {"pg-demo", "alter w:public.orders", deny, "no-ddl"},
      {"pg-demo", "select r:hr.salaries", deny, "no-salaries"},
      {"pg-demo", "select r:public.orders r:hr.salaries", deny, "no-salaries"},
      {"pg-demo", "select r:hr.salaries r:public.orders", deny, "no-salaries"},
      {"pg-demo", "insert w:public.events r:hr.salaries", deny, "no-salaries"},
      {"pg-demo", "update w:hr.x", deny, "no-salaries"},
      {"pg-demo", "insert w:audit.log", deny, "no-audit-writes"},
      {"pg-demo", "select r:audit.log", deny, "default"},
      {"pg-demo", "insert w:public.a w:audit.log r:public.b", deny, "no-audit-writes"},
      {"pg-demo", "select r:public.orders f:pg_catalog.pg_sleep", deny, "no-sleep"},
      {"pg-demo", "select r:public.orders f:pg_catalog.now f:pg_catalog.pg_sleep_for", deny,
       "no-sleep"},
      {"pg-demo", "select r:public.orders f:pg_catalog.now", allow, "read"},
      {"pg-demo", "select f:pg_catalog.pg_sleep where=absent limit=absent", deny, "no-sleep"},
      // numbers
      {"pg-demo", "select r:public.orders limit=1001", deny, "huge-read"},
      {"pg-demo", "select r:public.orders limit=1000", allow, "read"},
      {"pg-demo", "select r:public.orders limit=0", allow, "read"},
      {"pg-demo", "select r:public.orders limit=99999999999999999999999999", deny, "huge-read"},
      {"pg-demo", "select r:public.orders limit=expression", deny, "huge-read"},
      {"pg-demo", "select r:public.orders limit=-5", deny, "huge-read"},
      {"pg-demo", "select r:public.orders limit=", deny, "huge-read"},
      {"pg-demo", "select r:public.orders limit=absent", allow, "read"},
      {"pg-demo", "select r:public.orders", allow, "read"},
      // approval
      {"pg-prod", "insert w:public.events", ask, "prod-writes"},
      {"pg-prod", "update w:public.orders r:public.orders", ask, "prod-writes"},
      {"pg-prod", "delete w:public.orders", ask, "prod-writes"},
      {"pg-prod", "merge w:public.orders", ask, "prod-writes"},
      {"pg-prod", "copy_in w:public.orders", ask, "prod-writes"},
      {"pg-prod", "insert w:audit.log", deny, "no-audit-writes"},
      {"pg-demo", "select r:public.customers where=absent limit=absent", ask, "bulk-read"},
      {"pg-demo", "select r:public.orders r:public.customers where=absent limit=absent", ask,
       "bulk-read"},
      {"pg-demo", "select r:public.customers where=present limit=absent", allow, "read"},
      {"pg-demo", "select r:public.customers where=absent limit=10", allow, "read"},
      {"pg-demo", "select r:public.customers where=absent limit=10000", deny, "huge-read"},
      {"pg-demo", "select r:public.customers", allow, "read"},  // no attribute, no match by it
      {"pg-demo", "copy_out r:public.customers where=absent limit=absent", allow, "read"},
      {"pg-demo", "select r:hr.s r:public.customers where=absent limit=absent", deny,
       "no-salaries"},
      // an allow needs every resource, and at least one
      {"pg-demo", "select r:public.orders r:private.x", deny, "default"},
      {"pg-demo", "select r:private.x", deny, "default"},
      {"pg-demo", "select r:public.orders r:pg_catalog.pg_class", allow, "read"},
      {"pg-prod", "select", deny, "default"},
      {"pg-demo", "select where=absent limit=absent", allow, "plain"},
      {"pg-demo", "show where=absent limit=absent", allow, "plain"},
      {"pg-demo", "show", deny, "default"},
      {"pg-prod", "show where=absent limit=absent", deny, "default"},
      {"pg-demo", "select r:publicx.orders", deny, "default"},
      {"pg-demo", "select r:public", deny, "default"},
      {"pg-demo", "SELECT r:public.orders", deny, "default"},
      // reads and writes
      {"pg-demo", "insert w:public.orders r:public.customers", allow, "log-in"},
      {"pg-demo", "insert w:public.orders", deny, "default"},
      {"pg-demo", "insert w:public.orders r:private.x", deny, "default"},
      {"pg-demo", "insert w:private.x r:public.orders", deny, "default"},
      {"pg-demo", "insert w:public.events", allow, "log"},
      {"pg-demo", "insert w:app.events r:app.events", allow, "log"},
      {"pg-demo", "insert w:app.events r:app.other", deny, "default"},
      {"pg-demo", "update w:public.events", deny, "default"},
      // several verbs in one statement
      {"pg-prod", "delete verbs=delete,update w:public.a", ask, "prod-writes"},
      {"pg-demo", "insert verbs=delete,insert w:public.events", deny, "default"},
      {"pg-demo", "insert verbs=create,insert w:public.events", deny, "no-ddl"},
      {"pg-demo", "insert verbs=insert w:public.events", allow, "log"},
      // functions
      {"pg-demo", "call f:app.refresh", allow, "calls"},
      {"pg-demo", "call f:app.refresh f:pg_catalog.lo_import", deny, "default"},
      {"pg-demo", "call", deny, "default"},
      {"pg-demo", "do", deny, "default"},
      // what could not be classified
      {"pg-demo", "unknown", deny, "default"},
      {"pg-demo", "unknown r:hr.salaries", deny, "no-salaries"},
      {"pg-demo", "unknown where=absent limit=absent", deny, "default"},
      {"pg-demo", "nonsense", deny, "default"},
      {"pg-demo", "transaction", deny, "default"},
  };
  CHECK(rows.size() >= 60);
  for (const Row& row : rows) {
    INFO(row.target << ": " << row.action);
    const Decision decision = engine.decide(alice(), target(row.target), action(row.action), {});
    CHECK(decision.effect == row.effect);
    CHECK(decision.rule == row.rule);
    CHECK((decision.effect == Effect::allow || !decision.message.empty()));
    const PolicyEngine part(engine.part_for(alice(), target(row.target)));
    CHECK(part.decide(alice(), target(row.target), action(row.action), {}) == decision);
  }
}

TEST_CASE("a decision says what the rule says, or what was refused and what to do") {
  const PolicyEngine engine(parsed(kPolicy));
  const auto judge = [&](const char* text) {
    return engine.decide(alice(), target("pg-demo"), action(text), {});
  };
  CHECK(judge("drop") == Decision{Effect::deny, "no-ddl", "the schema is changed by migrations",
                                  "write a migration"});
  CHECK(judge("select r:hr.x").message == "rule 'no-salaries' does not allow 'select' here");
  CHECK(judge("vacuum").message == "no rule allows 'vacuum' on this target");
  CHECK(judge("vacuum").hint.find("rule") != std::string::npos);
}

TEST_CASE("what could not be parsed passes only a rule that names it, and every deny") {
  const auto judge = [](const char* when, const char* effect) {
    const std::string approvers =
        std::string(effect) == "require_approval" ? "approvers=[\"group:a\"]\n" : "";
    const PolicyEngine engine(parsed(std::string("[[rule]]\nname=\"r\"\nwhen=") + when +
                                     "\neffect=\"" + effect + "\"\n" + approvers));
    return engine.decide(alice(), target("t"), action("unknown"), {}).rule;
  };
  CHECK(judge("{}", "allow") == "default");
  CHECK(judge("{verb=\"*\"}", "allow") == "default");
  CHECK(judge("{verb=\"unk*\"}", "allow") == "default");
  CHECK(judge("{verb=\"unknown\"}", "allow") == "r");
  CHECK(judge("{}", "require_approval") == "default");
  CHECK(judge("{verb=[\"select\", \"unknown\"]}", "require_approval") == "r");
  CHECK(judge("{}", "deny") == "r");
  CHECK(judge("{verb=\"*\"}", "deny") == "r");
}

TEST_CASE("a rule with roles is for those who came by that role") {
  const PolicyEngine engine(parsed(kPolicy));
  Identity dba;
  dba.subject = "dora";
  dba.groups = {"dba"};
  CHECK(engine.decide(dba, target("pg-demo"), action("create"), {}).rule == "dba-all");
  CHECK(engine.decide(dba, target("pg-demo"), action("select r:hr.salaries"), {}).rule ==
        "no-salaries");
  CHECK(engine.decide(dba, target("pg-demo"), action("unknown"), {}).rule == "default");
  dba.groups = {"dba", "dev"};  // the first role of the document is theirs
  CHECK(engine.decide(dba, target("pg-demo"), action("create"), {}).rule == "no-ddl");
  Identity nobody;
  nobody.subject = "nobody";
  CHECK(engine.decide(nobody, target("pg-demo"), action("create"), {}).rule == "default");
}

TEST_CASE("the session's statements are counted before an approval is asked for, after a deny") {
  const PolicyEngine engine(
      parsed(std::string(kPolicy) + "[limits]\nstatements_per_session = 2\n"));
  SessionFacts counters;
  const auto judge = [&](const char* text) {
    return engine.decide(alice(), target("pg-prod"), action(text), counters).rule;
  };
  counters.statements = 1;
  CHECK(judge("select r:public.a") == "read");
  counters.statements = 2;
  CHECK(judge("select r:public.a") == "limits");
  CHECK(judge("insert w:public.a") == "limits");
  CHECK(judge("drop") == "no-ddl");
  CHECK(engine.decide(alice(), target("pg-prod"), action("select r:public.a"), counters).effect ==
        Effect::deny);
}

TEST_CASE("rules ask for the session's circumstances") {
  using std::chrono::hours;
  using std::chrono::minutes;
  // 2026-11-27 is a Friday.
  const SystemTime friday{std::chrono::sys_days(std::chrono::year(2026) / 11 / 27)};
  struct Case {
    const char* when;
    bool deny;   // holds as the condition of a deny rule
    bool allow;  // and of an allow rule
    SessionFacts facts;
    IdentityKind kind = IdentityKind::person;
    const char* claim = "";
  };
  const auto at = [&](auto span) { return SessionFacts{0, 0, 0, 0, friday + span}; };
  const SessionFacts busy{100, 5000, 1 << 20, 3, friday};
  const std::vector<Case> cases = {
      {R"(session_statements = ">= 100")", true, true, busy},
      {R"(session_statements = "> 100")", false, false, busy},
      {R"(session_rows = ">= 5000")", true, true, busy},
      {R"(session_rows = "< 5000")", false, false, busy},
      {R"(session_bytes = "> 1000000")", true, true, busy},
      {R"(session_denials = ">= 3")", true, true, busy},
      {R"(session_denials = ["> 3", "< 1"])", false, false, busy},
      {R"(client = "person")", true, true, {}},
      {R"(client = "agent")", false, false, {}},
      {R"(client = ["ci", "agent"])", true, true, {}, IdentityKind::ci},
      // A claim only restricts.
      {R"(client = "agent")", true, false, {}, IdentityKind::person, "some-agent"},
      {R"(client = "person")", true, false, {}, IdentityKind::person, "some-agent"},
      {R"(client = ["person", "agent"])", true, true, {}, IdentityKind::person, "some-agent"},
      {R"(client = "ci")", false, false, {}, IdentityKind::person, "some-agent"},
      {R"(client = "person")", false, false, {}, IdentityKind::agent, "some-agent"},
      {R"(label = "env=prod")", true, true, {}},
      {R"(label = "env=pro*")", true, true, {}},
      {R"(label = "env")", true, true, {}},
      {R"(label = "*=eu")", true, true, {}},
      {R"(label = ["env=dev", "tier"])", false, false, {}},
      {R"(label = "prod")", false, false, {}},
      {R"(time = "08:00-18:00")", true, true, at(hours(8))},
      {R"(time = "08:00-18:00")", false, false, at(hours(18))},
      {R"(time = "08:00-18:00")", true, true, at(hours(18) - minutes(1))},
      {R"(time = "22:00-06:00")", true, true, at(hours(23))},
      {R"(time = "22:00-06:00")", true, true, at(hours(0))},
      {R"(time = "22:00-06:00")", false, false, at(hours(6))},
      {R"(time = ["00:00-01:00", "23:30-24:00"])", true, true, at(hours(24) - minutes(1))},
      {R"(weekday = "mon-fri")", true, true, at(hours(1))},
      {R"(weekday = "mon-fri")", false, false, at(hours(25))},
      {R"(weekday = "sat-mon")", true, true, at(hours(73))},
      {R"(weekday = ["sun", "fri"])", true, true, at(hours(0))},
      {R"(weekday = "fri", time = "10:00-11:00", client = "person")", true, true, at(hours(10))},
      {R"(weekday = "fri", time = "10:00-11:00", client = "ci")", false, false, at(hours(10))},
  };
  for (const Case& one : cases) {
    INFO(one.when);
    Identity who = alice();
    who.kind = one.kind;
    who.claimed_agent = one.claim;
    Target prod = target("pg-prod");
    prod.labels = {{"env", "prod"}, {"region", "eu"}};
    for (const std::string effect : {"deny", "allow"}) {
      const std::string other = effect == "deny" ? "allow" : "deny";
      const std::string text =
          "[[role]]\nname=\"r\"\nmembers=[\"*\"]\ntargets=[\"*\"]\n"
          "[[rule]]\nname=\"asked\"\nwhen={" +
          std::string(one.when) + "}\neffect=\"" + effect + "\"\n" +
          (effect == "deny" ? "[[rule]]\nname=\"else\"\nwhen={}\neffect=\"allow\"\n" : "");
      const PolicyEngine engine(parsed(text));
      const bool holds =
          engine.decide(who, prod, action("select r:public.a"), one.facts).rule == "asked";
      CHECK(holds == (effect == "deny" ? one.deny : one.allow));
      // The same in a grant.
      const auto carried = policy_from_json(policy_to_json(engine.part_for(who, prod)));
      REQUIRE(carried);
      CHECK(
          (PolicyEngine(*carried).decide(who, prod, action("select r:public.a"), one.facts).rule ==
           "asked") == holds);
    }
  }
}

TEST_CASE("a circumstance that says nothing sensible denies and does not allow") {
  for (const auto& [key, value] : {std::pair("time", "8-18"), std::pair("weekday", "someday")}) {
    PolicyDocument document;
    document.rules.push_back({"all", {}, {}, {}, Effect::allow, {}, {}, {}});
    document.rules.push_back({"odd", {{key, {value}}}, {}, {}, Effect::deny, {}, {}, {}});
    CHECK(PolicyEngine(document).decide(alice(), target("t"), action("select"), {}).rule == "odd");
    document.rules[1].effect = Effect::allow;
    std::swap(document.rules[0], document.rules[1]);
    CHECK(PolicyEngine(document).decide(alice(), target("t"), action("select"), {}).rule == "all");
  }
}

TEST_CASE("membership is a user, a group or everybody") {
  struct Row {
    const char* member;
    bool fits;
  };
  for (const Row& row : std::vector<Row>{{"user:alice", true},
                                         {"user:bob", false},
                                         {"group:dev", true},
                                         {"group:ops", true},
                                         {"group:de", false},
                                         {"*", true},
                                         {"alice", false},
                                         {"user:*", false},
                                         {"group:*", false},
                                         {"user:dev", false},
                                         {"group:alice", false},
                                         {"", false}}) {
    INFO(row.member);
    PolicyDocument document;
    document.roles = {role("r", {row.member}, {"t*"})};
    const PolicyEngine engine(document);
    CHECK_FALSE(engine.authorize(alice(), target("x"), std::chrono::minutes(1), now()));
    CHECK(engine.authorize(alice(), target("t1"), std::chrono::minutes(1), now()).has_value() ==
          row.fits);
  }
}

TEST_CASE("an authorization carries the role's mapped role, path and time") {
  PolicyDocument document;
  document.roles = {role("first", {"group:dev"}, {"*"}), role("second", {"*"}, {"*"})};
  document.roles[0].max_ttl = std::chrono::minutes(10);
  document.roles[0].database_role = "app_ro";
  document.roles[1].max_ttl = std::chrono::hours(2);
  const auto minutes = [](int n) { return std::chrono::seconds(std::chrono::minutes(n)); };
  const auto authorize = [&](std::chrono::seconds ttl, DataPath path = DataPath::local) {
    auto result = PolicyEngine(document).authorize(alice(), target("t", path), ttl, now());
    REQUIRE(result);
    return std::move(*result);
  };
  const Authorization given = authorize(minutes(5));
  CHECK(given.role() == "first");
  CHECK(given.database_role() == "app_ro");
  CHECK(given.identity() == alice());
  CHECK(given.target() == target("t"));
  CHECK(given.valid_until() == now() + minutes(5));
  CHECK(authorize(minutes(60)).valid_until() == now() + minutes(10));
  CHECK(authorize(minutes(0)).valid_until() == now() + minutes(10));
  CHECK(authorize(minutes(-5)).valid_until() == now() + minutes(10));

  CHECK(authorize(minutes(5)).path() == DataPath::local);
  CHECK(authorize(minutes(5), DataPath::gateway).path() == DataPath::gateway);
  document.roles[0].path = DataPath::local;
  CHECK(authorize(minutes(5), DataPath::gateway).path() == DataPath::gateway);
  document.roles[1].path = DataPath::gateway;  // not the role that is used, but one that matches
  CHECK(authorize(minutes(5)).path() == DataPath::gateway);
  document.roles[1].members = {"group:other"};
  CHECK(authorize(minutes(5)).path() == DataPath::local);
}

TEST_CASE("a refusal does not tell a forbidden target from one that is not there") {
  PolicyDocument document;
  document.roles = {role("r", {"group:dba"}, {"secret-db"})};
  const PolicyEngine engine(document);
  const auto forbidden =
      engine.authorize(alice(), target("secret-db"), std::chrono::minutes(1), now());
  const auto missing =
      engine.authorize(alice(), target("no-such-db"), std::chrono::minutes(1), now());
  REQUIRE((!forbidden && !missing));
  CHECK(forbidden.error() == missing.error());
  CHECK(forbidden.error() == target_unavailable());
  CHECK(forbidden.error().code == ErrorCode::denied);
}

TEST_CASE("a part holds nothing of anybody else") {
  auto document =
      parsed(std::string(kPolicy) +
             "[[mask]]\nname=\"here\"\ncolumns=[\"*.ssn\"]\nfields=\"$..ssn\"\nheaders=\"x-*"
             "\"\ntargets=[\"pg-demo\", \"pg-prod\"]\n"
             "[[mask]]\nname=\"there\"\ncolumns=[\"*.x\"]\ntargets=[\"pg-prod\"]\n[limits]\nrows_"
             "per_session=9\n[record]\nlevel=\"none\"\ndurability=\"disk\"\n");
  document.roles[0].members.push_back("user:bob");
  document.roles[0].targets.push_back("other-db");
  const PolicyDocument part = PolicyEngine(document).part_for(alice(), target("pg-demo"));
  REQUIRE(part.roles.size() == 1);
  CHECK(part.roles[0].name == "dev");
  CHECK(part.roles[0].members == std::vector<std::string>{"group:dev"});
  CHECK(part.roles[0].targets == std::vector<std::string>{"pg-*"});
  for (const Rule& rule : part.rules) {
    CHECK(rule.name != "dba-all");
    CHECK(rule.name != "prod-writes");
  }
  REQUIRE(part.masks.size() == 1);
  CHECK(part.masks[0].name == "here");
  CHECK(part.masks[0].targets == std::vector<std::string>{"pg-demo"});
  CHECK(part.masks[0].fields == std::vector<std::string>{"$..ssn"});
  CHECK(part.masks[0].headers == std::vector<std::string>{"x-*"});
  CHECK(part.limits.rows_per_session == 9);
  CHECK(part.record == RecordLevel::none);
  CHECK(part.durability == Durability::disk);
  CHECK(part.version == document.version);

  Identity nobody;
  nobody.subject = "nobody";
  const PolicyDocument none = PolicyEngine(document).part_for(nobody, target("pg-demo"));
  CHECK((none.roles.empty() && none.rules.empty() && none.masks.empty()));
}

TEST_CASE("a copied engine judges as the first, which may go") {
  auto first = std::make_unique<PolicyEngine>(parsed(kPolicy));
  const PolicyEngine second(*first);
  first.reset();
  CHECK(second.decide(alice(), target("pg-demo"), action("select r:public.a"), {}).rule == "read");
}

TEST_CASE(
    "what nobody judges is for agents only where a rule says so of them, whatever was before") {
  Action shell;
  shell.protocol = "ssh";
  shell.verb = "shell";
  shell.unjudged = true;
  Action command = shell;
  command.verb = "exec";
  command.unjudged = false;
  Identity agent = alice();
  agent.claimed_agent = "robot";
  Rule all, named;
  all.name = "all";
  all.effect = named.effect = Effect::allow;
  named.name = "named";
  named.when = {
      {"verb", {"shell"}}, {"client", {"person", "agent"}}, {"session_statements", {"< 5"}}};
  PolicyDocument document;
  document.roles = {role("r", {"*"}, {"*"})};
  document.rules = {all, named};
  const PolicyEngine engine(document);
  CHECK(engine.decide(alice(), target("t"), shell, {}).rule == "all");
  CHECK(engine.decide(agent, target("t"), shell, {}).rule == "named");
  SessionFacts later;
  later.statements = 9;
  CHECK(engine.decide(agent, target("t"), shell, later).rule == "default");
  CHECK(engine.decide(agent, target("t"), command, later).rule == "all");
}

TEST_CASE("a decision costs no more than two microseconds", "[.bench]") {
  std::string text(kPolicy);
  for (int i = 0; i < 8; ++i)
    text += "[[rule]]\nname=\"x" + std::to_string(i) + "\"\nwhen={verb=\"delete\",table=\"s" +
            std::to_string(i) + ".*\"}\neffect=\"deny\"\n";
  const PolicyEngine engine(parsed(text));
  const Identity identity = alice();
  const Target where = target("pg-demo");
  const Action statement =
      action("select r:public.orders r:public.lines f:pg_catalog.now where=present limit=absent");
  double best = 1e9;
  for (int round = 0; round < 20; ++round) {
    constexpr int kCount = 10'000;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kCount; ++i)
      REQUIRE(engine.decide(identity, where, statement, {}).effect == Effect::allow);
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    best = std::min(best, took.count() / kCount);
  }
  std::printf("decide: %.2f us with %zu rules\n", best, engine.document().rules.size());
  CHECK(best <= 2.0);
}
