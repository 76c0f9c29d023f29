// SPDX-License-Identifier: Apache-2.0
// A target that stops, or that only drips, at every step before the session begins.
#include <functional>

#include "core/net/stream.h"
#include "protocols/postgres/receive.h"
#include "protocols/postgres/scram.h"
#include "protocols/postgres/upstream_login.h"
#include "tests/support/catch.h"
#include "tests/support/run_task.h"

namespace hoop::postgres {
namespace {

using access::TlsMode;

/// The target's side of one connection, step by step.
class Target {
 public:
  explicit Target(net::Stream& stream) : stream_(stream) {}

  Task<void> send(ByteSpan bytes) { co_return co_await stream_.write_all(bytes); }
  /// What append writes.
  Task<void> say(std::function<void(Bytes&)> append) {
    Bytes out;
    append(out);
    co_return co_await stream_.write_all(out);
  }
  Task<void> startup() {
    Bytes head(4);
    std::size_t have = 0;
    while (have < head.size()) {
      HOOP_CO_TRY(const auto count,
                  co_await stream_.read_some(MutableByteSpan(head).subspan(have)));
      have += count;
    }
    Bytes rest(ByteReader(head).u32().value_or(4) - 4);
    have = 0;
    while (have < rest.size()) {
      HOOP_CO_TRY(const auto count,
                  co_await stream_.read_some(MutableByteSpan(rest).subspan(have)));
      have += count;
    }
    co_return Result<void>{};
  }
  /// SCRAM up to the program's proof, and with final: the server's own, and AuthenticationOk.
  Task<void> scram(bool final) {
    HOOP_CO_CHECK(co_await say([](Bytes& out) {
      append_authentication_sasl(out, std::vector<std::string_view>{kScramSha256});
    }));
    const auto verifier = make_scram_verifier(SecretText("session-secret"), Bytes(16), 1);
    ScramServer server(verifier, "nonce");
    HOOP_CO_TRY(const auto initial, co_await receive(stream_, reader_, Direction::from_frontend));
    const auto response = decode_sasl_initial_response(initial.body);
    const auto first = server.first(as_text(response->response.value()));
    HOOP_CO_CHECK(
        co_await say([&](Bytes& out) { append_authentication_sasl_continue(out, *first); }));
    HOOP_CO_TRY(const auto proof, co_await receive(stream_, reader_, Direction::from_frontend));
    if (!final) co_return Result<void>{};
    const auto last = server.finish(as_text(proof.body));
    HOOP_CO_CHECK(co_await say([&](Bytes& out) { append_authentication_sasl_final(out, *last); }));
    co_return co_await say(append_authentication_ok);
  }
  asio::awaitable<void> nothing_more() {
    Bytes ignored(4096);
    for (;;) {
      const auto count = co_await stream_.read_some(ignored);
      if (!count || *count == 0) co_return;
    }
  }

 private:
  net::Stream& stream_;
  FrameReader reader_{64U << 10};
};

using Script = std::function<Task<void>(Target&)>;

/// What login says to a target that does this and then nothing.
Result<Upstream> met(TlsMode tls, const Script& script) {
  asio::io_context context;
  crypto::SystemRandom random;
  auto [ours, theirs] = net::stream_pair(context.get_executor());
  Target target(*theirs);
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        const auto done = co_await script(target);
        if (done) co_await target.nothing_more();
      },
      [](const std::exception_ptr&) {});
  LoginParameters parameters;
  parameters.target.name = "pg";
  parameters.target.tls = tls;
  parameters.target.host = "localhost";
  parameters.user = "hoop_1";
  parameters.password = SecretText("session-secret");
  parameters.database = "demo";
  parameters.deadline = test::in(std::chrono::milliseconds(150));
  parameters.random = &random;
  const auto whole = [&]() -> Task<Upstream> {
    auto upstream = co_await login(std::move(ours), std::move(parameters));
    theirs->close();
    co_return upstream;
  };
  auto answer = test::run(context, whole());
  if (answer) answer->stream.reset();
  return answer;
}

