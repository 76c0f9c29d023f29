// SPDX-License-Identifier: Apache-2.0
// tests/conformance/http/requests.txt, row by row, through a session in memory.
#include <nlohmann/json.hpp>

#include "core/access/policy_parser.h"
#include "tests/unit/protocols/http/conformance_table.h"
#include "tests/unit/protocols/http/http_world.h"

namespace hoop::http_target {
namespace {

constexpr std::string_view kCredential = "key-0123456789abcdef";

access::PolicyDocument conformance_policy() {
  std::ifstream file(HOOP_SOURCE_DIR "/tests/conformance/http/policy.toml");
  std::ostringstream text;
  text << file.rdbuf();
  auto parsed = access::parse_policy({{"policy.toml", text.str()}});
  if (!parsed) FAIL(parsed.error().message);
  return std::move(*parsed);
}

/// The target of a section, as the table's head says.
void set_up(HttpWorld& world, const std::string& section) {
  static const access::PolicyEngine policy(conformance_policy());
  world.made_target.name = section;
  if (section == "proof-base") world.made_target.base_path = "/api";
  SecretText key{std::string(kCredential)};
  world.credential = {};
  if (section == "proof-query") {
    world.credential.query.push_back({"api_key", std::move(key)});
  } else {
    world.credential.headers.push_back(
        {section == "proof-bearer" ? "Authorization" : "X-Api-Key", std::move(key)});
  }
  access::Identity anybody;
  anybody.subject = "ann";
  world.policy = policy.part_for(anybody, world.made_target);
  world.quiet = std::chrono::milliseconds(25);
}

std::string in_small_letters(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

/// Whether what the target has got is as one part of the row's last field says.
bool is_as(std::string_view part, const std::string& got, const std::string& body) {
  if (part.starts_with("body:")) return unescaped(part.substr(5)) == body;
  if (!part.starts_with('!')) return got.find(unescaped(part)) != std::string::npos;
  const std::string without = in_small_letters(unescaped(part.substr(1)));
  return in_small_letters(got).find(without) == std::string::npos;
}

/// A part that would hold whatever becomes of the request proves nothing.
bool says_something(std::string_view part, const std::string& request) {
  if (!part.starts_with('!')) return !part.empty();
  const std::string without = in_small_letters(unescaped(part.substr(1)));
  const bool is_framing = without == "content-length" || without == "transfer-encoding";
  return is_framing || in_small_letters(request).find(without) != std::string::npos;
}

/// What no request may have in it when it gets there, whatever row it is.
void check_head(const http::Request& got, const std::string& bytes) {
  CHECK(got.headers.only("host") == "billing.internal");
  CHECK(got.headers.only("x-hoopctl-session") == "s_http");
  const auto at = bytes.find(kCredential);
  CHECK(at != std::string::npos);
  CHECK(bytes.find(kCredential, at + 1) == std::string::npos);
  for (const http::Header& field : got.headers) {
    INFO(field.name);
    CHECK(field.name.find('_') == std::string::npos);
    for (const char* name : {"connection", "keep-alive", "te", "trailer", "upgrade", "expect"})
      CHECK_FALSE(http::equal_ignoring_case(field.name, name));
  }
  CHECK(got.headers.count("content-length") + got.headers.count("transfer-encoding") <= 1);
}

void check_passed(const HttpWorld& world, const ProgramGot& got, const TableRow& row) {
  REQUIRE(got.responses.size() == 1);
  CHECK(got.responses[0].status == 200);
  REQUIRE(world.target.requests.size() == 1);
  const std::string& bytes = world.target.got.at(0);
  check_head(world.target.requests[0], bytes);
  const auto parts = parted(row.fields[3], " & ");
  CHECK(bytes.starts_with(unescaped(parts.at(0))));
  for (const std::string& part : parts) {
    INFO(part);
    CHECK(says_something(part, unescaped(row.fields[1])));
    CHECK(is_as(part, bytes, world.target.requests[0].body));
  }
}

void check_refused(const HttpWorld& world, const ProgramGot& got, const std::string& verdict) {
  REQUIRE(got.responses.size() == 1);
  const std::string status = std::to_string(got.responses[0].status);
  const auto problem = nlohmann::json::parse(got.responses[0].body, nullptr, false);
  REQUIRE(problem.is_object());
  CHECK(status + " " + problem["code"].get<std::string>() == verdict);
  CHECK(problem["status"] == got.responses[0].status);
  CHECK(world.target.requests.empty());
}

TEST_CASE("each request of the table is passed on as it says, or refused") {
  const auto rows = read_table("requests.txt", 4);
  REQUIRE(rows.size() >= 150);
  for (const TableRow& row : rows) {
    DYNAMIC_SECTION(row.section << ", line " << row.line << ": " << row.fields[0]) {
      HttpWorld world;
      set_up(world, row.section);
      const std::string request = unescaped(row.fields[1]);
      const ProgramGot got = world.send({request}, {request.starts_with("HEAD") ? "HEAD" : "GET"});
      CHECK(got.bytes.find(kCredential) == std::string::npos);
      if (row.fields[2] == "pass") {
        check_passed(world, got, row);
      } else {
        check_refused(world, got, row.fields[2]);
        // But for a mask that is found in what streams: of that the target may have got a
        // beginning.
        if (row.section != "proof-masked") CHECK(world.target.dials == 0);
      }
    }
  }
}

}  // namespace
}  // namespace hoop::http_target
