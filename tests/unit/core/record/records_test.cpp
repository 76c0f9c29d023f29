// SPDX-License-Identifier: Apache-2.0
#include "core/record/records.h"

#include "tests/support/catch.h"

using namespace hoop;

TEST_CASE("an action's record is the same whether its own part was made before or not") {
  access::Action action;
  action.protocol = "postgres";
  action.verb = "select";
  action.resources = {{"table", "public.\"odd\"\n", access::Access::read},
                      {"function", "pg_catalog.lower", access::Access::write}};
  action.attributes = {{"limit", "5"}, {"where", "present"}};
  action.text = "select \"a\\b\"\tfrom t -- \x01 ü \xff";
  access::Decision decision{access::Effect::deny, "r", "no", ""};
  record::ActionRecord entry{7, 2, SystemTime(std::chrono::milliseconds(1'795'000'000'123)),
                             &action, &decision};
  const std::string made_now = record::to_json(entry);
  action.recorded = record::action_members(action);
  CHECK(record::to_json(entry) == made_now);
  CHECK(made_now ==
        R"({"id":7,"connection":2,"at":"2026-11-18T11:06:40.123Z","verb":"select",)"
        R"("resources":[{"kind":"table","name":"public.\"odd\"\n","access":"read"},)"
        R"({"kind":"function","name":"pg_catalog.lower","access":"write"}],)"
        R"("attributes":{"limit":"5","where":"present"},)"
        "\"text\":\"select \\\"a\\\\b\\\"\\tfrom t -- \\u0001 ü \xef\xbf\xbd\","
        R"("digest":"0000000000000000000000000000000000000000000000000000000000000000",)"
        R"("effect":"deny","rule":"r","message":"no"})");
}
