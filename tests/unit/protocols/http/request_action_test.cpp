// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/request_action.h"

#include "core/mask/masker.h"
#include "tests/support/catch.h"

namespace hoop::http_target {
namespace {

constexpr const char* kCard = "4111 1111 1111 1111";

/// A request, and what masks there are.
struct ActionWorld {
  http::Request head;
  http::Headers forwarded{{"Accept", "*/*"}};
  std::string body;
  std::optional<BodyFacts> facts;
  bool is_body_whole = true;
  bool is_shown = false;
  std::vector<access::Mask> masks;

  explicit ActionWorld(std::string method, std::string target) {
    head.method = std::move(method);
    head.target = std::move(target);
  }
  void hide_cards() {
    access::Mask mask;
    mask.name = "cards";
    mask.detectors = {"payment_card"};
    masks.push_back(mask);
  }
  access::Action action() const {
    auto masker = mask::Masker::create(masks, SecretBytes(Bytes(32, 1)));
    auto fields = mask::FieldMasks::create(masks);
    const auto target = read_request_target(head.target);
    REQUIRE(masker);
    REQUIRE(fields);
    REQUIRE(target);
    auto made = action_of({head, forwarded, *target, as_bytes(body), is_body_whole,
                           facts ? &*facts : nullptr, is_shown},
                          *masker, *fields);
    if (!made) FAIL(made.error().message);
    return std::move(*made);
  }
};

std::string resources_of(const access::Action& action) {
  std::string out;
  for (const access::Resource& one : action.resources)
    out += one.kind + " " + one.name + (one.access == access::Access::read ? " r" : " w") + "\n";
  return out;
}

TEST_CASE("a method is a verb of its own, or unknown") {
  for (const auto& [method, verb] : std::map<std::string, std::string>{{"GET", "get"},
                                                                       {"HEAD", "head"},
                                                                       {"OPTIONS", "options"},
                                                                       {"POST", "post"},
                                                                       {"PUT", "put"},
                                                                       {"PATCH", "patch"},
                                                                       {"DELETE", "delete"},
                                                                       {"PROPFIND", "unknown"},
                                                                       {"GET2", "unknown"},
                                                                       {"get", "unknown"},
                                                                       {"", "unknown"}}) {
    INFO(method);
    CHECK(verb_of(method) == verb);
  }
  CHECK(is_safe("OPTIONS"));
  CHECK_FALSE(is_safe("PROPFIND"));
  CHECK(is_idempotent("DELETE"));
  CHECK_FALSE(is_idempotent("PATCH"));
}

TEST_CASE("an action names the path, each parameter and each value of the body") {
  ActionWorld world("POST", "/%61/b/?x=1&y=%41+b");
  world.body = R"({"a":{"b":2}})";
  world.facts = *read_request_body("", world.body);
  const access::Action action = world.action();
  CHECK(action.protocol == "http");
  CHECK(action.verb == "post");
  CHECK(action.attributes.at("method") == "POST");
  CHECK(action.attributes.at("body") == "json");
  CHECK(resources_of(action) == "path /a/b w\nquery x=1 w\nquery y=A b w\njson a.b=2 w\n");
  CHECK(action.text == "POST /a/b/?x=1&y=%41+b");
}

TEST_CASE("a request without parameters has the one that says so") {
  CHECK(resources_of(ActionWorld("GET", "/").action()) == "path / r\nquery absent r\n");
  CHECK_FALSE(ActionWorld("GET", "/").action().attributes.contains("body"));
}

TEST_CASE("the digest is over what is forwarded, to the byte") {
  const ActionWorld one("POST", "/a?b=1");
  ActionWorld other = one;
  CHECK(one.action().digest == other.action().digest);
  other.head.headers.add("Connection", "close");  // not forwarded
  CHECK(one.action().digest == other.action().digest);
  other.body = "x";
  CHECK(one.action().digest != other.action().digest);
  other = one;
  other.head.target = "/a?b=2";
  CHECK(one.action().digest != other.action().digest);
  other = one;
  other.head.method = "PUT";
  CHECK(one.action().digest != other.action().digest);
  other = one;
  other.forwarded.add("X", "1");
  CHECK(one.action().digest != other.action().digest);
}

TEST_CASE("what detectors find in a URL stands in no text, however it is encoded") {
  for (const char* target :
       {"/cards/4111111111111111", "/?card=4111111111111111", "/?card=4111%201111%201111%201111",
        "/?card=4111+1111+1111+1111", "/?card=%34111111111111111",
        "/cards/4111%201111%201111%201111", "/?4111+1111+1111+1111=card"}) {
    INFO(target);
    ActionWorld world("GET", target);
    world.hide_cards();
    world.is_shown = true;
    const access::Action action = world.action();
    for (const std::string& text : {action.text, action.recorded, action.shown}) {
      INFO(text);
      CHECK(text.find("1111 1111") == std::string::npos);
      CHECK(text.find("1111111") == std::string::npos);
      CHECK(text.find("1111%20") == std::string::npos);
      CHECK(text.find("1111+") == std::string::npos);
      CHECK(text.find("[redacted]") != std::string::npos);
    }
  }
}

TEST_CASE("a URL in which nothing is hidden is told as it was sent") {
  ActionWorld world("GET", "/a%20b?q=%41+b");
  world.hide_cards();
  CHECK(world.action().text == "GET /a%20b?q=%41+b");
}

TEST_CASE("of a body the log has names and no values") {
  ActionWorld world("POST", "/a");
  world.body = R"({"password":"hunter2","note":"a=b"})";
  world.facts = *read_request_body("", world.body);
  const std::string recorded = world.action().recorded;
  CHECK(recorded.find("password") != std::string::npos);
  CHECK(recorded.find("hunter2") == std::string::npos);
  CHECK(recorded.find("a=b") == std::string::npos);
}

TEST_CASE("the log does not grow with what a program makes up") {
  ActionWorld world("GET", "/" + std::string(5000, 'a') + "?" + std::string(2000, 'q'));
  world.facts = BodyFacts{BodyKind::json, {}};
  for (int i = 0; i < 1000; ++i) world.facts->fields.push_back(std::string(300, 'k') + "=1");
  const access::Action action = world.action();
  CHECK(action.resources.size() == 1002);  // all of them are judged
  CHECK(action.text.size() < 2100);
  CHECK(action.recorded.size() < 64 * 400);
}

TEST_CASE("who approves a request sees its head and its body without what is hidden") {
  ActionWorld world("POST", "/refunds?x=1");
  world.hide_cards();
  world.is_shown = true;
  world.body = R"({"card":"4111 1111 1111 1111","n":1})";
  world.facts = *read_request_body("", world.body);
  const access::Action action = world.action();
  CHECK(action.shown.starts_with("POST /refunds?x=1\nAccept: */*\n\n{"));
  CHECK(action.shown.find(kCard) == std::string::npos);
  CHECK(action.shown.find(R"("n":1)") != std::string::npos);
  CHECK_FALSE(action.is_cut);
}

TEST_CASE("what an approver could not read whole is cut, and nobody can approve it") {
  ActionWorld world("POST", "/a");
  world.is_shown = true;
  world.body = std::string(65'000, 'a');
  CHECK_FALSE(world.action().is_cut);
  world.body = std::string(66'000, 'a');
  CHECK(world.action().is_cut);
  world.body = "a\xff";
  CHECK(world.action().is_cut);
  world.body = std::string("a\0b", 3);
  CHECK(world.action().is_cut);
  world.body = "a";
  world.is_body_whole = false;
  CHECK(world.action().is_cut);
}

TEST_CASE("a method of nobody passes only by a rule that names what is unknown") {
  access::PolicyDocument policy;
  access::Rule rule;
  rule.name = "dav";
  rule.effect = access::Effect::allow;
  rule.when = {{"protocol", {"http"}}, {"verb", {"*"}}, {"path", {"/dav/**"}}};
  policy.rules = {rule};
  access::Target target;
  target.name = "files";
  target.protocol = "http";
  const auto effect = [&](const char* method) {
    const access::PolicyEngine engine(policy);
    return engine.decide({}, target, ActionWorld(method, "/dav/a").action(), {}).effect;
  };
  CHECK(effect("GET") == access::Effect::allow);
  CHECK(effect("PROPFIND") == access::Effect::deny);
  policy.rules[0].when["verb"] = {"unknown"};
  policy.rules[0].when["method"] = {"PROPFIND"};
  CHECK(effect("PROPFIND") == access::Effect::allow);
  CHECK(effect("PROPPATCH") == access::Effect::deny);
  CHECK(effect("GET") == access::Effect::deny);
}

// Services in Go and ASP.NET read {"Role":"admin"} as role, and Express takes /Admin for /admin.
TEST_CASE("a deny is met whatever letters are capitals, as many services read them") {
  access::PolicyDocument policy;
  access::Rule deny;
  deny.name = "no-admin";
  deny.effect = access::Effect::deny;
  access::Rule allow;
  allow.name = "all";
  allow.effect = access::Effect::allow;
  allow.when = {{"protocol", {"http"}}, {"verb", {"*"}}};
  access::Target target;
  target.name = "billing";
  target.protocol = "http";
  const auto is_denied = [&](std::map<std::string, std::vector<std::string>> when, const char* path,
                             std::string body) {
    deny.when = std::move(when);
    policy.rules = {deny, allow};
    ActionWorld world("POST", path);
    world.body = std::move(body);
    world.facts = *read_request_body("", world.body);
    const access::PolicyEngine engine(policy);
    return engine.decide({}, target, world.action(), {}).effect == access::Effect::deny;
  };
  REQUIRE(is_denied({{"path", {"/admin/**"}}}, "/admin/a", ""));
  REQUIRE(is_denied({{"json", {"role=admin"}}}, "/a", R"({"role":"admin"})"));
  CHECK(is_denied({{"path", {"/admin/**"}}}, "/Admin/a", ""));
  CHECK(is_denied({{"json", {"role=admin"}}}, "/a", R"({"Role":"admin"})"));
  CHECK(is_denied({{"json", {"amount > 5"}}}, "/a", R"({"AMOUNT":6})"));
  CHECK(is_denied({{"query", {"export=*"}}}, "/a?Export=csv", ""));
}

TEST_CASE("rules say what must be read before they can be asked") {
  access::PolicyDocument policy;
  CHECK_FALSE(what_rules_ask(policy).body);
  access::Rule rule;
  rule.when = {{"path", {"/a"}}};
  policy.rules = {rule};
  CHECK_FALSE(what_rules_ask(policy).body);
  policy.rules[0].when = {{"json", {"a=1"}}};
  CHECK(what_rules_ask(policy).body);
  policy.rules[0].when = {{"body", {"none"}}};
  CHECK(what_rules_ask(policy).body);
  CHECK_FALSE(what_rules_ask(policy).approvals);
  policy.rules[0].effect = access::Effect::require_approval;
  CHECK(what_rules_ask(policy).approvals);
}

}  // namespace
}  // namespace hoop::http_target
