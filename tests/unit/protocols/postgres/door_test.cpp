// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/door.h"

#include "protocols/postgres/message_writer.h"
#include "protocols/postgres/receive.h"
#include "tests/support/catch.h"

namespace hoop::postgres {
namespace {

using session::Opening;
using namespace std::string_view_literals;

constexpr const char* kPassword = "session-secret";

/// What the other end of the door saw and said.
struct Heard {
  std::string answers;  // to SSLRequest and GSSENCRequest
  std::string tags;     // of messages, in order; 'R' with its type's last digit
  std::vector<std::string> unknown_options;
  std::uint32_t negotiated = 0;
  std::string sqlstate;
  std::string hint;
  std::string rest;        // bytes that were no message
  std::string iterations;  // of SCRAM, as the door asks for them
};

using Client = std::function<asio::awaitable<void>(net::Stream&, Heard&)>;

struct Outcome {
  std::optional<Result<Opening>> opened;
  Heard heard;
};

Outcome meet(Client client, std::chrono::milliseconds patience = std::chrono::seconds(20),
             PostgresDoor::Behind behind = PostgresDoor::Behind::tcp) {
  asio::io_context context;
  crypto::SystemRandom random;
  const SystemClock clock;
  PostgresDoor door(SecretText(kPassword), random, behind);
  auto [ours, theirs] = net::stream_pair(context.get_executor());
  Outcome outcome;
  const auto rethrow = [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  };
  const auto serve = [&]() -> asio::awaitable<void> {
    outcome.opened = co_await door.open(*ours, Deadline::after(clock, patience));
    ours->close();
  };
  const auto visit = [&]() -> asio::awaitable<void> {
    theirs->set_deadline(Deadline::after(clock, std::chrono::seconds(20)));
    co_await client(*theirs, outcome.heard);
    theirs->close();
  };
  asio::co_spawn(context, serve(), rethrow);
  asio::co_spawn(context, visit(), rethrow);
  context.run();
  REQUIRE(outcome.opened.has_value());
  return outcome;
}

ErrorCode code_of(const Outcome& outcome) {
  REQUIRE_FALSE(outcome.opened->has_value());
  return outcome.opened->error().code;
}

asio::awaitable<void> hear_one_byte(net::Stream& stream, Heard& heard) {
  std::array<std::uint8_t, 1> byte{};
  const auto count = co_await stream.read_some(byte);
  if (count && *count == 1) heard.answers += static_cast<char>(byte[0]);
}

/// Reads and answers until the door is through or refuses, as libpq would.
asio::awaitable<void> log_in(net::Stream& stream, Heard& heard, std::string password) {
  FrameReader reader;
  std::optional<ScramClient> scram;
  for (;;) {
    const auto frame = co_await receive(stream, reader, Direction::from_backend);
    if (!frame) co_return;
    heard.tags += frame->tag;
    Bytes out;
    if (frame->tag == 'E') {
      const auto error = decode_error_response(frame->body);
      heard.sqlstate = find_field(error->fields, 'C');
      heard.hint = find_field(error->fields, 'H');
      CHECK(find_field(error->fields, 'S') == "FATAL");
      co_return;
    }
    if (frame->tag == 'v') {
      const auto negotiated = decode_negotiate_protocol_version(frame->body);
      heard.negotiated = negotiated->version;
      for (const std::string_view option : negotiated->unknown_options)
        heard.unknown_options.emplace_back(option);
      continue;
    }
    const auto request = decode_authentication(frame->body);
    REQUIRE(request);
    heard.tags += static_cast<char>('0' + frame->body.back() % 10);
    if (std::holds_alternative<AuthenticationOk>(*request)) co_return;
    if (const auto* offer = std::get_if<AuthenticationSASL>(&*request)) {
      std::vector<std::string_view> mechanisms;
      for (const std::string_view mechanism : offer->mechanisms) mechanisms.push_back(mechanism);
      auto started = ScramClient::start(mechanisms, SecretText(password), {{}, "clientnonce", {}});
      REQUIRE(started);
      scram = std::move(*started);
      append_sasl_initial_response(out, scram->mechanism(), scram->first_message());
    } else if (const auto* more = std::get_if<AuthenticationSASLContinue>(&*request)) {
      const std::string_view challenge = as_text(more->data);
      heard.iterations = challenge.substr(challenge.rfind(",i=") + 3);
      const auto answer = scram->answer(challenge);
      REQUIRE(answer);
      append_sasl_response(out, *answer);
    } else if (const auto* last = std::get_if<AuthenticationSASLFinal>(&*request)) {
      heard.tags.back() = '!';
      CHECK(scram->verify(as_text(last->data)));
      continue;
    }
    heard.tags.back() = scram && out[5] == 'S' ? 's' : 'c';
    static_cast<void>(co_await stream.write_all(out));
  }
}

Client starts_with(Bytes first, std::string password = kPassword) {
  return [first, password](net::Stream& stream, Heard& heard) -> asio::awaitable<void> {
    static_cast<void>(co_await stream.write_all(first));
    co_await log_in(stream, heard, password);
  };
}

Bytes startup(const ParameterPairs& parameters, std::uint32_t version = kProtocol30) {
  Bytes out;
  append_startup_message(out, version, parameters);
  return out;
}

Bytes gss_request() { return {0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30}; }

const ParameterPairs kUsual = {{"user", "hoop"}, {"database", "demo"}};

}  // namespace

TEST_CASE("door lets in who has the session's password, and says nothing after AuthenticationOk") {
  const Outcome outcome = meet(starts_with(
      startup({{"user", "anybody"}, {"database", "demo"}, {"options", "-c geqo=off"}})));
  REQUIRE(outcome.opened->has_value());
  const Opening& opening = **outcome.opened;
  CHECK(opening.kind == Opening::Kind::session);
  CHECK(opening.parameters ==
        ParameterPairs{{"user", "anybody"}, {"database", "demo"}, {"geqo", "off"}});
  CHECK(outcome.heard.tags == "RsRcR!R0");
}

TEST_CASE("door asks for 4096 iterations by TCP, where drivers refuse fewer, and few by a socket") {
  const auto asked = [](PostgresDoor::Behind behind) {
    const Outcome outcome = meet(starts_with(startup(kUsual)), std::chrono::seconds(20), behind);
    CHECK(outcome.opened->has_value());
    return outcome.heard.iterations;
  };
  CHECK(asked(PostgresDoor::Behind::tcp) == "4096");
  CHECK(asked(PostgresDoor::Behind::unix_socket) == "64");
}

TEST_CASE("door refuses another password with 28P01 and says where the right one is") {
  const Outcome outcome = meet(starts_with(startup(kUsual), "guess"));
  CHECK(code_of(outcome) == ErrorCode::unauthenticated);
  CHECK(outcome.heard.sqlstate == "28P01");
  CHECK(outcome.heard.hint.find("PGPASSFILE") != std::string::npos);
}

TEST_CASE("door answers N to SSLRequest and GSSENCRequest in any order, once each") {
  Bytes ssl;
  append_ssl_request(ssl);
  const auto asking = [&](std::vector<Bytes> requests) -> Client {
    return [requests](net::Stream& stream, Heard& heard) -> asio::awaitable<void> {
      for (const Bytes& request : requests) {
        static_cast<void>(co_await stream.write_all(request));
        co_await hear_one_byte(stream, heard);
      }
      const Bytes first = startup(kUsual);
      static_cast<void>(co_await stream.write_all(first));
      co_await log_in(stream, heard, kPassword);
    };
  };
  for (const auto& requests :
       {std::vector<Bytes>{ssl}, {gss_request()}, {ssl, gss_request()}, {gss_request(), ssl}}) {
    const Outcome outcome = meet(asking(requests));
    CHECK(outcome.opened->has_value());
    CHECK(outcome.heard.answers == std::string(requests.size(), 'N'));
  }
  const Outcome twice = meet(asking({ssl, ssl}));
  CHECK(code_of(twice) == ErrorCode::malformed);
  CHECK(twice.heard.answers == "NE");
}

TEST_CASE("door negotiates newer protocols down to 3.0") {
  const Outcome outcome =
      meet(starts_with(startup({{"user", "h"}, {"_pq_.foo", "1"}}, kProtocol32)));
  CHECK(outcome.opened->has_value());
  CHECK(outcome.heard.negotiated == kProtocol30);
  CHECK(outcome.heard.unknown_options == std::vector<std::string>{"_pq_.foo"});
  CHECK(outcome.heard.tags == "vRsRcR!R0");
}

TEST_CASE("door hands on a CancelRequest's key as it came") {
  const Bytes key = {0, 0, 0, 42, 1, 2, 3, 4, 5, 6};
  const Outcome outcome = meet([key](net::Stream& stream, Heard&) -> asio::awaitable<void> {
    Bytes out;
    append_cancel_request(out, key);
    static_cast<void>(co_await stream.write_all(out));
  });
  REQUIRE(outcome.opened->has_value());
  CHECK((*outcome.opened)->kind == Opening::Kind::cancel);
  CHECK((*outcome.opened)->cancel_key == key);
}

TEST_CASE("door refuses in the protocol's own words") {
  struct Case {
    const char* name;
    Bytes first;
    ErrorCode code;
    const char* sqlstate;
  };
  const Case cases[] = {
      {"replication", startup({{"user", "h"}, {"replication", "true"}}), ErrorCode::unsupported,
       "0A000"},
      {"a setting that is not on the list", startup({{"user", "h"}, {"role", "postgres"}}),
       ErrorCode::denied, "42501"},
      {"another encoding", startup({{"user", "h"}, {"client_encoding", "LATIN1"}}),
       ErrorCode::unsupported, "0A000"},
      {"protocol 2", {0, 0, 0, 8, 0, 2, 0, 0}, ErrorCode::unsupported, "0A000"},
      {"no user", startup({}), ErrorCode::malformed, "08P01"},
      {"HTTP", to_bytes("GET / HTTP/1.1\r\n\r\n"), ErrorCode::too_large, "54000"},
      {"too long", {0, 0, 0x27, 0x11}, ErrorCode::too_large, "54000"},
  };
  for (const Case& each : cases) {
    INFO(each.name);
    const Outcome outcome = meet(starts_with(each.first));
    CHECK(code_of(outcome) == each.code);
    CHECK(outcome.heard.sqlstate == each.sqlstate);
  }
}

TEST_CASE("door answers direct TLS with a TLS alert") {
  const Outcome outcome = meet([](net::Stream& stream, Heard& heard) -> asio::awaitable<void> {
    const Bytes hello = {0x16, 0x03, 0x01, 0x02, 0x00, 0x01};
    static_cast<void>(co_await stream.write_all(hello));
    Bytes alert(64);
    const auto count = co_await stream.read_some(alert);
    if (count) heard.rest = as_text(ByteSpan(alert).first(*count));
  });
  CHECK(code_of(outcome) == ErrorCode::unsupported);
  CHECK(outcome.heard.rest == "\x15\x03\x01\0\2\2\x28"sv);
}

TEST_CASE("door holds a program that says nothing, or half of it, to the deadline") {
  const auto silent_after = [](Bytes first) -> Client {
    return [first](net::Stream& stream, Heard& heard) -> asio::awaitable<void> {
      if (!first.empty()) static_cast<void>(co_await stream.write_all(first));
      std::array<std::uint8_t, 256> ignored{};
      for (;;) {
        const auto count = co_await stream.read_some(ignored);
        if (!count || *count == 0) co_return;
        heard.rest += as_text(ByteSpan(ignored).first(*count));
      }
    };
  };
  const Bytes whole = startup(kUsual);
  for (const Bytes& first : {Bytes(), Bytes(whole.begin(), whole.begin() + 9), whole}) {
    const Outcome outcome = meet(silent_after(first), std::chrono::milliseconds(30));
    CHECK(code_of(outcome) == ErrorCode::timeout);
  }
}

TEST_CASE("door fails with io when the program goes away") {
  for (const Bytes& first : {Bytes(), startup(kUsual)}) {
    const Outcome outcome = meet([first](net::Stream& stream, Heard&) -> asio::awaitable<void> {
      if (!first.empty()) static_cast<void>(co_await stream.write_all(first));
      static_cast<void>(co_await stream.shutdown_write());
      std::array<std::uint8_t, 256> ignored{};
      while ((co_await stream.read_some(ignored)).value_or(0) != 0) {
      }
    });
    CHECK(code_of(outcome) == ErrorCode::io);
  }
}

TEST_CASE("door refuses what is not the next step of the password exchange") {
  struct Case {
    const char* name;
    Bytes message;
    ErrorCode code;
  };
  const auto message = [](auto append) {
    Bytes out;
    append(out);
    return out;
  };
  const Case cases[] = {
      {"a query", message([](Bytes& o) { append_query(o, "select 1"); }), ErrorCode::malformed},
      {"a clear-text password", message([](Bytes& o) { append_password_message(o, kPassword); }),
       ErrorCode::malformed},
      {"another mechanism",
       message([](Bytes& o) { append_sasl_initial_response(o, kScramSha256Plus, "p=x"); }),
       ErrorCode::unsupported},
      {"binding", message([](Bytes& o) {
         append_sasl_initial_response(o, kScramSha256, "p=tls-unique,,n=,r=a");
       }),
       ErrorCode::unsupported},
      {"a response above the cap", Bytes{'p', 0, 0, 0x20, 0}, ErrorCode::too_large},
      {"an unknown tag", Bytes{'!', 0, 0, 0, 4}, ErrorCode::malformed},
  };
  for (const Case& each : cases) {
    INFO(each.name);
    const Outcome outcome = meet([&](net::Stream& stream, Heard& heard) -> asio::awaitable<void> {
      Bytes out = startup(kUsual);
      out.insert(out.end(), each.message.begin(), each.message.end());
      static_cast<void>(co_await stream.write_all(out));
      FrameReader reader;
      for (;;) {
        const auto frame = co_await receive(stream, reader, Direction::from_backend);
        if (!frame) co_return;
        heard.tags += frame->tag;
      }
    });
    CHECK(code_of(outcome) == each.code);
    CHECK(outcome.heard.tags == "RE");
  }
}

}  // namespace hoop::postgres
