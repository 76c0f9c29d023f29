// SPDX-License-Identifier: Apache-2.0
#include "cmd/resume.h"

#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::cmd;

namespace {

using Words = std::vector<std::string>;

RequestDocument request_for(std::string protocol, std::string verb, std::string text) {
  RequestDocument out;
  out.protocol = std::move(protocol);
  out.verb = std::move(verb);
  out.text = std::move(text);
  out.exact = true;
  return out;
}

}  // namespace

TEST_CASE("what was approved arrives byte for byte") {
  const std::string sql = "update t\nset a = 'it''s $x'  -- why\n";
  CHECK(*words_of_request(request_for("postgres", "update public.t", sql)) ==
        Words{"-X", "-v", "ON_ERROR_STOP=1", "-c", sql});
  for (const char* command : {"uptime", "-rf x", "--", "echo \"$HOME\"; a 'b  c'", "a\nb"}) {
    INFO(command);
    CHECK(*words_of_request(request_for("ssh", "exec", command)) == Words{"--", command});
  }
}

TEST_CASE("it runs where it was approved") {
  auto sql = request_for("postgres", "select", "select 1");
  for (const char* database : {"app", "-app", "two words", "postgres", "it's"}) {
    INFO(database);
    sql.place = database;
    CHECK(*words_of_request(sql) ==
          Words{"-d", database, "-X", "-v", "ON_ERROR_STOP=1", "-c", "select 1"});
  }
  auto command = request_for("ssh", "exec", "uptime");
  command.place = "deploy";
  CHECK(*words_of_request(command) == Words{"-l", "deploy", "--", "uptime"});
}

TEST_CASE("a request to a service is its program's to send again") {
  const auto words = words_of_request(request_for("http", "post", "POST /payments"));
  REQUIRE_FALSE(words);
  CHECK(words.error().code == ErrorCode::usage);
  CHECK_THAT(words.error().hint, Catch::Matchers::ContainsSubstring("takes up the approval"));
  CHECK_FALSE(words_of_request(request_for("kubernetes", "delete", "delete pods web-0 in shop")));
}

TEST_CASE("what another program would change on its way is not run from here") {
  const auto refused = [](const RequestDocument& request) {
    const auto words = words_of_request(request);
    return !words && words.error().code == ErrorCode::usage &&
           words.error().hint == "run your command again: it takes up the approval";
  };
  auto masked = request_for("postgres", "update", "update t set a = '[redacted]'");
  masked.exact = false;
  CHECK(refused(masked));
  CHECK(refused(request_for("postgres", "unknown", "\\! rm -rf /")));
  CHECK(refused(request_for("postgres", "update", "update t set a = $1")));
  CHECK(refused(request_for("postgres", "select", "")));
  CHECK(refused(request_for("postgres", "select", std::string("select 1\0;", 10))));
  CHECK(refused(request_for("postgres", "select", std::string(128U << 10, 'x'))));
  CHECK(refused(request_for("ssh", "shell", "shell")));
  CHECK(refused(request_for("ssh", "forward", "forward to db:5432")));
  // Another server, for psql.
  for (const std::string& place :
       {std::string("host=db.example"), std::string("postgres://db.example/app"),
        std::string("postgresql://db.example"), std::string("a\0b", 3)}) {
    INFO(place);
    auto elsewhere = request_for("postgres", "select", "select 1");
    elsewhere.place = place;
    CHECK(refused(elsewhere));
  }
  for (const char* place : {"-oProxyCommand=x", "a b", "%h", "a\nb"}) {
    INFO(place);
    auto elsewhere = request_for("ssh", "exec", "uptime");
    elsewhere.place = place;
    CHECK(refused(elsewhere));
  }
}
