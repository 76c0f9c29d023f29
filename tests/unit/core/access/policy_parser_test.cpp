// SPDX-License-Identifier: Apache-2.0
#include "core/access/policy_parser.h"

#include <fstream>
#include <sstream>

#include "core/access/vocabulary.h"
#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::access;

namespace {

Result<PolicyDocument> parse(std::string text) {
  return parse_policy({{"p.toml", std::move(text)}});
}

constexpr const char* kRule = "[[rule]]\nname = \"r\"\neffect = \"deny\"\n";

/// A detector with the rest of its table.
std::string own(const std::string& rest) { return "[[detector]]\nname = \"employee\"\n" + rest; }

}  // namespace

TEST_CASE("a detector of the policy's own becomes part of the masks that name it, from any file") {
  const auto document =
      parse_policy({{"a.toml", "[[mask]]\nname = \"m\"\ndetectors = [\"email\", \"employee\"]\n"},
                    {"b.toml",
                     "[[detector]]\nname = \"employee\"\npattern = 'EMP-[0-9]{6}'\n"
                     "finds = [\"badge EMP-123456\"]\nignores = [\"EMP-12\"]\n"}});
  INFO((document ? std::string() : document.error().message));
  REQUIRE(document);
  REQUIRE(document->masks.size() == 1);
  CHECK(document->masks[0].detectors == std::vector<std::string>{"email"});
  CHECK(document->masks[0].patterns == std::vector<OwnPattern>{{"employee", "EMP-[0-9]{6}"}});
  const auto carried = policy_from_json(policy_to_json(*document));
  REQUIRE(carried);
  CHECK(carried->masks == document->masks);
}

TEST_CASE("a whole policy is read as it is written") {
  const auto document = parse(R"([[role]]
name = "agents"
members = ["group:ai-agents", "user:bob"]
targets = ["pg-*"]
path = "gateway"
max_ttl = "15m"
renew_for = "2h"
database_role = "app_ro"

[[rule]]
name = "bulk-read"
when = { protocol = "postgres", verb = ["select", "ddl"], table = "public.customers", where = "absent", limit = ["absent", "> 1000"] }
roles = ["agents"]
targets = ["pg-prod"]
effect = "require_approval"
approvers = ["group:dba"]
message = "needs a reviewer"
hint = "add a WHERE"

[[mask]]
columns = ["public.customers.email", "*.ssn"]
with = "partial"
in_predicates = "deny"
derived = "deny"
on_unresolved = "ignore"

[[mask]]
name = "secrets"
detectors = ["payment_card", "all"]
targets = ["pg-prod"]

[limits]
rows_per_statement = 10_000
rows_per_session = 100_000
bytes_per_statement = 1
bytes_per_session = 2
statements_per_session = 3
statement_time = "30s"
idle_time = "1h"
idle_in_transaction_time = "5m"

[record]
level = "summary"
durability = "disk"
)");
  REQUIRE(document);
  REQUIRE(document->roles.size() == 1);
  CHECK(document->roles[0] == Role{"agents",
                                   {"group:ai-agents", "user:bob"},
                                   {"pg-*"},
                                   DataPath::gateway,
                                   std::chrono::minutes(15),
                                   std::chrono::hours(2),
                                   "app_ro"});
  REQUIRE(document->rules.size() == 1);
  const Rule& rule = document->rules[0];
  CHECK(rule.when.at("verb") ==
        std::vector<std::string>{"select", "create", "alter", "drop", "truncate", "comment"});
  CHECK(rule.when.at("table") == std::vector<std::string>{"public.customers"});
  CHECK(rule.when.at("limit") == std::vector<std::string>{"absent", "> 1000"});
  CHECK(rule.effect == Effect::require_approval);
  CHECK(rule.approvers == std::vector<std::string>{"group:dba"});
  CHECK(rule.hint == "add a WHERE");
  REQUIRE(document->masks.size() == 2);
  CHECK(document->masks[0].name == "mask-1");
  CHECK(document->masks[0].with == MaskStrategy::partial);
  CHECK(document->masks[0].on_unresolved == OnUnresolved::ignore);
  CHECK(document->masks[1].name == "secrets");
  CHECK(document->masks[1].with == MaskStrategy::redact);
  CHECK(document->limits == Limits{10'000, 100'000, 1, 2, 3, std::chrono::seconds(30),
                                   std::chrono::seconds(3600), std::chrono::seconds(300)});
  CHECK(document->record == RecordLevel::summary);
  CHECK(document->durability == Durability::disk);
  CHECK(document->version.size() == 64);
}

