// SPDX-License-Identifier: Apache-2.0
#include "core/http/server.h"

#include <unistd.h>

#include <fstream>

#include <fmt/format.h>

#include "core/http/http_date.h"
#include "tests/support/catch.h"
#include "tests/support/http_fixture.h"

using namespace hoop;
using namespace hoop::http;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using test::HttpFixture;
using test::pause;
using test::Transport;

namespace {

// "METHOD target number-of-connection body"
asio::awaitable<Response> echo(Request request, ConnectionInfo info) {
  if (request.path() == "/throw") throw std::runtime_error("oops");
  if (request.path() == "/split") co_return Response{200, {{"X", "a\r\nSet-Cookie: b"}}, ""};
  if (request.path() == "/none") co_return Response{204, {}, "never sent"};
  if (request.path() == "/slow") co_await pause(150ms);
  co_return Response{
      200,
      {{"Content-Type", "text/plain"}},
      fmt::format("{} {} {} {}", request.method, request.target, info.connection, request.body)};
}

asio::awaitable<std::string> ask(HttpFixture& fixture, std::string bytes) {
  auto stream = co_await fixture.connect();
  const auto sent = co_await stream->write_all(as_bytes(bytes));
  if (!sent) co_return "not sent";
  co_return co_await HttpFixture::rest_of(*stream);
}

const std::string kClose = "Host: a\r\nConnection: close\r\n";

}  // namespace

TEST_CASE("a request is answered with date and length, and the connection ends when asked to") {
  HttpFixture fixture(Transport::plain, echo);
  fixture.run([&]() -> asio::awaitable<void> {
    const auto answer =
        co_await ask(fixture, "POST /x?y HTTP/1.1\r\n" + kClose + "Content-Length: 3\r\n\r\nabc");
    CHECK_THAT(answer, Catch::Matchers::StartsWith(
                           "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: "));
    CHECK_THAT(answer,
               Catch::Matchers::EndsWith(
                   " GMT\r\nConnection: close\r\nContent-Length: 16\r\n\r\nPOST /x?y 1 abc") ||
                   Catch::Matchers::EndsWith(
                       " GMT\r\nConnection: close\r\nContent-Length: 15\r\n\r\nPOST /x?y 1 abc"));
  });
}

TEST_CASE("a request that comes byte by byte, and pipelined requests, are answered in order") {
  HttpFixture fixture(Transport::plain, echo);
  fixture.run([&]() -> asio::awaitable<void> {
    auto stream = co_await fixture.connect();
    const auto one = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab";
    const auto two = "GET /2 HTTP/1.1\r\n" + kClose + "\r\n";
    for (const char c : one + two) {
      const auto sent = co_await stream->write_all(as_bytes(std::string_view(&c, 1)));
      CHECK(sent);
      co_await asio::post(asio::use_awaitable);
    }
    const auto bytewise = co_await HttpFixture::rest_of(*stream);
    CHECK_THAT(bytewise, ContainsSubstring("POST /1 1 ab") && ContainsSubstring("GET /2 1 "));
    const auto at_once = co_await ask(fixture, one + two);
    CHECK_THAT(at_once, ContainsSubstring("POST /1 2 ab") && ContainsSubstring("GET /2 2 "));
  });
}

