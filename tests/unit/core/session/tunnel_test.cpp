// SPDX-License-Identifier: Apache-2.0
#include "core/session/tunnel.h"

#include <asio/experimental/awaitable_operators.hpp>

#include "core/net/tls.h"
#include "tests/support/catch.h"
#include "tests/support/run_task.h"
#include "tests/support/stream_fixture.h"

using namespace hoop;
using namespace hoop::session;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using test::in;
using test::pause;

namespace {

using TunnelPtr = std::unique_ptr<Tunnel>;
using StreamPair = std::pair<net::StreamPtr, net::StreamPtr>;

Opening opening() {
  Opening made;
  made.parameters = {{"user", "alice"}, {"database", "orders"}};
  return made;
}

Bytes pattern(std::size_t size, std::uint8_t seed) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(seed + i * 7 + i / 251);
  return out;
}

Bytes frame(FrameType type, std::string_view payload) {
  Bytes out;
  append_frame(out, type, as_bytes(payload));
  return out;
}

Task<Bytes> read_to_end(net::Stream& stream, std::chrono::milliseconds between_reads = 0ms) {
  Bytes all;
  Bytes buffer(10'000);
  for (;;) {
    HOOP_CO_TRY(const auto count, co_await stream.read_some(buffer));
    if (count == 0) co_return all;
    all.insert(all.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count));
    if (between_reads != 0ms) co_await pause(between_reads);
  }
}

Task<void> write_and_end(net::Stream& stream, const Bytes& bytes) {
  HOOP_CO_CHECK(co_await stream.write_all(bytes));
  co_return co_await stream.shutdown_write();
}

/// Exactly size bytes, or "!code" behind what came.
asio::awaitable<std::string> take(net::Stream& stream, std::size_t size) {
  std::string all;
  Bytes buffer(size);
  while (all.size() < size) {
    const auto count = co_await stream.read_some(MutableByteSpan(buffer).first(size - all.size()));
    if (!count) co_return all + "!" + std::string(to_string(count.error().code));
    if (*count == 0) co_return all + "!end";
    all += as_text(ByteSpan(buffer).first(*count));
  }
  co_return all;
}

/// What read_some answers: text, "end" or the error.
asio::awaitable<std::string> read_once(net::Stream& stream) {
  Bytes buffer(1000);
  const auto count = co_await stream.read_some(buffer);
  if (!count) co_return "!" + std::string(to_string(count.error().code));
  if (*count == 0) co_return "end";
  co_return to_text(ByteSpan(buffer).first(*count));
}

asio::awaitable<StreamPair> tls_pair(asio::any_io_executor executor) {
  static const auto pki = net::generate_pki("test authority", {"gw.test"});
  net::Trust trust;
  trust.ca_pem = pki.ca_pem;
  const auto client = net::TlsClient::create(trust);
  net::ServerCertificate certificate{pki.server_pem, pki.server_key_pem.clone()};
  const auto server = net::TlsServer::create(certificate);
  REQUIRE((client && server));
  auto lower = net::stream_pair(executor);
  auto [a, b] = co_await (client->handshake(std::move(lower.first), "gw.test", "", in(5s)) &&
                          server->handshake(std::move(lower.second), in(5s)));
  REQUIRE((a && b));
  co_return StreamPair(std::move(*a), std::move(*b));
}

enum class Lower { memory, tls };

asio::awaitable<StreamPair> lower_pair(Lower kind) {
  const auto executor = co_await asio::this_coro::executor;
  if (kind == Lower::tls) co_return co_await tls_pair(executor);
  co_return net::stream_pair(executor);
}

void run(const std::function<asio::awaitable<void>()>& scenario) {
  asio::io_context context;
  const auto whole = [&]() -> asio::awaitable<bool> {
    co_await scenario();
    co_return true;
  };
  const auto start = std::chrono::steady_clock::now();
  CHECK(test::run(context, whole()));
  CHECK(std::chrono::steady_clock::now() - start < 20s);
}

struct Ends {
  TunnelPtr client;
  TunnelPtr gateway;
};

asio::awaitable<Ends> open(Lower kind, TunnelTimes times = {}) {
  auto lower = co_await lower_pair(kind);
  Ends ends{Tunnel::over(std::move(lower.first), {}, times),
            Tunnel::over(std::move(lower.second), {}, times)};
  auto [sent, received] =
      co_await (ends.client->send_opening(opening()) && ends.gateway->receive_opening(in(5s)));
  REQUIRE((sent && received));
  CHECK(received->parameters == opening().parameters);
  co_return ends;
}