TEST_CASE("masks of fields and header fields are read as they are written, and carried") {
  const auto document = parse(R"([[mask]]
name = "billing"
fields = ["$.customer.email", "$..ssn", "$['e-mail'][*].*"]
headers = ["X-Customer-Email", "x-internal-*"]
with = "hash"
[[mask]]
fields = "$"
columns = "*.ssn"
in_predicates = "equality"
)");
  INFO((document ? std::string() : document.error().message));
  REQUIRE(document);
  REQUIRE(document->masks.size() == 2);
  CHECK(document->masks[0].fields ==
        std::vector<std::string>{"$.customer.email", "$..ssn", "$['e-mail'][*].*"});
  CHECK(document->masks[0].headers == std::vector<std::string>{"x-customer-email", "x-internal-*"});
  CHECK(document->masks[0].with == MaskStrategy::hash);
  CHECK(document->masks[1].fields == std::vector<std::string>{"$"});
  const auto carried = policy_from_json(policy_to_json(*document));
  REQUIRE(carried);
  CHECK(*carried == *document);
  // A mask without any is written as before there were such.
  CHECK(policy_to_json(*parse("[[mask]]\ncolumns = \"*.ssn\"\n")).find("\"fields\"") ==
        std::string::npos);
}

TEST_CASE("what one file says of the record, another that is silent of it leaves alone") {
  const auto document = parse_policy({{"a.toml", "[record]\nlevel = \"none\"\n"},
                                      {"b.toml", "[record]\ndurability = \"disk\"\n"},
                                      {"c.toml", "[record]\n"}});
  REQUIRE(document);
  CHECK(document->record == RecordLevel::none);
  CHECK(document->durability == Durability::disk);
}

TEST_CASE("the gateway's own tables are left to the gateway") {
  CHECK(parse("[gateway]\nlisten = 1\n[[target]]\nany = \"thing\"\n[[issuer]]\nx = 2\n"));
}

TEST_CASE("an empty policy allows nothing and is no error") {
  const auto document = parse("");
  REQUIRE(document);
  CHECK(document->rules.empty());
}

TEST_CASE("a later file replaces by name, keeps the place, and appends the rest") {
  const auto document = parse_policy({
      {"a.toml",
       "[[rule]]\nname=\"one\"\nwhen={}\neffect=\"deny\"\n[[rule]]\nname=\"two\"\nwhen={}\neffect="
       "\"deny\"\n"
       "[[mask]]\ncolumns=[\"*.a\"]\n[limits]\nrows_per_session=1\nrows_per_statement=1\n"},
      {"b.toml",
       "[[rule]]\nname=\"one\"\nwhen={}\neffect=\"allow\"\n[[rule]]\nname=\"three\"\nwhen={}"
       "\neffect=\"deny\"\n"
       "[[mask]]\ncolumns=[\"*.b\"]\n[limits]\nrows_per_session=2\n"},
  });
  REQUIRE(document);
  REQUIRE(document->rules.size() == 3);
  CHECK(document->rules[0].name == "one");
  CHECK(document->rules[0].effect == Effect::allow);
  CHECK(document->rules[2].name == "three");
  CHECK(document->masks.size() == 2);
  CHECK(document->masks[1].name == "mask-2");
  CHECK(document->limits.rows_per_session == 2);
  CHECK(document->limits.rows_per_statement == 1);
}

TEST_CASE("the version changes with the text alone") {
  const auto a = parse_policy({{"a.toml", "[record]\nlevel = \"none\"\n"}});
  const auto renamed = parse_policy({{"b.toml", "[record]\nlevel = \"none\"\n"}});
  const auto other = parse_policy({{"a.toml", "[record]\nlevel = \"full\"\n"}});
  REQUIRE((a && renamed && other));
  CHECK(a->version == renamed->version);
  CHECK(a->version != other->version);
}

TEST_CASE("the policy of the stack is a policy") {
  const std::ifstream file(HOOP_SOURCE_DIR "/tests/support/stack_policy.toml");
  std::ostringstream text;
  text << file.rdbuf();
  const auto document = parse_policy({{"stack_policy.toml", text.str()}});
  INFO((document ? std::string() : document.error().message));
  CHECK(document);
}