Task<void> drip(Target& target, ByteSpan bytes) {
  for (;;) {
    for (const std::uint8_t byte : bytes) {
      HOOP_CO_CHECK(co_await target.send(ByteSpan(&byte, 1)));
      co_await test::pause(std::chrono::milliseconds(2));
    }
  }
}

Bytes notice() {
  Bytes out;
  append_notice_response(out, Report{Severity::notice, "00000", "still there", {}, {}});
  return out;
}

}  // namespace

TEST_CASE("a target that stops at any step of the login is given up at the deadline") {
  struct Case {
    const char* name;
    TlsMode tls;
    Script script;
  };
  const auto after_startup = [](auto then) -> Script {
    return [then](Target& target) -> Task<void> {
      HOOP_CO_CHECK(co_await target.startup());
      co_return co_await then(target);
    };
  };
  const Case cases[] = {
      {"it takes the connection and says nothing", TlsMode::verify_full,
       [](Target&) -> Task<void> { co_return Result<void>{}; }},
      {"it agrees to TLS and says nothing", TlsMode::verify_full,
       after_startup([](Target& target) { return target.send(as_bytes("S")); })},
      {"it begins a TLS record", TlsMode::verify_full,
       after_startup([](Target& target) { return target.send(as_bytes("S\x16\x03\x03\x02")); })},
      {"it does not answer the startup", TlsMode::disable,
       after_startup([](Target&) -> Task<void> { co_return Result<void>{}; })},
      {"half the head of a message", TlsMode::disable, after_startup([](Target& target) {
         return target.send(as_bytes(std::string_view("R\0\0", 3)));
       })},
      {"a head without its body", TlsMode::disable, after_startup([](Target& target) {
         return target.send(as_bytes(std::string_view("R\0\0\0\x17\0\0", 7)));
       })},
      {"it offers SCRAM and leaves it there", TlsMode::disable, after_startup([](Target& target) {
         return target.say([](Bytes& out) {
           append_authentication_sasl(out, std::vector<std::string_view>{kScramSha256});
         });
       })},
      {"it hears the proof and says nothing", TlsMode::disable,
       after_startup([](Target& target) { return target.scram(false); })},
      {"it lets in, and is never ready", TlsMode::disable,
       after_startup([](Target& target) { return target.scram(true); })},
      {"it drips notices", TlsMode::disable, after_startup([](Target& target) -> Task<void> {
         const Bytes bytes = notice();
         co_return co_await drip(target, bytes);
       })},
      {"it lets in and drips notices", TlsMode::disable,
       after_startup([](Target& target) -> Task<void> {
         HOOP_CO_CHECK(co_await target.scram(true));
         const Bytes bytes = notice();
         co_return co_await drip(target, bytes);
       })},
  };
  for (const Case& each : cases) {
    INFO(each.name);
    const auto begun = std::chrono::steady_clock::now();
    const auto upstream = met(each.tls, each.script);
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(10));
    REQUIRE_FALSE(upstream);
    INFO(upstream.error().message);
    CHECK(upstream.error().code == ErrorCode::timeout);
    CHECK(upstream.error().message.find("log in to target 'pg'") != std::string::npos);
  }
}

TEST_CASE("a target that is only slow is waited for") {
  const auto upstream = met(TlsMode::disable, [](Target& target) -> Task<void> {
    HOOP_CO_CHECK(co_await target.startup());
    co_await test::pause(std::chrono::milliseconds(30));
    HOOP_CO_CHECK(co_await target.scram(true));
    co_return co_await target.say([](Bytes& out) {
      append_parameter_status(out, "client_encoding", "UTF8");
      append_parameter_status(out, "standard_conforming_strings", "on");
      append_parameter_status(out, "integer_datetimes", "on");
      append_ready_for_query(out, TransactionStatus::idle);
    });
  });
  INFO((upstream ? std::string() : upstream.error().message));
  CHECK(upstream);
}

}  // namespace hoop::postgres
