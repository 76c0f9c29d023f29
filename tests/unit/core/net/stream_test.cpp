// SPDX-License-Identifier: Apache-2.0
#include "core/net/stream.h"

#include <asio/experimental/awaitable_operators.hpp>
#include <asio/local/connect_pair.hpp>

#include "tests/support/catch.h"
#include "tests/support/run_task.h"
#include "tests/support/stream_fixture.h"

using namespace hoop;
using namespace hoop::net;
using namespace hoop::test;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;

namespace {

using Pair = std::pair<StreamPtr, StreamPtr>;

Pair tcp_pair(asio::io_context& context) {
  asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  asio::ip::tcp::socket client(context);
  client.connect(acceptor.local_endpoint());
  return {make_tcp_stream(std::move(client)), make_tcp_stream(acceptor.accept())};
}

Pair unix_pair(asio::io_context& context) {
  asio::local::stream_protocol::socket a(context);
  asio::local::stream_protocol::socket b(context);
  asio::local::connect_pair(a, b);
  return {make_unix_stream(std::move(a)), make_unix_stream(std::move(b))};
}

Pair make_pair(asio::io_context& context, const std::string& kind) {
  if (kind == "tcp") return tcp_pair(context);
  if (kind == "unix") return unix_pair(context);
  return stream_pair(context.get_executor());
}

}  // namespace

TEST_CASE("a stream carries 1 MiB both ways at once and half-closes") {
  const auto kind = GENERATE(as<std::string>{}, "tcp", "unix", "memory");
  CAPTURE(kind);
  asio::io_context context;
  auto [a, b] = make_pair(context, kind);
  const auto to_b = pattern(1 << 20, 1);
  const auto to_a = pattern(1 << 20, 99);
  const auto work = [&]() -> asio::awaitable<bool> {
    auto [wrote_a, wrote_b, at_a, at_b] = co_await (
        write_and_end(*a, to_b) && write_and_end(*b, to_a) && read_to_end(*a) && read_to_end(*b));
    co_return wrote_a&& wrote_b&& at_a == to_a&& at_b == to_b;
  };
  CHECK(test::run(context, work()));
}