TEST_CASE("hoopctl-policy(5) knows every word, and its example is a policy") {
  const std::ifstream file(HOOP_SOURCE_DIR "/man/hoopctl-policy.5");
  std::ostringstream text;
  text << file.rdbuf();
  const std::string page = text.str();
  std::vector<std::string> all = verbs_of("postgres");
  for (const auto& more : {verb_groups("postgres"), verbs_of("ssh"), verb_groups("ssh"),
                           condition_keys(), detector_names()})
    all.insert(all.end(), more.begin(), more.end());
  for (const std::string& word : all) {
    INFO(word);
    CHECK(page.find(word) != std::string::npos);
  }
  const std::string begin = ".Bd -literal -offset indent\n";
  const auto example = page.find(begin, page.find(".Sh EXAMPLES")) + begin.size();
  const auto document = parse(page.substr(example, page.find(".Ed", example) - example));
  INFO((document ? std::string() : document.error().message));
  REQUIRE(document);
  CHECK(document->rules.size() == 5);
}

TEST_CASE("verbs of several protocols, and logins") {
  const auto document = parse(
      "[[role]]\nname = \"ops\"\nmembers = [\"*\"]\ntargets = [\"web-*\"]\nlogins = [\"deploy\", "
      "\"web.app\"]\n"
      "[[rule]]\nname = \"a\"\nwhen = { protocol = \"ssh\", verb = \"program\" }\neffect = "
      "\"allow\"\n"
      "[[rule]]\nname = \"b\"\nwhen = { verb = [\"select\", \"exec\"] }\neffect = \"deny\"\n");
  INFO((document ? std::string() : document.error().message));
  REQUIRE(document);
  CHECK(document->roles[0].logins == std::vector<std::string>{"deploy", "web.app"});
  CHECK(document->rules[0].when.at("verb") ==
        std::vector<std::string>{"exec", "shell", "subsystem"});
  CHECK(document->rules[1].when.at("verb") == std::vector<std::string>{"select", "exec"});
}