/// The client's tunnel, opened, and its other end raw.
struct HalfOpen {
  TunnelPtr client;
  net::StreamPtr raw;
};

asio::awaitable<HalfOpen> half_open(Lower kind, TunnelTimes times = {}) {
  auto lower = co_await lower_pair(kind);
  HalfOpen half{Tunnel::over(std::move(lower.first), {}, times), std::move(lower.second)};
  half.raw->set_deadline(in(10s));
  const auto sent = co_await half.client->send_opening(opening());
  REQUIRE(sent);
  const auto payload = encode_opening(opening());
  REQUIRE(payload);
  const auto came = co_await take(*half.raw, kFrameHeaderBytes + payload->size());
  CHECK(came == as_text(frame(FrameType::opening, as_text(*payload))));
  co_return half;
}

}  // namespace

TEST_CASE("a tunnel carries bulk both ways at once and half-closes") {
  const auto kind = GENERATE(Lower::memory, Lower::tls);
  run([&]() -> asio::awaitable<void> {
    auto ends = co_await open(kind);
    const auto up = pattern(5'000'000, 1);
    const auto down = pattern(3'000'001, 99);
    auto [sent_up, sent_down, at_gateway, at_client] =
        co_await (write_and_end(*ends.client, up) && write_and_end(*ends.gateway, down) &&
                  read_to_end(*ends.gateway) && read_to_end(*ends.client));
    CHECK((sent_up && sent_down));
    REQUIRE((at_gateway && at_client));
    CHECK((*at_gateway == up));
    CHECK((*at_client == down));
    const auto again = co_await read_once(*ends.client);
    CHECK(again == "end");
  });
}