TEST_CASE("what a socket takes at once needs no waiting; what it does not take follows in order") {
  const auto kind = GENERATE(as<std::string>{}, "tcp", "unix");
  CAPTURE(kind);
  asio::io_context context;
  auto [a, b] = make_pair(context, kind);
  const auto bytes = pattern(16 << 20, 1);
  PartCounts counts;
  const auto work = [&]() -> asio::awaitable<bool> {
    auto [wrote, read] = co_await (write_in_parts(*a, bytes, 200'000, counts) && read_to_end(*b));
    co_return wrote&& read == bytes;
  };
  CHECK(test::run(context, work()));
  CHECK(counts.at_once > 0);
  CHECK(counts.waited > 0);
  a->close();
  auto late = a->start_write(bytes);
  REQUIRE(late.ready());
  CHECK(late.take().error().code == ErrorCode::cancelled);
}

TEST_CASE("after the peer's half-close reading answers 0 and writing goes on") {
  const auto kind = GENERATE(as<std::string>{}, "tcp", "unix", "memory");
  CAPTURE(kind);
  asio::io_context context;
  auto [a, b] = make_pair(context, kind);
  const auto work = [&]() -> asio::awaitable<bool> {
    Bytes buffer(64);
    if (!co_await a->shutdown_write()) co_return false;
    const auto end = co_await b->read_some(buffer);
    if (!end || *end != 0) co_return false;
    if (!co_await b->write_all(as_bytes("late"))) co_return false;
    const auto got = co_await a->read_some(buffer);
    co_return got&& as_text(ByteSpan(buffer).first(*got)) == "late";
  };
  CHECK(test::run(context, work()));
}

TEST_CASE("a stream goes on where it is moved to, with what is unread and with new deadlines") {
  const auto kind = GENERATE(as<std::string>{}, "tcp", "unix");
  CAPTURE(kind);
  asio::io_context first, second;
  auto [a, b] = make_pair(first, kind);
  const auto before = [&]() -> asio::awaitable<bool> {
    Bytes buffer(2);
    b->set_deadline(in(10s));
    const auto wrote = co_await a->write_all(as_bytes("abcd"));
    const auto got = co_await b->read_some(buffer);
    b->set_deadline(Deadline::never());
    co_return wrote&& got&& as_text(ByteSpan(buffer).first(*got)) == "ab";
  };
  REQUIRE(test::run(first, before()));
  const std::string peer = b->peer_name();
  auto moved = b->move_to(second.get_executor());
  REQUIRE(moved);
  Stream& there = **moved;
  CHECK(there.executor() == second.get_executor());
  CHECK(there.peer_name() == peer);
  // The old end is spent, and takes nothing with it.
  CHECK(b->move_to(second.get_executor()).error().code == ErrorCode::cancelled);
  b.reset();
  REQUIRE(test::run(first, write_and_end(*a, pattern(1 << 16, 3))));
  const auto after = [&]() -> asio::awaitable<bool> {
    const auto rest = co_await read_to_end(there);
    auto whole = pattern(1 << 16, 3);
    whole.insert(whole.begin(), {'c', 'd'});
    co_return rest && *rest == whole;
  };
  CHECK(test::run(second, after()));
  CHECK(test::run(second, there.write_all(as_bytes("late"))));
  const auto late = [&]() -> asio::awaitable<ErrorCode> {
    Bytes buffer(8);
    const auto got = co_await a->read_some(buffer);
    a->set_deadline(in(20ms));
    const auto none = co_await a->read_some(buffer);
    co_return got&& as_text(ByteSpan(buffer).first(*got)) == "late" ? none.error().code
                                                                    : ErrorCode::internal;
  };
  CHECK(test::run(first, late()) == ErrorCode::timeout);
  there.close();
  CHECK(there.move_to(first.get_executor()).error().code == ErrorCode::cancelled);
}

TEST_CASE("a stream without a socket stays where it is, and says so") {
  asio::io_context first, second;
  auto [a, b] = stream_pair(first.get_executor());
  CHECK(a->move_to(second.get_executor()).error().code == ErrorCode::unsupported);
  REQUIRE(test::run(first, b->write_all(as_bytes("x"))));
}

TEST_CASE("a deadline ends a pending read and a later one with timeout, and can be lifted") {
  const auto kind = GENERATE(as<std::string>{}, "tcp", "unix", "memory");
  CAPTURE(kind);
  asio::io_context context;
  auto [a, b] = make_pair(context, kind);
  const auto work = [&]() -> asio::awaitable<bool> {
    Bytes buffer(64);
    a->set_deadline(in(20ms));
    auto got = co_await a->read_some(buffer);
    if (got || got.error().code != ErrorCode::timeout) co_return false;
    got = co_await a->read_some(buffer);
    if (got || got.error().code != ErrorCode::timeout) co_return false;
    if (const auto wrote = co_await a->write_all(as_bytes("x"));
        wrote || wrote.error().code != ErrorCode::timeout)
      co_return false;
    a->set_deadline(Deadline::never());
    if (!co_await b->write_all(as_bytes("x"))) co_return false;
    got = co_await a->read_some(buffer);
    co_return got && *got == 1;
  };
  CHECK(test::run(context, work()));
}

TEST_CASE("a deadline moved on is the one that counts; a nearer one as well; a past one at once") {
  const auto kind = GENERATE(as<std::string>{}, "tcp", "memory");
  CAPTURE(kind);
  asio::io_context context;
  auto [a, b] = make_pair(context, kind);
  const auto elapsed = [&](auto set) {
    const auto work = [&]() -> asio::awaitable<std::chrono::milliseconds> {
      Bytes buffer(64);
      const auto start = std::chrono::steady_clock::now();
      set();
      const auto got = co_await a->read_some(buffer);
      CHECK((!got && got.error().code == ErrorCode::timeout));
      co_return std::chrono::duration_cast<std::chrono::milliseconds>(
          std::chrono::steady_clock::now() - start);
    };
    return test::run(context, work());
  };
  CHECK(elapsed([&] {
          a->set_deadline(in(10ms));
          a->set_deadline(in(80ms));
        }) >= 79ms);
  CHECK(elapsed([&] {
          a->set_deadline(in(5s));
          a->set_deadline(in(10ms));
        }) < 3s);
  CHECK(elapsed([&] { a->set_deadline(in(-1ms)); }) < 1s);
}

TEST_CASE("a deadline ends a write that the peer does not read") {
  const auto kind = GENERATE(as<std::string>{}, "tcp", "unix", "memory");
  CAPTURE(kind);
  asio::io_context context;
  auto [a, b] = make_pair(context, kind);
  const Bytes much(32 << 20);
  a->set_deadline(in(50ms));
  const auto wrote = test::run(context, a->write_all(much));
  REQUIRE(!wrote);
  CHECK(wrote.error().code == ErrorCode::timeout);
}

TEST_CASE(
    "close ends pending operations with cancelled, is idempotent, and the stream may go at once") {
  const auto kind = GENERATE(as<std::string>{}, "tcp", "unix", "memory");
  CAPTURE(kind);
  asio::io_context context;
  auto [a, b] = make_pair(context, kind);
  Bytes buffer(64);
  const Bytes much(32 << 20);
  const auto closer = [&]() -> asio::awaitable<bool> {
    co_await pause(10ms);
    a->close();
    a->close();
    a.reset();
    co_return true;
  };
  const auto work = [&]() -> asio::awaitable<bool> {
    auto [got, wrote, closed] = co_await (a->read_some(buffer) && a->write_all(much) && closer());
    co_return closed && !got && got.error().code == ErrorCode::cancelled && !wrote &&
        wrote.error().code == ErrorCode::cancelled;
  };
  CHECK(test::run(context, work()));
}

TEST_CASE("a deadline fires even though data never stops coming") {
  const auto kind = GENERATE(as<std::string>{}, "tcp", "memory");
  CAPTURE(kind);
  asio::io_context context;
  auto [a, b] = make_pair(context, kind);
  const Bytes chunk(4096);
  const auto flood = [&]() -> asio::awaitable<bool> {
    while (co_await b->write_all(chunk)) {
    }
    co_return true;
  };
  const auto drain = [&]() -> asio::awaitable<ErrorCode> {
    Bytes buffer(4096);
    a->set_deadline(in(50ms));
    for (;;) {
      const auto got = co_await a->read_some(buffer);
      if (got) continue;
      a->close();
      co_return got.error().code;
    }
  };
  const auto work = [&]() -> asio::awaitable<bool> {
    auto [flooded, ended] = co_await (flood() && drain());
    co_return flooded&& ended == ErrorCode::timeout;
  };
  CHECK(test::run(context, work()));
}

TEST_CASE("connect_tcp reaches a listener by name and by address") {
  asio::io_context context;
  asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  const auto port = acceptor.local_endpoint().port();
  for (const std::string host : {"127.0.0.1", "localhost"}) {
    CAPTURE(host);
    auto stream = test::run(context, connect_tcp(context.get_executor(), host, port, in(5s)));
    REQUIRE(stream);
    CHECK((*stream)->peer_name() == "127.0.0.1:" + std::to_string(port));
  }
}

TEST_CASE("connect_tcp says who did not answer and what to check") {
  asio::io_context context;
  std::uint16_t port = 0;
  {
    asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    port = acceptor.local_endpoint().port();
  }
  const auto refused =
      test::run(context, connect_tcp(context.get_executor(), "127.0.0.1", port, in(5s)));
  REQUIRE(!refused);
  CHECK(refused.error().code == ErrorCode::upstream_unreachable);
  CHECK(refused.error().message ==
        "connect 127.0.0.1:" + std::to_string(port) + ": connection refused");
  CHECK_FALSE(refused.error().hint.empty());
  const auto unknown =
      test::run(context, connect_tcp(context.get_executor(), "no-such-host.invalid", 1, in(10s)));
  REQUIRE(!unknown);
  CHECK_THAT(unknown.error().message,
             Catch::Matchers::ContainsSubstring("look up 'no-such-host.invalid'"));
}

TEST_CASE("connect_tcp keeps its deadline against a listener that does not accept") {
  asio::io_context context;
  asio::ip::tcp::acceptor acceptor(context);
  acceptor.open(asio::ip::tcp::v4());
  acceptor.bind({asio::ip::address_v4::loopback(), 0});
  acceptor.listen(0);
  const auto port = acceptor.local_endpoint().port();
  // The backlog of 0 takes one connection; the SYNs after it are dropped.
  std::vector<StreamPtr> queued;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 8; ++i) {
    auto stream =
        test::run(context, connect_tcp(context.get_executor(), "127.0.0.1", port, in(200ms)));
    if (stream) {
      queued.push_back(std::move(*stream));
      continue;
    }
    CHECK(stream.error().code == ErrorCode::timeout);
    CHECK(std::chrono::steady_clock::now() - start < 5s);
    return;
  }
  FAIL("the kernel accepted everything");
}
