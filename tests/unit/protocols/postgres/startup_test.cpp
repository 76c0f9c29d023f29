// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/startup.h"

#include "protocols/postgres/message_reader.h"
#include "protocols/postgres/sqlstate.h"
#include "tests/support/catch.h"

namespace hoop::postgres {
namespace {

Result<Startup> judge(const ParameterPairs& parameters, std::uint32_t version = kProtocol30) {
  Bytes packet;
  append_startup_message(packet, version, parameters);
  HOOP_TRY(const auto message, decode_startup_packet(ByteSpan(packet).subspan(4)));
  return judge_startup(std::get<StartupMessage>(message));
}

}  // namespace

TEST_CASE("startup of stock clients is taken and brought into one form") {
  struct Case {
    const char* name;
    ParameterPairs given;
    ParameterPairs kept;
  };
  const Case cases[] = {
      {"psql",
       {{"user", "hoop"},
        {"database", "demo"},
        {"application_name", "psql"},
        {"client_encoding", "UTF8"}},
       {{"user", "hoop"},
        {"database", "demo"},
        {"application_name", "psql"},
        {"client_encoding", "UTF8"}}},
      {"JDBC",
       {{"user", "hoop"},
        {"database", "demo"},
        {"client_encoding", "UTF8"},
        {"DateStyle", "ISO"},
        {"TimeZone", "UTC"},
        {"extra_float_digits", "2"}},
       {{"user", "hoop"},
        {"database", "demo"},
        {"client_encoding", "UTF8"},
        {"datestyle", "ISO"},
        {"timezone", "UTC"},
        {"extra_float_digits", "2"}}},
      {"asyncpg quotes the encoding",
       {{"client_encoding", "'utf-8'"}, {"user", "hoop"}},
       {{"user", "hoop"}, {"client_encoding", "UTF8"}}},
      {"other spellings",
       {{"user", "h"}, {"client_encoding", "unicode"}},
       {{"user", "h"}, {"client_encoding", "UTF8"}}},
      {"psql on a terminal in locale C",
       {{"user", "h"}, {"client_encoding", "SQL_ASCII"}},
       {{"user", "h"}, {"client_encoding", "UTF8"}}},
      {"PGOPTIONS",
       {{"user", "h"}, {"options", " -c statement_timeout=5s  --lock-timeout=1\\ s -cgeqo=off"}},
       {{"user", "h"}, {"statement_timeout", "5s"}, {"lock_timeout", "1 s"}, {"geqo", "off"}}},
      {"the last option counts",
       {{"user", "h"}, {"options", "-c geqo=on -c GEQO=off"}},
       {{"user", "h"}, {"geqo", "off"}}},
      {"a parameter wins over an option",
       {{"user", "h"}, {"options", "-c datestyle=german"}, {"DateStyle", "ISO"}},
       {{"user", "h"}, {"datestyle", "ISO"}}},
      {"empty options", {{"user", "h"}, {"options", ""}}, {{"user", "h"}}},
  };
  for (const Case& each : cases) {
    INFO(each.name);
    const auto startup = judge(each.given);
    REQUIRE(startup);
    CHECK(startup->parameters == each.kept);
    CHECK(startup->unknown_options.empty());
    CHECK_FALSE(startup->needs_negotiation);
  }
}

TEST_CASE("startup that would change what SQL means, or who runs it, is refused") {
  struct Case {
    const char* name;
    ParameterPairs given;
    ErrorCode code;
  };
  const Case cases[] = {
      {"no user", {{"database", "demo"}}, ErrorCode::malformed},
      {"USER is not user", {{"USER", "h"}}, ErrorCode::denied},
      {"twice", {{"user", "h"}, {"user", "g"}}, ErrorCode::malformed},
      {"twice in another case",
       {{"user", "h"}, {"geqo", "on"}, {"GEQO", "off"}},
       ErrorCode::malformed},
      {"replication", {{"user", "h"}, {"replication", "database"}}, ErrorCode::unsupported},
      {"replication false", {{"user", "h"}, {"replication", "false"}}, ErrorCode::unsupported},
      {"search_path", {{"user", "h"}, {"search_path", "evil"}}, ErrorCode::denied},
      {"role", {{"user", "h"}, {"role", "postgres"}}, ErrorCode::denied},
      {"session_authorization",
       {{"user", "h"}, {"session_authorization", "postgres"}},
       ErrorCode::denied},
      {"standard_conforming_strings",
       {{"user", "h"}, {"standard_conforming_strings", "off"}},
       ErrorCode::denied},
      {"LATIN1", {{"user", "h"}, {"client_encoding", "LATIN1"}}, ErrorCode::unsupported},
      {"UTF16", {{"user", "h"}, {"client_encoding", "UTF16"}}, ErrorCode::unsupported},
      {"role in options", {{"user", "h"}, {"options", "-c role=postgres"}}, ErrorCode::denied},
      {"role in options, long", {{"user", "h"}, {"options", "--role=postgres"}}, ErrorCode::denied},
      {"role in options, escaped",
       {{"user", "h"}, {"options", "-c \\r\\ole=postgres"}},
       ErrorCode::denied},
      {"session-authorization with a dash",
       {{"user", "h"}, {"options", "--session-authorization=x"}},
       ErrorCode::denied},
      {"encoding in options",
       {{"user", "h"}, {"options", "-c client_encoding=SJIS"}},
       ErrorCode::unsupported},
      {"another switch", {{"user", "h"}, {"options", "-d 5"}}, ErrorCode::denied},
      {"a lone -c", {{"user", "h"}, {"options", "-c"}}, ErrorCode::malformed},
      {"no value", {{"user", "h"}, {"options", "-c geqo"}}, ErrorCode::malformed},
      {"no name", {{"user", "h"}, {"options", "-c =on"}}, ErrorCode::malformed},
      {"not UTF-8", {{"user", "h\xff"}}, ErrorCode::malformed},
  };
  for (const Case& each : cases) {
    INFO(each.name);
    const auto startup = judge(each.given);
    REQUIRE_FALSE(startup);
    CHECK(startup.error().code == each.code);
  }
}

TEST_CASE("startup with a newer protocol or unknown protocol options is to be negotiated") {
  const auto newer = judge({{"user", "h"}}, kProtocol32);
  REQUIRE(newer);
  CHECK(newer->needs_negotiation);
  CHECK(newer->unknown_options.empty());
  const auto options = judge({{"user", "h"}, {"_pq_.compression", "zstd"}, {"_pq_.foo", ""}});
  REQUIRE(options);
  CHECK(options->needs_negotiation);
  CHECK(options->unknown_options == std::vector<std::string>{"_pq_.compression", "_pq_.foo"});
  CHECK(options->parameters == ParameterPairs{{"user", "h"}});
}

TEST_CASE("every error code has a SQLSTATE of its kind") {
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    const auto state = sqlstate(static_cast<ErrorCode>(code));
    INFO(to_string(static_cast<ErrorCode>(code)));
    CHECK(state.size() == 5);
    CHECK((state == "XX000") == (static_cast<ErrorCode>(code) == ErrorCode::internal));
  }
}

}  // namespace hoop::postgres
