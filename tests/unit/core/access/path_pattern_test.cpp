// SPDX-License-Identifier: Apache-2.0
#include "core/access/path_pattern.h"

#include "core/access/policy.h"
#include "tests/support/catch.h"

namespace hoop::access {
namespace {

/// What a policy of one rule, and one that allows the rest, says of an action.
Effect effect_of(Effect effect, std::vector<std::string> patterns, const Action& action) {
  PolicyDocument document;
  Role role;
  role.name = "r";
  role.members = {"*"};
  role.targets = {"*"};
  document.roles = {role};
  Rule rule;
  rule.name = "paths";
  rule.when["path"] = std::move(patterns);
  rule.effect = effect;
  document.rules = {rule};
  if (effect != Effect::allow) {
    Rule rest;
    rest.name = "rest";
    rest.effect = Effect::allow;
    document.rules.push_back(rest);
  }
  Target target;
  target.name = "web";
  return PolicyEngine(document).decide({}, target, action, {}).effect;
}

Action action_on(std::vector<std::string> paths) {
  Action out;
  out.protocol = "ssh";
  out.verb = "rename";
  for (std::string& path : paths) out.resources.push_back({"path", std::move(path), Access::write});
  return out;
}

}  // namespace

TEST_CASE("path patterns: a star stays in its folder, two do not") {
  struct Case {
    std::string pattern, path;
    bool fits;
  };
  for (const Case& one : std::vector<Case>{{"/var/log/*", "/var/log/a", true},
                                           {"/var/log/*", "/var/log/a/b", false},
                                           {"/var/log/*", "/var/log", false},
                                           {"/var/log/**", "/var/log/a/b", true},
                                           {"/var/log/**", "/var/log", false},
                                           {"/var/log/**", "/var/logs/a", false},
                                           {"/var/log", "/var/log", true},
                                           {"/var/*/app", "/var/x/app", true},
                                           {"/var/*/app", "/var/x/y/app", false},
                                           {"/var/**/app", "/var/x/y/app", true},
                                           {"/var/**/app", "/var/app", false},
                                           {"**/.ssh/**", "/home/a/.ssh/id", true},
                                           {"**/.ssh/**", "/.ssh/id", true},
                                           {"**/.ssh/**", "/home/a.ssh/id", false},
                                           {"**", "/", true},
                                           {"/", "/", true},
                                           {"/a*", "/abc", true},
                                           {"/a*c", "/ac", true},
                                           {"/A", "/a", false},
                                           {"/a?", "/ab", false},
                                           {"/[a]", "/[a]", true}}) {
    CAPTURE(one.pattern, one.path);
    CHECK(path_matches(one.pattern, one.path) == one.fits);
  }
}

TEST_CASE("path patterns: none makes them slow") {
  std::string pattern, path;
  for (int i = 0; i < 200; ++i) pattern += "**/a*";
  for (int i = 0; i < 1000; ++i) path += "/aaa";
  CHECK_FALSE(path_matches(pattern + "/x", path));
}

TEST_CASE("path patterns: an allow covers every path of an action, a deny need meet one") {
  const Action both = action_on({"/up/a", "/etc/a"}), inside = action_on({"/up/a", "/up/b"});
  CHECK(effect_of(Effect::allow, {"/up/**"}, both) == Effect::deny);
  CHECK(effect_of(Effect::allow, {"/up/**"}, inside) == Effect::allow);
  CHECK(effect_of(Effect::allow, {"/up/**", "/etc/*"}, both) == Effect::allow);
  CHECK(effect_of(Effect::deny, {"/etc/**"}, both) == Effect::deny);
  CHECK(effect_of(Effect::deny, {"/etc/**"}, inside) == Effect::allow);
  // A rule of paths says nothing of what has none.
  CHECK(effect_of(Effect::allow, {"**"}, action_on({})) == Effect::deny);
  CHECK(effect_of(Effect::deny, {"**"}, action_on({})) == Effect::allow);
}

TEST_CASE("path patterns: a folder is not renamed past a deny of what is in it") {
  for (const char* folder : {"/home/u/.ssh", "/srv/www/priv", "/srv/www", "/srv"}) {
    CAPTURE(folder);
    CHECK(effect_of(Effect::deny, {"**/.ssh/**", "/srv/www/priv/**"},
                    action_on({folder, "/tmp/x"})) == Effect::deny);
    CHECK(effect_of(Effect::deny, {"**/.ssh/**", "/srv/www/priv/**"},
                    action_on({"/tmp/x", folder})) == Effect::deny);
    // It says nothing of what an allow covers.
    CHECK(effect_of(Effect::allow, {"**/.ssh/**", "/srv/www/priv/**"}, action_on({folder})) ==
          Effect::deny);
  }
  for (const char* other : {"/home/u/.sshx", "/srv/www/public", "/home"})
    CHECK(effect_of(Effect::deny, {"**/.ssh/**", "/srv/www/priv/**"},
                    action_on({other, "/tmp/x"})) == Effect::allow);
}

TEST_CASE("paths: without what has two names") {
  CHECK(lexical_path("/home/a", "b") == "/home/a/b");
  CHECK(lexical_path("/home/a", "/b") == "/b");
  CHECK(lexical_path("/home/a", "../../../b") == "/b");
  CHECK(lexical_path("/home/a", "") == "/home/a");
  CHECK(lexical_path({}, "/a//b/./c/../d/") == "/a/b/d");
  CHECK(lexical_path({}, "") == "/");
}

}  // namespace hoop::access