TEST_CASE("frames of writes that are begun and then followed up arrive whole and in order") {
  const auto kind = GENERATE(Lower::memory, Lower::tls);
  run([&]() -> asio::awaitable<void> {
    auto ends = co_await open(kind);
    const auto bytes = pattern(5'000'000, 1);
    test::PartCounts counts;
    auto [sent, read] = co_await (test::write_in_parts(*ends.client, bytes, 3'000, counts) &&
                                  read_to_end(*ends.gateway));
    CHECK(sent);
    REQUIRE(read);
    CHECK((*read == bytes));
    CHECK(counts.at_once + counts.waited == 1'667);
    auto late = ends.client->start_write(bytes);
    const auto refused = co_await finished(std::move(late));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::io);
  });
}

TEST_CASE("one side ends and still reads; writing after the end fails") {
  const auto kind = GENERATE(Lower::memory, Lower::tls);
  run([&]() -> asio::awaitable<void> {
    auto ends = co_await open(kind);
    const auto asked = to_bytes("question");
    auto done = co_await write_and_end(*ends.client, asked);
    CHECK(done);
    const auto got = co_await read_to_end(*ends.gateway);
    CHECK(got == asked);
    done = co_await ends.client->write_all(asked);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == ErrorCode::io);
    done = co_await ends.client->shutdown_write();
    CHECK(done);
    const auto reply = pattern(300'000, 5);
    auto [wrote, back] =
        co_await (write_and_end(*ends.gateway, reply) && read_to_end(*ends.client));
    CHECK(wrote);
    REQUIRE(back);
    CHECK((*back == reply));
  });
}

TEST_CASE("a write up to the cap is one frame, and its bytes reach the caller as they come") {
  run([&]() -> asio::awaitable<void> {
    auto half = co_await half_open(Lower::memory);
    auto sent = co_await half.client->write_all(pattern(kMaxFramePayload, 0));
    CHECK(sent);
    auto came = co_await take(*half.raw, kFrameHeaderBytes + kMaxFramePayload);
    CHECK(came.substr(0, 4) == std::string("\x02\x01\x00\x00", 4));
    sent = co_await half.client->write_all(pattern(kMaxFramePayload + 1, 0));
    CHECK(sent);
    came = co_await take(*half.raw, 2 * kFrameHeaderBytes + kMaxFramePayload + 1);
    CHECK(came.substr(kFrameHeaderBytes + kMaxFramePayload, 4) ==
          std::string("\x02\x00\x00\x01", 4));
    // Part of a frame is not held back.
    auto answered = co_await half.raw->write_all(
        ByteSpan(frame(FrameType::data, "a long answer")).first(kFrameHeaderBytes + 6));
    CHECK(answered);
    const auto part = co_await read_once(*half.client);
    CHECK(part == "a long");
  });
}

TEST_CASE("bytes behind the switch and behind the opening are not lost, in spans of any size") {
  run([&]() -> asio::awaitable<void> {
    const auto payload = encode_opening(opening());
    REQUIRE(payload);
    Bytes all = frame(FrameType::opening, as_text(*payload));
    for (const std::string_view text : {"one ", "two ", "three"}) {
      const auto data = frame(FrameType::data, text);
      all.insert(all.end(), data.begin(), data.end());
    }
    const auto end = frame(FrameType::end, "");
    all.insert(all.end(), end.begin(), end.end());
    for (std::size_t early = 0; early <= all.size(); ++early) {
      auto lower = co_await lower_pair(Lower::memory);
      const auto cut = all.begin() + static_cast<std::ptrdiff_t>(early);
      auto gateway = Tunnel::over(std::move(lower.second), Bytes(all.begin(), cut));
      const Bytes rest(cut, all.end());
      const auto sent = co_await lower.first->write_all(rest);
      CHECK(sent);
      const auto received = co_await gateway->receive_opening(in(5s));
      REQUIRE(received);
      const auto text = co_await take(*gateway, 1 + early % 13);
      CHECK(text == std::string("one two three").substr(0, 1 + early % 13));
      const auto tail = co_await read_to_end(*gateway);
      CHECK(tail == to_bytes(std::string("one two three").substr(1 + early % 13)));
    }
  });
}

TEST_CASE("TLS ends with close_notify once both sides have ended, and not before") {
  run([&]() -> asio::awaitable<void> {
    auto half = co_await half_open(Lower::tls);
    auto done = co_await half.client->shutdown_write();
    CHECK(done);
    const auto end = co_await take(*half.raw, kFrameHeaderBytes);
    CHECK(end == as_text(frame(FrameType::end, "")));
    half.raw->set_deadline(in(50ms));
    const auto nothing = co_await read_once(*half.raw);
    CHECK(nothing == "!timeout");
    half.raw->set_deadline(in(5s));
    const auto tail = frame(FrameType::data, "tail");
    done = co_await half.raw->write_all(tail);
    CHECK(done);
    const auto last = frame(FrameType::end, "");
    done = co_await half.raw->write_all(last);
    CHECK(done);
    const auto got = co_await read_to_end(*half.client);
    CHECK(got == to_bytes("tail"));
    const auto notified = co_await read_once(*half.raw);
    CHECK(notified == "end");
  });
}

TEST_CASE("a side with nothing to send sends idle frames; one that sends or has ended does not") {
  TunnelTimes times;
  times.heartbeat = 40ms;
  run([&]() -> asio::awaitable<void> {
    auto half = co_await half_open(Lower::memory, times);
    auto came = co_await take(*half.raw, 2 * kFrameHeaderBytes);
    CHECK(came == std::string("\x04\0\0\0\x04\0\0\0", 8));
    const Bytes one{'x'};
    auto longest = 0ns;
    for (int round = 0; round < 15; ++round) {
      const auto before = std::chrono::steady_clock::now();
      const auto sent = co_await half.client->write_all(one);
      CHECK(sent);
      co_await pause(8ms);
      longest =
          std::max<std::chrono::nanoseconds>(longest, std::chrono::steady_clock::now() - before);
    }
    came = co_await take(*half.raw, 15 * 5);
    // A busy machine may have been silent for long enough.
    CHECK((came.find('\x04') == std::string::npos || longest >= 35ms));
    const auto ended = co_await half.client->shutdown_write();
    CHECK(ended);
    co_await pause(120ms);
    half.raw->set_deadline(in(10ms));
    came = co_await take(*half.raw, 100);
    CHECK(came.ends_with(std::string("\x03\0\0\0!timeout", 12)));
  });
}

TEST_CASE("a heartbeat never gets into a write that is held up") {
  TunnelTimes times;
  times.heartbeat = 15ms;
  const auto kind = GENERATE(Lower::memory, Lower::tls);
  run([&]() -> asio::awaitable<void> {
    auto ends = co_await open(kind, times);
    const auto bulk = pattern(2'000'000, 3);
    // Slower than the writer: it waits most of the time.
    auto [sent, came] =
        co_await (write_and_end(*ends.client, bulk) && read_to_end(*ends.gateway, 1ms));
    CHECK(sent);
    REQUIRE(came);
    CHECK((*came == bulk));
  });
}

TEST_CASE("a deadline that has passed can be lifted, and heartbeats go on") {
  TunnelTimes times;
  times.heartbeat = 10ms;
  times.lost = 300ms;
  run([&]() -> asio::awaitable<void> {
    auto ends = co_await open(Lower::tls, times);
    ends.client->set_deadline(in(20ms));
    auto got = co_await read_once(*ends.client);
    CHECK(got == "!timeout");
    co_await pause(50ms);
    ends.client->set_deadline(Deadline::never());
    const auto text = to_bytes("still here");
    const auto sent = co_await ends.gateway->write_all(text);
    CHECK(sent);
    got = co_await read_once(*ends.client);
    CHECK(got == "still here");
    // Longer than lost: the heartbeats are heard.
    ends.client->set_deadline(in(700ms));
    got = co_await read_once(*ends.client);
    CHECK(got == "!timeout");
  });
}

TEST_CASE(
    "a peer that says nothing while it is read is lost; silence between reads is not counted") {
  TunnelTimes times;
  times.lost = 60ms;
  run([&]() -> asio::awaitable<void> {
    auto half = co_await half_open(Lower::memory, times);
    co_await pause(150ms);
    const auto data = frame(FrameType::data, "late");
    const auto sent = co_await half.raw->write_all(data);
    CHECK(sent);
    auto got = co_await read_once(*half.client);
    CHECK(got == "late");
    const auto start = std::chrono::steady_clock::now();
    Bytes buffer(10);
    const auto lost = co_await half.client->read_some(buffer);
    REQUIRE_FALSE(lost);
    CHECK(lost.error().code == ErrorCode::timeout);
    CHECK_THAT(lost.error().message, ContainsSubstring("is lost"));
    const auto waited = std::chrono::steady_clock::now() - start;
    CHECK((waited >= 60ms && waited < 5s));
    const auto wrote = co_await half.client->write_all(buffer);
    REQUIRE_FALSE(wrote);
    CHECK(wrote.error().code == ErrorCode::timeout);
  });
}

TEST_CASE("a reset is read after the data before it, with its reason neutralised") {
  TunnelTimes times;
  times.reset = 100ms;
  const auto kind = GENERATE(Lower::memory, Lower::tls);
  run([&]() -> asio::awaitable<void> {
    auto ends = co_await open(kind, times);
    const auto text = to_bytes("last words");
    const auto sent = co_await ends.gateway->write_all(text);
    CHECK(sent);
    auto [given_up, got] =
        co_await (ends.gateway->reset("access expired\x1b[2J") && read_once(*ends.client));
    CHECK(given_up);
    CHECK(got == "last words");
    Bytes buffer(100);
    const auto failed = co_await ends.client->read_some(buffer);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == ErrorCode::io);
    CHECK_THAT(failed.error().remote,
               ContainsSubstring("access expired") && !ContainsSubstring("\x1b"));
    const auto wrote = co_await ends.client->write_all(text);
    REQUIRE_FALSE(wrote);
    CHECK(wrote.error() == failed.error());
    const auto mine = co_await read_once(*ends.gateway);
    CHECK(mine == "!cancelled");
  });
}