TEST_CASE("a malformed request is refused with its status as a problem, and the connection ends") {
  HttpFixture fixture(Transport::plain, echo);
  fixture.run([&]() -> asio::awaitable<void> {
    const auto bad = co_await ask(
        fixture,
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
    CHECK_THAT(bad, Catch::Matchers::StartsWith(
                        "HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json") &&
                        ContainsSubstring("stand together"));
    const auto version = co_await ask(fixture, "GET / HTTP/3.0\r\n");
    CHECK_THAT(version, Catch::Matchers::StartsWith("HTTP/1.1 505 "));
    const auto large =
        co_await ask(fixture, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n" +
                                  std::string(300'000, 'x'));
    CHECK_THAT(large, Catch::Matchers::StartsWith("HTTP/1.1 413 "));
  });
}

TEST_CASE("what a handler throws or misspells becomes 500 without its words") {
  HttpFixture fixture(Transport::plain, echo);
  fixture.run([&]() -> asio::awaitable<void> {
    for (const std::string path : {"/throw", "/split"}) {
      const auto answer = co_await ask(fixture, "GET " + path + " HTTP/1.1\r\n" + kClose + "\r\n");
      CHECK_THAT(answer, Catch::Matchers::StartsWith("HTTP/1.1 500 "));
      CHECK_THAT(answer, !ContainsSubstring("oops") && !ContainsSubstring("Set-Cookie"));
    }
  });
}

TEST_CASE("HEAD and 204 have no body") {
  HttpFixture fixture(Transport::plain, echo);
  fixture.run([&]() -> asio::awaitable<void> {
    const auto head = co_await ask(fixture, "HEAD /h HTTP/1.1\r\n" + kClose + "\r\n");
    CHECK_THAT(
        head, ContainsSubstring("Content-Length: 10\r\n") && Catch::Matchers::EndsWith("\r\n\r\n"));
    const auto none = co_await ask(fixture, "GET /none HTTP/1.1\r\n" + kClose + "\r\n");
    CHECK_THAT(none, !ContainsSubstring("Content-Length") && Catch::Matchers::EndsWith("\r\n\r\n"));
  });
}

TEST_CASE("100 Continue is sent before the body is read") {
  HttpFixture fixture(Transport::plain, echo);
  fixture.run([&]() -> asio::awaitable<void> {
    auto stream = co_await fixture.connect();
    const auto head =
        "PUT / HTTP/1.1\r\n" + kClose + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    auto sent = co_await stream->write_all(as_bytes(head));
    Bytes buffer(100);
    const auto count = co_await stream->read_some(buffer);
    CHECK((sent && count));
    CHECK(as_text(ByteSpan(buffer).first(count.value_or(0))) == "HTTP/1.1 100 Continue\r\n\r\n");
    sent = co_await stream->write_all(as_bytes("ok"));
    const auto answer = co_await HttpFixture::rest_of(*stream);
    CHECK_THAT(answer, Catch::Matchers::EndsWith(" ok"));
  });
}

TEST_CASE(
    "a peer that says nothing, or half a head, is ended in time; the first in the handshake too") {
  ServerOptions options;
  options.handshake_and_head = 60ms;
  for (const auto transport : {Transport::plain, Transport::tls}) {
    HttpFixture fixture(transport, echo, options);
    fixture.run([&]() -> asio::awaitable<void> {
      const auto start = std::chrono::steady_clock::now();
      auto silent = co_await ask(fixture, "");
      CHECK(silent == "");
      if (transport == Transport::plain) {
        const auto half = co_await ask(fixture, "GET / HTTP/1.1\r\nHost");
        CHECK_THAT(half, Catch::Matchers::StartsWith("HTTP/1.1 408 "));
      }
      CHECK(std::chrono::steady_clock::now() - start < 3s);
    });
  }
}

TEST_CASE(
    "an idle connection ends after its time; a second head that drips is ended as the first") {
  ServerOptions options;
  options.idle = 80ms;
  options.handshake_and_head = 80ms;
  HttpFixture fixture(Transport::plain, echo, options);
  fixture.run([&]() -> asio::awaitable<void> {
    const auto idle = co_await ask(fixture, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_THAT(idle, ContainsSubstring("GET /1"));
    const auto drip = co_await ask(fixture, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET");
    CHECK_THAT(drip, ContainsSubstring("GET /1") && ContainsSubstring("HTTP/1.1 408 "));
  });
}

TEST_CASE("connections beyond the cap of one address are closed at once, and count down again") {
  ServerOptions options;
  options.max_connections_per_address = 2;
  HttpFixture fixture(Transport::plain, echo, options);
  fixture.run([&]() -> asio::awaitable<void> {
    auto one = co_await fixture.connect();
    auto two = co_await fixture.connect();
    co_await pause(20ms);
    auto three = co_await fixture.connect();
    const auto refused = co_await HttpFixture::rest_of(*three);
    CHECK(refused.find("HTTP") == std::string::npos);
    CHECK(fixture.server().connections() == 2);
    one.reset();
    co_await pause(20ms);
    const auto answer = co_await ask(fixture, "GET / HTTP/1.1\r\n" + kClose + "\r\n");
    CHECK_THAT(answer, Catch::Matchers::StartsWith("HTTP/1.1 200 "));
  });
}

TEST_CASE("stop ends idle connections at once and lets a request under way be answered") {
  HttpFixture fixture(Transport::plain, echo);
  std::string slow_answer;
  std::string idle_answer;
  asio::co_spawn(
      fixture.context,
      [&]() -> asio::awaitable<void> {
        slow_answer = co_await ask(fixture, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
      },
      [](std::exception_ptr error) { CHECK_FALSE(error); });
  asio::co_spawn(
      fixture.context,
      [&]() -> asio::awaitable<void> {
        idle_answer = co_await ask(fixture, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      },
      [](std::exception_ptr error) { CHECK_FALSE(error); });
  const auto start = std::chrono::steady_clock::now();
  fixture.run([&]() -> asio::awaitable<void> { co_await pause(50ms); });
  CHECK_THAT(slow_answer, ContainsSubstring("Connection: close") && ContainsSubstring("GET /slow"));
  CHECK_THAT(idle_answer, ContainsSubstring("GET /"));
  CHECK(std::chrono::steady_clock::now() - start < 3s);
}

TEST_CASE("stop cuts off what does not end within its grace") {
  ServerOptions options;
  options.stop_grace = 50ms;
  HttpFixture fixture(
      Transport::plain,
      [](Request, ConnectionInfo) -> asio::awaitable<Response> {
        co_await pause(1h);
        co_return Response{};
      },
      options);
  asio::co_spawn(
      fixture.context,
      [&]() -> asio::awaitable<void> {
        const auto answer = co_await ask(fixture, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK(answer.find("HTTP") == std::string::npos);
      },
      [](std::exception_ptr error) { CHECK_FALSE(error); });
  const auto start = std::chrono::steady_clock::now();
  fixture.run([&]() -> asio::awaitable<void> { co_await pause(30ms); });
  CHECK(std::chrono::steady_clock::now() - start < 3s);
}

TEST_CASE("a file is streamed as the body; one that cannot be read is 500") {
  const auto path =
      std::filesystem::temp_directory_path() / fmt::format("hoop-http-{}", ::getpid());
  const std::string content(300'001, 'f');
  std::ofstream(path) << content;
  HttpFixture fixture(Transport::plain,
                      [&](Request request, ConnectionInfo) -> asio::awaitable<Response> {
                        Response response;
                        response.file = request.path() == "/file" ? path : path / "missing";
                        co_return response;
                      });
  fixture.run([&]() -> asio::awaitable<void> {
    const auto whole = co_await ask(fixture, "GET /file HTTP/1.1\r\n" + kClose + "\r\n");
    CHECK_THAT(whole, ContainsSubstring("Content-Length: 300001\r\n"));
    CHECK(whole.ends_with("\r\n\r\n" + content));
    const auto head = co_await ask(fixture, "HEAD /file HTTP/1.1\r\n" + kClose + "\r\n");
    CHECK_THAT(head, ContainsSubstring("Content-Length: 300001\r\n") &&
                         Catch::Matchers::EndsWith("\r\n\r\n"));
    const auto missing = co_await ask(fixture, "GET /other HTTP/1.1\r\n" + kClose + "\r\n");
    CHECK_THAT(missing,
               Catch::Matchers::StartsWith("HTTP/1.1 500 ") && !ContainsSubstring(path.string()));
  });
  std::filesystem::remove(path);
}

TEST_CASE("an upgrade hands over the stream and the bytes that came early") {
  HttpFixture fixture(Transport::plain, [](Request, ConnectionInfo) -> asio::awaitable<Response> {
    Response response{101, {{"Connection", "Upgrade"}, {"Upgrade", "hoop"}}, ""};
    response.upgrade = [](net::StreamPtr stream, std::string early) -> asio::awaitable<void> {
      const auto reply = "got " + early;
      static_cast<void>(co_await stream->write_all(as_bytes(reply)));
    };
    co_return response;
  });
  fixture.run([&]() -> asio::awaitable<void> {
    const auto answer = co_await ask(
        fixture, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: hoop\r\n\r\nearly");
    CHECK_THAT(answer, Catch::Matchers::StartsWith("HTTP/1.1 101 ") &&
                           Catch::Matchers::EndsWith("\r\n\r\ngot early"));
  });
}

TEST_CASE("a handler sees its connection, and what the client has sent too early") {
  std::vector<std::size_t> keys;
  std::vector<std::size_t> unread;
  const auto look = [&](Request, ConnectionInfo info) -> asio::awaitable<Response> {
    REQUIRE(info.stream != nullptr);
    keys.push_back(info.stream->exporter("EXPERIMENTAL-test").size());
    unread.push_back(info.unread);
    co_return Response{204, {}, ""};
  };
  HttpFixture plain(Transport::plain, look);
  plain.run([&]() -> asio::awaitable<void> {
    static_cast<void>(co_await ask(plain, "GET / HTTP/1.1\r\n" + kClose + "\r\nearly"));
  });
  HttpFixture tls(Transport::tls, look);
  tls.run([&]() -> asio::awaitable<void> {
    auto client = tls.client();
    const auto url = tls.url("/");
    const auto sent = co_await client.send("GET", url, Headers(), "", test::in(5s));
    CHECK(sent);
  });
  CHECK(keys == std::vector<std::size_t>{0, 32});
  CHECK(unread == std::vector<std::size_t>{5, 0});
}

TEST_CASE("an upgraded connection leaves the server's books, deadlines and end behind") {
  ServerOptions options;
  options.max_connections_per_address = 1;
  options.write = 80ms;
  options.stop_grace = 80ms;
  net::StreamPtr taken;
  HttpFixture fixture(
      Transport::plain,
      [&](Request request, ConnectionInfo) -> asio::awaitable<Response> {
        if (request.path() != "/switch") co_return Response{204, {}, ""};
        Response response{101, {{"Connection", "Upgrade"}, {"Upgrade", "hoop"}}, ""};
        response.upgrade = [&](net::StreamPtr stream, std::string) -> asio::awaitable<void> {
          taken = std::move(stream);
          // Longer than every limit of the server.
          Bytes buffer(100);
          const auto count = co_await taken->read_some(buffer);
          const auto reply = "got " + to_text(ByteSpan(buffer).first(count.value_or(0)));
          static_cast<void>(co_await taken->write_all(as_bytes(reply)));
          taken.reset();
          throw std::runtime_error("only logged");
        };
        co_return response;
      },
      options);
  net::StreamPtr stream;
  fixture.run([&]() -> asio::awaitable<void> {
    stream = co_await fixture.connect();
    const std::string head =
        "GET /switch HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: hoop\r\n\r\n";
    const auto sent = co_await stream->write_all(as_bytes(head));
    CHECK(sent);
    Bytes buffer(1000);
    const auto count = co_await stream->read_some(buffer);
    CHECK(count);
    co_await pause(10ms);
    CHECK(fixture.server().connections() == 0);
    // The one place of this address is free again.
    const auto answer = co_await ask(fixture, "GET / HTTP/1.1\r\n" + kClose + "\r\n");
    CHECK_THAT(answer, Catch::Matchers::StartsWith("HTTP/1.1 204 "));
    co_await pause(100ms);
    asio::co_spawn(
        fixture.context,
        [&]() -> asio::awaitable<void> {
          // The server has stopped by then.
          co_await pause(150ms);
          const auto late = co_await stream->write_all(as_bytes("hello"));
          CHECK(late);
          const auto reply = co_await HttpFixture::rest_of(*stream);
          CHECK(reply == "got hello");
          stream.reset();
        },
        [](std::exception_ptr error) { CHECK_FALSE(error); });
    co_await pause(1ms);
  });
}

TEST_CASE("a server that goes cuts upgraded connections off") {
  asio::io_context context;
  bool ended = false;
  {
    struct Mark {
      explicit Mark(bool& flag) : flag_(flag) {}
      ~Mark() { flag_ = true; }
      bool& flag_;
    };
    const auto handler = [&](Request, ConnectionInfo) -> asio::awaitable<Response> {
      Response response{101, {{"Connection", "Upgrade"}, {"Upgrade", "hoop"}}, ""};
      response.upgrade = [&](net::StreamPtr stream, std::string) -> asio::awaitable<void> {
        const Mark mark(ended);
        Bytes buffer(100);
        for (;;) static_cast<void>(co_await stream->read_some(buffer));
      };
      co_return response;
    };
    auto server = Server::listen(context.get_executor(), "127.0.0.1", 0, std::nullopt, handler,
                                 std::make_shared<NullLog>());
    REQUIRE(server);
    std::optional<Server> owned(std::move(*server));
    owned->start();
    const auto scenario = [&]() -> asio::awaitable<bool> {
      auto stream = co_await net::connect_tcp(context.get_executor(), "127.0.0.1", owned->port(),
                                              test::in(5s));
      REQUIRE(stream);
      const std::string head =
          "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: hoop\r\n\r\n";
      const auto sent = co_await (*stream)->write_all(as_bytes(head));
      CHECK(sent);
      Bytes buffer(1000);
      const auto count = co_await (*stream)->read_some(buffer);
      CHECK(count);
      co_await pause(10ms);
      CHECK_FALSE(ended);
      owned.reset();
      (*stream)->set_deadline(test::in(5s));
      const auto rest = co_await HttpFixture::rest_of(**stream);
      CHECK(rest == "");
      co_return true;
    };
    CHECK(test::run(context, scenario()));
  }
  CHECK(ended);
}

TEST_CASE("a server that cannot listen says why") {
  asio::io_context context;
  const auto log = std::make_shared<NullLog>();
  const auto listen = [&](const std::string& address, std::uint16_t port) {
    return Server::listen(context.get_executor(), address, port, std::nullopt, echo, log);
  };
  const auto first = listen("127.0.0.1", 0);
  REQUIRE(first);
  const auto second = listen("127.0.0.1", first->port());
  REQUIRE_FALSE(second);
  CHECK_THAT(second.error().message, ContainsSubstring("address already in use"));
  CHECK(listen("nowhere", 0).error().code == ErrorCode::config);
}

TEST_CASE("dates are IMF-fixdate") {
  using namespace std::chrono;
  CHECK(http_date(SystemTime(sys_days{year(1994) / 11 / 6} + 8h + 49min + 37s)) ==
        "Sun, 06 Nov 1994 08:49:37 GMT");
  const SystemTime time(sys_days{year(2028) / 2 / 29} + 23h + 59min + 59s);
  CHECK(parse_http_date(http_date(time)) == time);
  for (const char* bad : {"", "Sun, 06 Nov 1994 08:49:37 GMT ", "Mon, 06 Nov 1994 08:49:37 GMT",
                          "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
                          "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nvo 1994 08:49:37 GMT",
                          "Sun, 06 Nov 1994 08:49:37 UTC", "Sunday, 06-Nov-94 08:49:37 GMT",
                          "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:3x GMT",
                          "Sun, -6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 0000 08:49:37 GMT"})
    CHECK_FALSE(parse_http_date(bad));
}
