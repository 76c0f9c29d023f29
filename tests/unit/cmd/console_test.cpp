// SPDX-License-Identifier: Apache-2.0
#include "cmd/console.h"

#include <unistd.h>

#include "cmd/environment.h"
#include "core/crypto/digest.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace hoop;
using namespace hoop::cmd;

namespace {

/// A console whose two streams are read back.
struct Captured {
  int out[2], err[2];
  Console console{ConsoleSettings{}};

  explicit Captured(ConsoleSettings settings) {
    REQUIRE(::pipe(out) == 0);
    REQUIRE(::pipe(err) == 0);
    settings.out = out[1];
    settings.err = err[1];
    console.configure(settings);
  }
  ~Captured() {
    for (const int descriptor : {out[0], out[1], err[0], err[1]}) ::close(descriptor);
  }
  static std::string read(int descriptor) {
    char text[8192];
    if (::write(descriptor + 1, "\x04", 1) != 1) return {};  // the write end follows the read end
    const ssize_t count = ::read(descriptor, text, sizeof text);
    return {text, static_cast<std::size_t>(count - 1)};
  }
  std::string said() { return read(err[0]); }
  std::string printed() { return read(out[0]); }
};

}  // namespace

TEST_CASE("for people an error is one line, and its hint another") {
  Captured captured({});
  captured.console.error(Error{ErrorCode::config, "the file is off", "fix it", {}});
  CHECK(captured.said() == "hoopctl: the file is off\nhoopctl: hint: fix it\n");
  CHECK(captured.printed().empty());
}

TEST_CASE("for machines every message is one JSON object a line") {
  ConsoleSettings settings;
  settings.messages = Form::json;
  Captured captured(settings);
  captured.console.error(Error{ErrorCode::config, "a \"quoted\" thing", "fix it", "line\nbreak"},
                         {{"exit_status", std::int64_t{78}}});
  CHECK(captured.said() ==
        "{\"hoopctl\":1,\"status\":\"error\",\"code\":\"config\",\"exit_status\":78,\"remote\":"
        "\"line\\\\u000abreak\",\"message\":\"a \\\"quoted\\\" "
        "thing\",\"hint\":\"fix it\"}\n");
  captured.console.say(
      "status", "sentence",
      {{"absent", Value()}, {"list", std::vector<std::string>{"a", "b"}}, {"flag", true}});
  CHECK(captured.said() ==
        "{\"hoopctl\":1,\"status\":\"status\",\"list\":[\"a\",\"b\"],\"flag\":true,\"message\":"
        "\"sentence\"}\n");
}

TEST_CASE("what a remote says cannot steer the terminal") {
  Captured captured({});
  captured.console.error(Error{ErrorCode::upstream_refused,
                               "the gateway answered 500",
                               {},
                               "\033]0;owned\007\n\xe2\x80\xae"});
  const std::string said = captured.said();
  CHECK(said.find('\033') == std::string::npos);
  CHECK(said.find('\007') == std::string::npos);
  CHECK(said.find("\xe2\x80\xae") == std::string::npos);
  CHECK(std::count(said.begin(), said.end(), '\n') == 1);
  captured.console.print(Listing{{{"name", "NAME"}}, {{std::string("a\033[2Jb")}}, {}});
  CHECK(captured.printed().find('\033') == std::string::npos);
}

TEST_CASE("quiet leaves errors and what a command is of no use without") {
  ConsoleSettings settings;
  settings.verbosity = Verbosity::quiet;
  Captured captured(settings);
  captured.console.detail("a", "one");
  captured.console.say("b", "two");
  captured.console.warn("c", "three");
  captured.console.insist("d", "four");
  captured.console.error(Error{ErrorCode::io, "five", {}, {}});
  CHECK(captured.said() == "hoopctl: four\nhoopctl: five\n");
}

TEST_CASE("listings: a table for people, an object a line for machines") {
  const Listing listing{
      {{"name", "NAME"}, {"secret", ""}, {"rows", "ROWS"}},
      {{std::string("pg"), true, std::uint64_t{5}}, {std::string("longer"), false, Value()}},
      {}};
  Captured people({});
  people.console.print(listing);
  CHECK(people.printed() == "NAME    ROWS\npg      5\nlonger  -\n");
  ConsoleSettings settings;
  settings.listings = Form::json;
  Captured machines(settings);
  machines.console.print(listing);
  CHECK(machines.printed() ==
        "{\"name\":\"pg\",\"secret\":true,\"rows\":5}\n{\"name\":\"longer\",\"secret\":false,"
        "\"rows\":null}\n");
}

TEST_CASE("who is spoken to decides the form of messages") {
  const SystemClock clock;
  crypto::SystemRandom random;
  const test::TempDir home;
  const auto form = [&](std::map<std::string, std::string> variables, Terminals terminals,
                        std::string output) {
    variables["HOME"] = home.path();
    Environment environment(clock, random, std::move(variables), terminals);
    environment.options.output = std::move(output);
    REQUIRE(settle(environment));
    return environment.console.messages();
  };
  const Terminals person{true, true, true}, pipe{false, false, false};
  CHECK(form({}, person, "") == Form::text);
  CHECK(form({}, pipe, "") == Form::json);
  CHECK(form({{"CI", "true"}}, person, "") == Form::json);
  CHECK(form({{"CI", "false"}}, person, "") == Form::text);
  for (const char* agent : {"CLAUDECODE", "CODEX_SANDBOX", "CURSOR_AGENT", "GEMINI_CLI",
                            "VSCODE_AGENT", "AGENT", "AI_AGENT"}) {
    CHECK(form({{agent, "1"}}, person, "") == Form::json);
  }
  CHECK(form({}, person, "json") == Form::json);
  CHECK(form({}, pipe, "text") == Form::text);
  CHECK(form({{"HOOPCTL_OUTPUT", "text"}}, pipe, "") == Form::text);
}

TEST_CASE("an agent's claim is a plain name") {
  const SystemClock clock;
  crypto::SystemRandom random;
  const auto claim = [&](std::map<std::string, std::string> variables) {
    return Environment(clock, random, std::move(variables), {}).claimed_agent();
  };
  CHECK(claim({}).empty());
  CHECK(claim({{"CLAUDECODE", "1"}}) == "claude-code");
  CHECK(claim({{"AGENT", "goose"}}) == "goose");
  CHECK(claim({{"AGENT", "a b\n\"c\""}}) == "a-b--c-");
  CHECK(claim({{"HOOPCTL_AGENT", std::string(300, 'x')}}).size() == 64);
}