TEST_CASE("a reset ends what is pending on its own side, also a write that nobody reads") {
  TunnelTimes times;
  times.reset = 50ms;
  run([&]() -> asio::awaitable<void> {
    auto ends = co_await open(Lower::memory, times);
    const auto bulk = pattern(2'000'000, 1);
    const auto late_reset = [&]() -> Task<void> {
      co_await pause(20ms);
      co_return co_await ends.gateway->reset(std::string(2000, 'w'));
    };
    auto [written, got, given_up] =
        co_await (ends.gateway->write_all(bulk) && read_once(*ends.gateway) && late_reset());
    CHECK_FALSE(written);
    CHECK(got == "!cancelled");
    CHECK(given_up);
  });
  run([&]() -> asio::awaitable<void> {
    auto ends = co_await open(Lower::tls);
    const auto bulk = pattern(2'000'000, 1);
    const auto late_reset = [&]() -> Task<void> {
      co_await pause(20ms);
      co_return co_await ends.client->reset(std::string(2000, 'w'));
    };
    // A slow reader hears why, between two frames.
    auto [written, came, given_up] =
        co_await (ends.client->write_all(bulk) && read_to_end(*ends.gateway, 1ms) && late_reset());
    REQUIRE_FALSE(written);
    CHECK(written.error().code == ErrorCode::cancelled);
    REQUIRE_FALSE(came);
    CHECK(came.error().remote.starts_with(std::string(400, 'w')));
    CHECK(given_up);
  });
}

