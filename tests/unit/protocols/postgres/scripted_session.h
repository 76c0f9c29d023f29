// SPDX-License-Identifier: Apache-2.0
// A session whose target is a script, and the messages that such a script is made of.
#pragma once

#include "tests/unit/protocols/postgres/session_harness.h"

namespace hoop::test {

using namespace hoop::postgres;

inline Bytes described(std::initializer_list<FieldDescription> fields) {
  Bytes out;
  append_row_description(out, std::span(fields.begin(), fields.size()));
  return out;
}

inline FieldDescription text_column(std::string_view name) {
  FieldDescription field;
  field.name = name;
  field.type = 25;
  field.type_size = -1;
  return field;
}

inline void add_row(Bytes& out, std::initializer_list<std::string_view> texts) {
  std::vector<Value> list;
  for (const std::string_view text : texts) {
    list.emplace_back(as_bytes(text));
  }
  append_data_row(out, list);
}

inline Bytes rows_of(std::initializer_list<std::string_view> texts) {
  Bytes out;
  for (const std::string_view text : texts) {
    add_row(out, {text});
  }
  append_command_complete(out, "SELECT " + std::to_string(texts.size()));
  return out;
}

/// A connected session over a FakeServer; the greeting has been read when the body of the test
/// runs.
struct Scripted {
  explicit Scripted(access::PolicyDocument policy, FakeServer::Options options = {})
      : server(context, options),
        session(context, scripted_settings(std::move(policy)),
                std::make_unique<ScriptDialer>(context, server.script())) {}

  void run(const std::function<asio::awaitable<void>(Program&)>& body) {
    Program program(session.open());
    const auto all = [&]() -> asio::awaitable<bool> {
      greeting = co_await program.read();
      if (tags(greeting) == "E") FAIL(field(greeting[0], 'M'));
      co_await body(program);
      program.close();
      co_return true;
    };
    REQUIRE(test::run(context, all()));
  }

  asio::io_context context;
  FakeServer server;
  SessionUnderTest session;
  std::vector<Said> greeting;
};

inline Bytes extended(std::string_view sql, std::string_view steps) {
  Bytes out;
  for (const char step : steps) {
    if (step == 'P') append_parse(out, "", sql);
    if (step == 'B') append_bind(out, "", "", {}, {}, {});
    if (step == 'D') append_describe(out, Named::portal, "");
    if (step == 'E') append_execute(out, "");
    if (step == 'S') append_sync(out);
  }
  return out;
}

}  // namespace hoop::test