TEST_CASE("every slip is named with its place and what would be right") {
  const std::string rule = kRule;
  const auto r = [&](const std::string& line) { return rule + line; };
  struct Row {
    std::string text;
    std::string start;
    std::string hint;  // part of it
  };
  const std::vector<Row> rows = {
      // TOML itself
      {"[[rule]\n", "p.toml:1:", ""},
      {"[limits\n", "p.toml:1:8: ", ""},
      {"a = = 1\n", "p.toml:1:5: ", ""},
      {"[limits]\nrows_per_session = 1\nrows_per_session = 2\n", "p.toml:3:", ""},
      {"x = \"\xff\"\n", "p.toml:1:", ""},
      // unknown keys
      {"[[rules]]\n", "p.toml:1:3: unknown key 'rules'", "did you mean 'rule'?"},
      {"[[masks]]\n", "p.toml:1:3: unknown key 'masks'", "did you mean 'mask'?"},
      {"limit = 3\n", "p.toml:1:1: unknown key 'limit'", "did you mean 'limits'?"},
      {"[limits]\nrow_per_statement = 1\n", "p.toml:2:1: unknown key 'row_per_statement'",
       "did you mean 'rows_per_statement'?"},
      {r("when = { vreb = \"select\" }\n"), "p.toml:4:10: unknown key 'vreb'",
       "known here: body, client, command"},
      {r("when = {}\neffekt = \"deny\"\n"), "p.toml:5:1: unknown key 'effekt'",
       "did you mean 'effect'?"},
      {"[record]\nlevels = \"full\"\n", "p.toml:2:1: unknown key 'levels'",
       "did you mean 'level'?"},
      {"[[role]]\nname=\"a\"\nmembers=[\"*\"]\ntargets=[\"*\"]\nmember=[\"*\"]\n",
       "p.toml:5:1: unknown key 'member'", "members"},
      // rules
      {"[[rule]]\nwhen = {}\neffect = \"deny\"\n", "p.toml:1:1: 'name' is missing", ""},
      {"[[rule]]\nname = \"\"\nwhen = {}\neffect = \"deny\"\n",
       "p.toml:2:8: 'name' must not be empty", ""},
      {"[[rule]]\nname = \"x\"\nwhen = {}\n", "p.toml:1:1: 'effect' is missing",
       "require_approval"},
      {"[[rule]]\nname = \"x\"\neffect = \"deny\"\n", "p.toml:1:1: 'when' is missing", "when = {}"},
      {"[[rule]]\nname = \"x\"\nwhen = {}\neffect = \"denied\"\n",
       "p.toml:4:10: 'effect' cannot be 'denied'", "one of: allow, deny, require_approval"},
      {"[[rule]]\nname = \"default\"\nwhen = {}\neffect = \"deny\"\n",
       "p.toml:2:8: 'default' is the name", "another name"},
      {r("when = \"select\"\n"), "p.toml:4:8: 'when' must be a table, but is a string", ""},
      {r("when = { verb = \"slect\" }\n"), "p.toml:4:17: 'slect' is no verb of postgres",
       "did you mean 'select'?"},
      {r("when = { verb = [\"select\", \"drp\"] }\n"), "p.toml:4:28: 'drp' is no verb",
       "did you mean 'drop'?"},
      {r("when = { verb = \"raed\" }\n"), "p.toml:4:17: 'raed' is no verb", "read"},
      {r("when = { verb = 3 }\n"), "p.toml:4:17: 'verb' must be a string or an array of strings",
       ""},
      {r("when = { verb = [\"select\", 3] }\n"), "p.toml:4:17: 'verb' must hold strings only", ""},
      {r("when = { verb = [] }\n"), "p.toml:4:17: 'verb' is empty, so the rule would never match",
       ""},
      {r("when = { verb = \"SELECT\" }\n"), "p.toml:4:17: 'SELECT' is no verb", ""},
      {r("when = { protocol = \"ssh\", verb = \"select\" }\n"),
       "p.toml:4:35: 'select' is no verb of ssh", "subsystem"},
      {r("when = { protocol = \"ssh\", table = \"public.t\" }\n"),
       "p.toml:4:36: 'table' is nothing that an action of ssh has", "it is one of postgres"},
      {r("when = { protocol = \"postgres\", subsystem = \"sftp\" }\n"),
       "p.toml:4:45: 'subsystem' is nothing that an action of postgres has", "it is one of ssh"},
      {r("when = { command = [\"uptime\", \"rm ** x\"] }\n"),
       "p.toml:4:31: \"**\" is not the last word", "all that follows"},
      {r("when = { command = \"rm 'x\" }\n"), "p.toml:4:20: a ' without its end", "a blank"},
      {r("when = { command = \"**\" }\n"), "p.toml:4:20: a command without a program", "systemctl"},
      {r("when = { path = \"var/log\" }\n"), "p.toml:4:17: a path begins with '/'", "/var/log/**"},
      {r("when = { path = \"/var/log/\" }\n"), "p.toml:4:17: a path with a '/' at its end",
       "all that is in it"},
      {r("when = { path = [\"/a\", \"/srv/../etc\"] }\n"), "p.toml:4:24: a path with", "resolved"},
      {r("when = { protocol = \"postgres\", path = \"/a\" }\n"), "p.toml:4:40: 'path' is nothing",
       "ssh"},
      {"[[rule]]\nname=\"a\"\nwhen={verb=\"shell\"}\neffect=\"deny\"\nforce_command=\"menu\"\n",
       "p.toml:5:15: 'force_command' is for a rule that allows shell or exec", "verb"},
      {"[[rule]]\nname=\"a\"\nwhen={verb=\"program\"}\neffect=\"allow\"\nforce_command=\"menu\"\n",
       "p.toml:5:15: 'force_command' is for a rule that allows shell or exec", "verb"},
      {"[[rule]]\nname=\"a\"\nwhen={}\neffect=\"allow\"\nforce_command=\"menu\"\n",
       "p.toml:5:15: 'force_command' is for a rule that allows shell or exec", "verb"},
      {"[[rule]]\nname=\"a\"\nwhen={verb=\"shell\"}\neffect=\"allow\"\nforce_command=\"\"\n",
       "p.toml:5:15: a command has 1 to 4,096 bytes", ""},
      {r("when = { destination = \"db\" }\n"), "p.toml:4:24: 'db' is no host and port",
       "db.internal:5432"},
      {r("when = { destination = \"db:http\" }\n"), "p.toml:4:24: 'db:http' is no host and port",
       ""},
      {r("when = { destination = \"DB:80\" }\n"), "p.toml:4:24: 'DB:80' would never match",
       "lower case"},
      {r("when = { destination = \"::1:80\" }\n"), "p.toml:4:24: '::1:80' would never match",
       "brackets"},
      {r("when = { form = \"simple\" }\n"), "p.toml:4:17: 'form' cannot be 'simple'",
       "plain, script, opaque"},
      {"[[role]]\nname=\"a\"\nmembers=[\"*\"]\ntargets=[\"*\"]\nlogins=[]\n",
       "p.toml:5:8: 'logins' is empty", "deploy"},
      {"[[role]]\nname=\"a\"\nmembers=[\"*\"]\ntargets=[\"*\"]\nlogins=[\"ok\", \"*\"]\n",
       "p.toml:5:15: '*' is no name of a user", "no pattern"},
      {r("when = { protocol = \"postgresql\" }\n"), "p.toml:4:21: 'postgresql' is no protocol",
       "did you mean 'postgres'?"},
      {r("when = { table = \"customers\" }\n"), "p.toml:4:18: 'customers' names no schema",
       "\"public.customers\", or \"*.customers\""},
      {r("when = { reads = [\"a.b\", \"customers\"] }\n"),
       "p.toml:4:26: 'customers' names no schema", ""},
      {r("when = { writes = \".x\" }\n"), "p.toml:4:19: '.x' names no schema", ""},
      {r("when = { function = \"pg_sleep\" }\n"), "p.toml:4:21: 'pg_sleep' names no schema",
       "*.pg_sleep"},
      {r("when = { table = \"\" }\n"), "p.toml:4:18: an empty text", ""},
      {r("when = { limit = \"<= many\" }\n"), "p.toml:4:18: '<= many' compares", "<= 1000"},
      {r("when = { limit = \"missing\" }\n"),
       "p.toml:4:18: 'missing' is nothing that a limit can be", "absent"},
      {r("when = { session_rows = \"many\" }\n"),
       "p.toml:4:25: 'many' is no comparison with a number", ">= 1000"},
      {r("when = { session_rows = \"> many\" }\n"), "p.toml:4:25: '> many' compares with something",
       "<= 1000"},
      {r("when = { client = [\"person\", \"robot\"] }\n"),
       "p.toml:4:30: 'robot' is no kind of client", "person, ci, agent"},
      {r("when = { time = \"8-18\" }\n"), "p.toml:4:17: '8-18' is no span of the day",
       "08:00-18:00"},
      {r("when = { time = \"08:00-08:00\" }\n"), "p.toml:4:17: '08:00-08:00' is no span of the day",
       ""},
      {r("when = { time = \"24:00-08:00\" }\n"), "p.toml:4:17: '24:00-08:00' is no span of the day",
       ""},
      {r("when = { time = \"08:60-09:00\" }\n"), "p.toml:4:17: '08:60-09:00' is no span of the day",
       ""},
      {r("when = { time = \"08:00-24:01\" }\n"), "p.toml:4:17: '08:00-24:01' is no span of the day",
       ""},
      {r("when = { weekday = \"monday\" }\n"), "p.toml:4:20: 'monday' is no day of the week",
       "sat-sun"},
      {r("when = { weekday = \"mon-\" }\n"), "p.toml:4:20: 'mon-' is no day of the week", ""},
      {r("when = { where = \"none\" }\n"), "p.toml:4:18: 'none' is nothing that a WHERE can be",
       "absent"},
      {r("when = {}\nroles = []\n"), "p.toml:5:9: 'roles' is empty", "leave it out"},
      {r("when = {}\ntargets = []\n"), "p.toml:5:11: 'targets' is empty", "leave it out"},
      {r("when = {}\nroles = [\"nobody\"]\n"),
       "p.toml:5:9: there is no role 'nobody', so rule 'r' would never match", "[[role]]"},
      {"[[role]]\nname=\"agents\"\nmembers=[\"*\"]\ntargets=[\"*\"]\n" +
           r("when={}\nroles=[\"agent\"]\n"),
       "p.toml:9:7: there is no role 'agent'", "did you mean 'agents'?"},
      {r("when = {}\napprovers = [\"group:a\"]\n"), "p.toml:5:13: 'approvers' has a meaning only",
       ""},
      {"[[rule]]\nname = \"x\"\nwhen = {}\neffect = \"require_approval\"\n",
       "p.toml:1:1: nobody could approve", "group:dba"},
      {"[[rule]]\nname = \"x\"\nwhen = {}\neffect = \"require_approval\"\napprovers = [\"*\"]\n",
       "p.toml:5:14: '*' is neither", "user:NAME"},
      {r("when = {}\n") + rule + "when = {}\n", "p.toml:6:8: a second rule 'r' in one file",
       "name of its own"},
      {"rule = 3\n", "p.toml:1:8: 'rule' must be written as [[rule]]", ""},
      {"[rule]\nname = \"x\"\n", "p.toml:1:1: 'rule' must be written as [[rule]]", ""},
      // roles
      {"[[role]]\nname = \"a\"\ntargets = [\"*\"]\n", "p.toml:1:1: 'members' is missing",
       "group:dba"},
      {"[[role]]\nname = \"a\"\nmembers = []\ntargets = [\"*\"]\n",
       "p.toml:3:11: 'members' is empty", ""},
      {"[[role]]\nname = \"a\"\nmembers = [\"*\", \"dba\"]\ntargets = [\"*\"]\n",
       "p.toml:3:17: 'dba' is neither a user nor a group", "\"user:dba\" or \"group:dba\""},
      {"[[role]]\nname = \"a\"\nmembers = [\"group:\"]\ntargets = [\"*\"]\n",
       "p.toml:3:12: 'group:' is neither", ""},
      {"[[role]]\nname = \"a\"\nmembers = [\"*\"]\ntargets = [\"*\"]\nmax_ttl = \"30 minutes\"\n",
       "p.toml:5:11: '30 minutes' is not a duration", "30m"},
      {"[[role]]\nname = \"a\"\nmembers = [\"*\"]\ntargets = [\"*\"]\nmax_ttl = \"2d\"\n",
       "p.toml:5:11: 'max_ttl' must be from 1s to 24h", ""},
      {"[[role]]\nname = \"a\"\nmembers = [\"*\"]\ntargets = [\"*\"]\nmax_ttl = \"1h\"\nrenew_for "
       "= \"1h\"\n",
       "p.toml:6:13: 'renew_for' must be longer than 'max_ttl', and at most 24h",
       "it is how long a session may last in all, max_ttl at a time"},
      {"[[role]]\nname = \"a\"\nmembers = [\"*\"]\ntargets = [\"*\"]\nrenew_for = \"2d\"\n",
       "p.toml:5:13: 'renew_for' must be longer than 'max_ttl', and at most 24h",
       "it is how long a session may last in all, max_ttl at a time"},
      {"[[role]]\nname = \"a\"\nmembers = [\"*\"]\ntargets = [\"*\"]\npath = \"remote\"\n",
       "p.toml:5:8: 'path' cannot be 'remote'", "gateway"},
      // masks
      {"[[mask]]\nwith = \"redact\"\n",
       "p.toml:1:1: a mask needs 'columns', 'fields', 'headers' or 'detectors'", ""},
      {"[[mask]]\nfields = [\"$.a\", \"customer.email\"]\n",
       "p.toml:2:18: the path 'customer.email' does not begin with '$'", "$..email"},
      {"[[mask]]\nfields = \"$.rows[0].a\"\n",
       "p.toml:2:10: the path '$.rows[0].a' has the index of an element", "[*]"},
      {"[[mask]]\nfields = [\"$.customer-id\"]\n",
       "p.toml:2:11: the path '$.customer-id' has the name 'customer-id' without quotes",
       "['customer-id']"},
      {"[[mask]]\nheaders = [\"x-a\", \"x a\"]\n",
       "p.toml:2:19: 'x a' is no name of a header field", "x-customer-email"},
      {"[[mask]]\nheaders = [\"*-email\"]\n", "p.toml:2:12: '*-email' is no name of a header field",
       "x-customer-*"},
      {"[[mask]]\nheaders = \"*\"\n", "p.toml:2:11: '*' is no name of a header field", ""},
      {"[[mask]]\nfields = [\"$.a\"]\nin_predicates = \"allow\"\n",
       "p.toml:3:17: 'in_predicates' is about columns", "leave it out"},
      {"[[mask]]\nheaders = [\"x-a\"]\non_unresolved = \"ignore\"\n",
       "p.toml:3:17: 'on_unresolved' is about columns", "leave it out"},
      {"[[mask]]\nfield = [\"$.a\"]\ndetectors = \"all\"\n", "p.toml:2:1: unknown key 'field'",
       "did you mean 'fields'?"},
      {"[[mask]]\ncolumns = [\"email\"]\n", "p.toml:2:12: 'email' is not the full name of a column",
       "*.email"},
      {"[[mask]]\ncolumns = [\"customers.email\"]\n",
       "p.toml:2:12: 'customers.email' is not the full name", "public.customers.email"},
      {"[[mask]]\ncolumns = [\"*.ssn\"]\nwith = \"blur\"\n", "p.toml:3:8: 'with' cannot be 'blur'",
       "redact"},
      {"[[mask]]\ndetectors = [\"payment_crad\"]\n",
       "p.toml:2:14: there is no detector 'payment_crad'", "did you mean 'payment_card'?"},
      {"[[mask]]\ndetectors = [\"email\", \"passport\"]\n",
       "p.toml:2:23: there is no detector 'passport'", "one of: email"},
      // detectors of the policy's own
      {own("pattern = 'EMP-[0-9'\nfinds = [\"EMP-1\"]\n"), "p.toml:3:11: RE2 cannot read", "RE2's"},
      {own("pattern = '(?=x)'\nfinds = [\"x\"]\n"), "p.toml:3:11: RE2 cannot read", "look-around"},
      {own("pattern = 'a\\C'\nfinds = [\"ab\"]\n"),
       "p.toml:3:11: the expression fits bytes and not characters", "'.'"},
      {own("pattern = '[0-9]*'\nfinds = [\"1\"]\n"),
       "p.toml:3:11: the expression fits an empty text", "at least one"},
      {own("pattern = '" + std::string(5000, 'a') + "'\nfinds = [\"a\"]\n"),
       "p.toml:3:11: the expression is longer than 4096", ""},
      {own("pattern = 'EMP-[0-9]+'\n"), "p.toml:1:1: 'finds' is missing", "EMP-123456"},
      {own("pattern = 'EMP-[0-9]+'\nfinds = [\"EMP-1\", \"emp-1\"]\n"),
       "p.toml:4:19: the detector does not find 'emp-1'", ""},
      {own("pattern = 'EMP-[0-9]+'\nfinds = \"EMP-1\"\nignores = [\"EMP-\", \"EMP-12\"]\n"),
       "p.toml:5:20: the detector finds something in 'EMP-12'", ""},
      {"[[detector]]\nname = \"Employee\"\npattern = 'x'\nfinds = [\"x\"]\n",
       "p.toml:2:8: 'Employee' is no name", "lower-case"},
      {"[[detector]]\nname = \"email\"\npattern = 'x'\nfinds = [\"x\"]\n",
       "p.toml:2:8: 'email' is the name of a detector", "another"},
      {own("pattern = 'x'\nfinds = [\"x\"]\n") + own("pattern = 'x'\nfinds = [\"x\"]\n"),
       "p.toml:6:8: a second detector 'employee'", ""},
      {own("pattern = 'x'\nfinds = [\"x\"]\n") + "[[mask]]\ndetectors = [\"employe\"]\n",
       "p.toml:6:14: there is no detector 'employe'", "did you mean 'employee'?"},
      {"[[mask]]\ncolumns = [\"*.ssn\"]\nin_predicates = \"equal\"\n",
       "p.toml:3:17: 'in_predicates' cannot be 'equal'", "equality"},
      {"[[mask]]\ncolumns = [\"*.ssn\"]\nderived = \"null\"\n",
       "p.toml:3:11: derived = \"null\" is not available in this version", "deny"},
      {"[[mask]]\nname = \"a\"\ncolumns = [\"*.s\"]\n[[mask]]\nname = \"a\"\ncolumns = [\"*.t\"]\n",
       "p.toml:5:8: a second mask 'a'", ""},
      // limits, record, unparsed
      {"[limits]\nrows_per_session = -1\n", "p.toml:2:20: 'rows_per_session' must be from 0", ""},
      {"[limits]\nrows_per_session = \"10\"\n",
       "p.toml:2:20: 'rows_per_session' must be an integer, but is a string", ""},
      {"[limits]\nstatement_time = 30\n", "p.toml:2:18: 'statement_time' must be a string", ""},
      {"[record]\nlevel = \"all\"\n", "p.toml:2:9: 'level' cannot be 'all'", "full"},
      {"[record]\ndurability = \"ram\"\n", "p.toml:2:14: 'durability' cannot be 'ram'", "disk"},
      {"unparsed = \"allow\"\n[limits]\nrows_per_session = 1\n",
       "p.toml:1:12: unparsed = \"allow\" would let statements around", "deny"},
      {"unparsed = \"allow\"\n", "p.toml:1:12: unparsed = \"allow\" is not available", "deny"},
      {"unparsed = \"maybe\"\n", "p.toml:1:12: 'unparsed' cannot be 'maybe'", "deny"},
      {"[[rule]]\nname=\"u\"\nwhen={verb=\"unknown\"}\neffect=\"allow\"\n[[mask]]\ncolumns=[\"*."
       "s\"]\n",
       "p.toml:3:6: rule 'u' allows what could not be parsed", "unknown"},
  };
  for (const auto& row : rows) {
    INFO(row.text);
    const auto document = parse(row.text);
    CHECK_FALSE(document);
    if (document) continue;
    const Error& error = document.error();
    INFO(error.message << "\n" << error.hint);
    CHECK(error.code == ErrorCode::config);
    CHECK(error.message.starts_with(row.start));
    CHECK(error.hint.find(row.hint) != std::string::npos);
    CHECK(error.message.find('\n') == std::string::npos);
  }
}