TEST_CASE("a connection that is cut, or breaks the rules, is not taken for an end") {
  struct Row {
    std::string bytes;
    std::string before;
    ErrorCode code;
  };
  const auto text = [](FrameType type, std::string_view payload) {
    return to_text(frame(type, payload));
  };
  const auto row =
      GENERATE_COPY(Row{"", "", ErrorCode::io},
                    Row{text(FrameType::data, "abc").substr(0, 6), "ab", ErrorCode::io},
                    Row{text(FrameType::data, "abc") + "\x03", "abc", ErrorCode::io},
                    Row{text(FrameType::data, "abc") + "HTTP/1.1", "abc", ErrorCode::malformed},
                    Row{text(FrameType::opening, "abc"), "", ErrorCode::malformed},
                    Row{text(FrameType::data, "a") + "\x02\xff\xff\xff", "a", ErrorCode::too_large},
                    Row{text(FrameType::reset, "abc"), "", ErrorCode::io});
  CAPTURE(row.bytes);
  const auto kind = GENERATE(Lower::memory, Lower::tls);
  run([&]() -> asio::awaitable<void> {
    auto half = co_await half_open(kind);
    if (!row.bytes.empty()) {
      const auto sent = co_await half.raw->write_all(as_bytes(row.bytes));
      CHECK(sent);
    }
    half.raw.reset();
    std::string before;
    Bytes buffer(100);
    for (;;) {
      const auto count = co_await half.client->read_some(buffer);
      if (!count) {
        CHECK(count.error().code == row.code);
        break;
      }
      CHECK(*count != 0);
      if (*count == 0) break;
      before += as_text(ByteSpan(buffer).first(*count));
    }
    CHECK(before == row.before);
  });
}

TEST_CASE("close ends what is pending with cancelled; a tunnel may go while it is read") {
  const auto kind = GENERATE(Lower::memory, Lower::tls);
  for (const bool destroyed : {false, true}) {
    run([&]() -> asio::awaitable<void> {
      auto ends = co_await open(kind);
      const auto later = [&]() -> asio::awaitable<bool> {
        co_await pause(10ms);
        if (destroyed) {
          ends.client.reset();
        } else {
          ends.client->close();
        }
        co_return true;
      };
      auto& client = *ends.client;
      auto [got, done] = co_await (read_once(client) && later());
      CHECK(done);
      CHECK(got == "!cancelled");
      if (!destroyed) {
        got = co_await read_once(client);
        CHECK(got == "!cancelled");
      }
      got = co_await read_once(*ends.gateway);
      CHECK(got == "!io");
    });
  }
}

TEST_CASE("an opening that is late, cut, wrong or taken back is refused") {
  struct Row {
    std::string bytes;
    bool cut;
    ErrorCode code;
  };
  const auto text = [](FrameType type, std::string_view payload) {
    return to_text(frame(type, payload));
  };
  const auto row =
      GENERATE_COPY(Row{"", false, ErrorCode::timeout}, Row{"", true, ErrorCode::io},
                    Row{std::string("\x01\0\0\x09\0", 5), false, ErrorCode::timeout},
                    Row{std::string("\x01\0\0\x09\0", 5), true, ErrorCode::io},
                    Row{text(FrameType::data, "x"), false, ErrorCode::malformed},
                    Row{text(FrameType::opening, "x"), false, ErrorCode::malformed},
                    Row{std::string("\x01\x00\x80\x01", 4), false, ErrorCode::too_large},
                    Row{text(FrameType::reset, "never mind"), false, ErrorCode::io});
  CAPTURE(row.bytes, row.cut);
  run([&]() -> asio::awaitable<void> {
    auto lower = co_await lower_pair(Lower::memory);
    auto gateway = Tunnel::over(std::move(lower.second), {});
    if (!row.bytes.empty()) {
      const auto sent = co_await lower.first->write_all(as_bytes(row.bytes));
      CHECK(sent);
    }
    if (row.cut) lower.first.reset();
    const auto received = co_await gateway->receive_opening(in(30ms));
    REQUIRE_FALSE(received);
    CHECK(received.error().code == row.code);
    if (row.bytes.starts_with('\x05')) CHECK(received.error().remote == "never mind");
  });
}

TEST_CASE("a gateway that speaks before the opening is refused; one that has given up is heard") {
  run([&]() -> asio::awaitable<void> {
    auto lower = co_await lower_pair(Lower::memory);
    auto client = Tunnel::over(std::move(lower.first), frame(FrameType::data, "x"));
    auto sent = co_await client->send_opening(opening());
    REQUIRE_FALSE(sent);
    CHECK(sent.error().code == ErrorCode::malformed);
    lower = co_await lower_pair(Lower::memory);
    client = Tunnel::over(std::move(lower.first), frame(FrameType::reset, "stopping"));
    sent = co_await client->send_opening(opening());
    CHECK(sent);
    Bytes buffer(10);
    const auto got = co_await client->read_some(buffer);
    REQUIRE_FALSE(got);
    CHECK(got.error().remote == "stopping");
  });
}
