// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/destination.h"

#include "core/access/policy.h"
#include "protocols/ssh/relay_action.h"
#include "tests/support/catch.h"

namespace hoop::ssh {
namespace {

access::Effect effect_of(access::Effect effect, std::string key, std::string value,
                         const RelayAsk& ask) {
  access::PolicyDocument document;
  access::Role role;
  role.name = "r";
  role.members = {"*"};
  role.targets = {"*"};
  document.roles = {role};
  access::Rule rule;
  rule.name = "it";
  rule.effect = effect;
  rule.when[std::move(key)] = {std::move(value)};
  document.rules = {rule};
  if (effect != access::Effect::allow) {
    rule.name = "rest";
    rule.effect = access::Effect::allow;
    rule.when = {{"destination", {"*:*"}}};
    document.rules.push_back(rule);
  }
  access::Target target;
  target.name = "web";
  return access::PolicyEngine(document).decide({}, target, action_of(ask), {}).effect;
}

}  // namespace

TEST_CASE("destinations: one way to write each address") {
  struct Case {
    std::string host, is;
  };
  for (const Case& one : std::vector<Case>{{"db.internal", "db.internal:80"},
                                           {"DB.Internal.", "db.internal:80"},
                                           {"127.0.0.1", "127.0.0.1:80"},
                                           {"127.1", "127.0.0.1:80"},
                                           {"0x7f000001", "127.0.0.1:80"},
                                           {"2130706433", "127.0.0.1:80"},
                                           {"0177.0.0.1", "127.0.0.1:80"},
                                           {"127.0.0.1.", "127.0.0.1:80"},
                                           {"::1", "[::1]:80"},
                                           {"[::1]", "[::1]:80"},
                                           {"0:0:0:0:0:0:0:1", "[::1]:80"},
                                           {"::ffff:127.0.0.1", "127.0.0.1:80"},
                                           {"::FFFF:7f00:1", "127.0.0.1:80"},
                                           {"localhost", "localhost:80"},
                                           {"", "any:80"}}) {
    CAPTURE(one.host);
    CHECK(destination_of(one.host, 80) == one.is);
  }
  for (const std::string& host : {std::string("a b"), std::string("a\nb"), std::string("db/x"),
                                  std::string("a:80"), std::string("fe80::1%eth0"),
                                  std::string("."), std::string(256, 'a'), std::string("a\0b", 3),
                                  std::string("b\xc3\xbc"
                                              "cher")})
    CHECK_FALSE(destination_of(host, 80));
  CHECK_FALSE(destination_of("a", 65536));
  CHECK(destination_of("a", 65535) == "a:65535");
}

TEST_CASE("forwards: an allow must name where they lead") {
  RelayAsk ask;
  ask.act = RelayAct::forward;
  ask.text = "127.1";
  ask.columns = 5432;
  ask.value = "127.0.0.1:40000";
  using access::Effect;
  CHECK(effect_of(Effect::allow, "protocol", "ssh", ask) == Effect::deny);
  CHECK(effect_of(Effect::allow, "verb", "forward", ask) == Effect::deny);
  CHECK(effect_of(Effect::allow, "destination", "127.0.0.1:5432", ask) == Effect::allow);
  CHECK(effect_of(Effect::allow, "destination", "127.0.0.1:*", ask) == Effect::allow);
  CHECK(effect_of(Effect::allow, "destination", "localhost:5432", ask) == Effect::deny);
  CHECK(effect_of(Effect::deny, "verb", "forward", ask) == Effect::deny);
  CHECK(effect_of(Effect::deny, "destination", "127.0.0.1:5432", ask) == Effect::deny);
  CHECK(effect_of(Effect::deny, "destination", "127.0.0.1:5433", ask) == Effect::allow);
  // A pattern of addresses is none of names.
  ask.text = "192.168.1.7";
  CHECK(effect_of(Effect::allow, "destination", "192.168.1.*:5432", ask) == Effect::allow);
  ask.text = "192.168.1.evil.example";
  CHECK(effect_of(Effect::allow, "destination", "192.168.1.*:5432", ask) == Effect::deny);
  CHECK(effect_of(Effect::allow, "destination", "*.evil.example:*", ask) == Effect::allow);
  CHECK(effect_of(Effect::allow, "destination", "*:*", ask) == Effect::allow);
  ask.text = "a b";
  CHECK(effect_of(Effect::allow, "destination", "*:*", ask) == Effect::deny);
  ask.act = RelayAct::listen;
  ask.text = "";
  ask.columns = 8080;
  CHECK(action_of(ask).attributes.at("destination") == "any:8080");
  CHECK(action_of(ask).verb == "listen");
  CHECK(effect_of(Effect::allow, "destination", "localhost:*", ask) == Effect::deny);
  for (const char* all : {"0.0.0.0", "::"}) {
    ask.text = all;
    CHECK(action_of(ask).attributes.at("destination") == "any:8080");
  }
}

}  // namespace hoop::ssh