TEST_CASE("a second file's slip carries its own name") {
  const auto document = parse_policy({{"a.toml", ""}, {"conf.d/b.toml", "\n[[rule]]\n"}});
  REQUIRE_FALSE(document);
  CHECK(document.error().message == "conf.d/b.toml:2:1: 'name' is missing");
}

TEST_CASE("policy JSON goes both ways and is strict") {
  const auto document = parse(R"([[role]]
name = "a"
members = ["*"]
targets = ["*"]
path = "local"
[[rule]]
name = "r"
when = { verb = "select", limit = "<= 10" }
effect = "allow"
[[mask]]
columns = ["*.ssn"]
detectors = ["all"]
with = "null"
[limits]
rows_per_session = 7
statement_time = "1m"
idle_time = "2m"
idle_in_transaction_time = "3m"
)");
  REQUIRE(document);
  const std::string json = policy_to_json(*document);
  const auto back = policy_from_json(json);
  INFO((back ? std::string() : back.error().message));
  REQUIRE(back);
  CHECK(*back == *document);
  CHECK(policy_to_json(*back) == json);

  const auto edited = [&](const std::string& from, const std::string& to) {
    std::string text = json;
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    return policy_from_json(text);
  };
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"{\"roles\"", "{\"more\":1,\"roles\""},
      {"{\"roles\"", "{\"record\":\"full\",\"roles\""},
      {"\"with\":\"null\"", "\"with\":\"blur\""},
      {"\"with\":\"null\"", "\"with\":null"},
      {"\"effect\":\"allow\"", "\"effect\":\"allow\",\"extra\":[]"},
      {"\"effect\":\"allow\"", "\"effect\":true"},
      {"\"effect\":\"allow\",", ""},
      {"\"rows_per_session\":7", "\"rows_per_session\":-7"},
      {"\"rows_per_session\":7", "\"rows_per_session\":7.5"},
      {"\"rows_per_session\":7", "\"rows_per_session\":\"7\""},
      {"\"statement_time\":60", "\"statement_time\":99999999999999"},
      {"[\"select\"]", "[\"select\",3]"},
      {"[\"select\"]", "[]"},
      {"[\"select\"]", "\"select\""},
      {"\"verb\":", "\"limit\":[\"1\"],\"verb\":"},
      {"\"members\":[\"*\"]", "\"members\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]"},
  };
  for (const auto& [from, to] : bad) {
    INFO(from << " → " << to);
    const auto result = edited(from, to);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::malformed);
  }
  for (const std::string text : {"", "[]", "null", "{", "{}", "{\"roles\":[]}"}) {
    INFO(text);
    CHECK_FALSE(policy_from_json(text));
  }
  CHECK_FALSE(policy_from_json(json + " x"));
  CHECK_FALSE(policy_from_json(std::string(1'000'000, '[')));
}
