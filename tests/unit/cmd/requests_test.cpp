// SPDX-License-Identifier: Apache-2.0
#include "cmd/requests.h"

#include <unistd.h>

#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::cmd;
using namespace std::chrono_literals;

namespace {

constexpr SystemTime kNow{std::chrono::sys_days(std::chrono::year(2026) / 11 / 20)};

RequestDocument pending() {
  RequestDocument out;
  out.approval = {
      "apr_cjsgj3svsplpf4eygjc5glm6qm", access::ApprovalState::pending, {}, {}, kNow + 59min};
  out.subject = "alice";
  out.claimed_agent = "claude-code";
  out.session = "s_aaaaaaaaaaaaaaaaaaaaaaaaaa";
  out.target = "pg-prod";
  out.protocol = "postgres";
  out.verb = "update public.orders";
  out.place = "app";
  out.text = "update orders\nset paid = true";
  out.exact = true;
  out.rule = "writes";
  out.reason = "ticket\n4711";
  out.requested_at = kNow - 90s;
  out.approvers = {"group:dba"};
  return out;
}

std::string printed(const RequestDocument& request, Form form = Form::text) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  ConsoleSettings settings;
  settings.out = ends[1];
  settings.listings = form;
  Console console(settings);
  print_request(console, request, kNow);
  ::close(ends[1]);
  std::string out(65536, ' ');
  const ssize_t count = ::read(ends[0], out.data(), out.size());
  ::close(ends[0]);
  REQUIRE(count >= 0);
  out.resize(static_cast<std::size_t>(count));
  return out;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what is decided is shown whole, and who claims what is said") {
  const std::string out = printed(pending());
  INFO(out);
  CHECK(has(out, "state:          pending, for 59m more\n"));
  CHECK(has(out, "agent:          claude-code (claimed)\n"));
  CHECK(has(out, "reason:         ticket\\u000a4711 (claimed by the requester)\n"));
  CHECK(out.ends_with("the text, 29 bytes in 2 lines:\n  | update orders\n  | set paid = true\n"));
  CHECK_FALSE(has(out, "warning"));
  RequestDocument large = pending();
  large.text = std::string(20'000, 'x') + "end";
  CHECK(printed(large).ends_with("xend\n"));
}

TEST_CASE("where it would be done is said") {
  RequestDocument request = pending();
  CHECK(has(printed(request), "target:         pg-prod (postgres)\ndatabase:       app\n"));
  CHECK(whereabouts(request) == "pg-prod (app)");
  request.place = "a\npp";
  CHECK(has(printed(request), "database:       a\\u000app\n"));
  request.place = "";
  CHECK(has(printed(request), "database:       none was named\n"));
  CHECK(whereabouts(request) == "pg-prod");
  request.protocol = "ssh";
  request.place = "deploy";
  CHECK(has(printed(request), "login:          deploy\n"));
  request.protocol = "http";
  request.place = "";
  CHECK(has(printed(request), "target:         pg-prod (http)\ndoes:"));
}

TEST_CASE("no letter of a text can hide another, or be taken for a line of ours") {
  RequestDocument request = pending();
  request.text = "select 1\x1b[2K\u202e\u200b\r\nhoopctl: approved";
  const std::string out = printed(request);
  INFO(out);
  CHECK(has(out, "warning: the text has letters that a terminal would hide or obey"));
  CHECK(out.ends_with("  | select 1\\u001b[2K\\u202e\\u200b\\u000d\n  | hoopctl: approved\n"));
  request = pending();
  request.exact = false;
  CHECK(has(printed(request), "warning: this is not all of it"));
}

TEST_CASE("machines get the members of the document") {
  const std::string out = printed(pending(), Form::json);
  CHECK(out.starts_with(R"({"id":"apr_cjsgj3svsplpf4eygjc5glm6qm","state":"pending",)"));
  CHECK(has(out, R"("text":"update orders\nset paid = true")"));
  CHECK(has(out, R"("place":"app")"));
  CHECK(has(out, R"("decided_by":null)"));
  CHECK(has(out, R"("approvers":["group:dba"])"));
}

TEST_CASE("a table has the first words of a text") {
  CHECK(first_line("\n\n  update orders\nset a = 1") == "update orders …");
  CHECK(first_line("uptime\n") == "uptime");
  CHECK(first_line(std::string(61, 'x')) == std::string(60, 'x') + " …");
  CHECK(first_line(" \n").empty());
  std::string letters;
  for (int i = 0; i < 61; ++i) letters += "é";
  CHECK(first_line(letters) == letters.substr(0, 120) + " …");
}

TEST_CASE("a span has one unit") {
  CHECK(short_span(-5s) == "0s");
  CHECK(short_span(59s + 900ms) == "59s");
  CHECK(short_span(59min) == "59m");
  CHECK(short_span(47h) == "47h");
  CHECK(short_span(49h) == "2d");
}
