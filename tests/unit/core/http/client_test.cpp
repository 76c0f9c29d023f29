// SPDX-License-Identifier: Apache-2.0
#include "core/http/client.h"

#include <fmt/format.h>

#include <asio/experimental/awaitable_operators.hpp>

#include "core/base/encoding.h"
#include "core/http/message_reader.h"
#include "tests/support/catch.h"
#include "tests/support/http_fixture.h"

using namespace hoop;
using namespace hoop::http;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using test::HttpFixture;
using test::in;
using test::pause;
using test::Transport;

namespace {

asio::awaitable<Response> answer(Request request, ConnectionInfo info) {
  if (request.path() == "/redirect")
    co_return Response{302, {{"Location", "https://evil.example/\x9b"}}, ""};
  if (request.path() == "/large") co_return Response{200, {}, std::string(1 << 20, 'x')};
  if (request.path() == "/slow") co_await pause(300ms);
  if (request.path() == "/agent")
    co_return Response{200, {}, std::string(request.headers.find("user-agent").value_or(""))};
  co_return Response{request.path() == "/missing" ? 404 : 200,
                     {},
                     fmt::format("{} {} {}", request.method, info.connection, request.body)};
}

struct ClientRun {
  HttpFixture fixture;
  Client client;
  explicit ClientRun(Transport transport, ServerOptions server = {}, ClientOptions options = {})
      : fixture(transport, answer, server), client(fixture.client(std::move(options))) {}
  Task<Response> send(std::string method, std::string target, std::string body = {}) {
    return client.send(std::move(method), fixture.url(target), {}, std::move(body), in(5s));
  }
};

}  // namespace

TEST_CASE("requests over TLS share one kept-alive connection") {
  ClientRun run(Transport::tls);
  run.fixture.run([&]() -> asio::awaitable<void> {
    const auto first = co_await run.send("GET", "/");
    REQUIRE(first);
    CHECK(first->body == "GET 1 ");
    const auto second = co_await run.send("POST", "/x", std::string(200'000, 'b'));
    REQUIRE(second);
    CHECK(second->body == "POST 1 " + std::string(200'000, 'b'));
    const auto head = co_await run.send("HEAD", "/x");
    REQUIRE(head);
    CHECK(head->body.empty());
    const auto missing = co_await run.send("DELETE", "/missing");
    REQUIRE(missing);
    CHECK(missing->status == 404);
    CHECK(missing->body == "DELETE 1 ");
  });
}

TEST_CASE("requests at once use connections of their own") {
  ClientRun run(Transport::plain);
  run.fixture.run([&]() -> asio::awaitable<void> {
    auto [one, two] = co_await (run.send("GET", "/slow") && run.send("GET", "/slow"));
    REQUIRE((one && two));
    CHECK(one->body != two->body);
  });
}

TEST_CASE(
    "an idempotent request is sent again when the kept-alive connection is gone; another is not") {
  ServerOptions options;
  options.idle = 30ms;
  ClientRun run(Transport::tls, options);
  run.fixture.run([&]() -> asio::awaitable<void> {
    auto got = co_await run.send("GET", "/");
    REQUIRE(got);
    co_await pause(80ms);
    got = co_await run.send("GET", "/");
    REQUIRE(got);
    CHECK(got->body == "GET 2 ");
    co_await pause(80ms);
    got = co_await run.send("POST", "/");
    REQUIRE_FALSE(got);
    CHECK_FALSE(got.error().message.empty());
    got = co_await run.send("POST", "/");
    REQUIRE(got);
    CHECK(got->body == "POST 3 ");
  });
}

TEST_CASE("a redirect is an error that says where to, neutralised") {
  ClientRun run(Transport::plain);
  run.fixture.run([&]() -> asio::awaitable<void> {
    const auto got = co_await run.send("GET", "/redirect?secret=1");
    REQUIRE_FALSE(got);
    CHECK(got.error().code == ErrorCode::upstream_refused);
    CHECK_THAT(got.error().message,
               ContainsSubstring("/redirect: ") && !ContainsSubstring("secret"));
    CHECK_THAT(got.error().remote,
               ContainsSubstring("https://evil.example/") && !ContainsSubstring("\x9b"));
  });
}

TEST_CASE("bodies above the cap, late answers and wrong authorities fail with their own codes") {
  ClientOptions small;
  small.max_body = 1000;
  ClientRun run(Transport::tls, {}, std::move(small));
  run.fixture.run([&]() -> asio::awaitable<void> {
    const auto large = co_await run.send("GET", "/large");
    REQUIRE_FALSE(large);
    CHECK(large.error().code == ErrorCode::too_large);
    const auto late = co_await run.client.send("GET", run.fixture.url("/slow"), {}, "", in(50ms));
    REQUIRE_FALSE(late);
    CHECK(late.error().code == ErrorCode::timeout);
    auto stranger = Client::create(run.fixture.context.get_executor(),
                                   {"", std::string(64, '0'), net::Trust::Names::check});
    REQUIRE(stranger);
    const auto untrusted = co_await stranger->send("GET", run.fixture.url("/"), {}, "", in(5s));
    REQUIRE_FALSE(untrusted);
    CHECK(untrusted.error().code == ErrorCode::integrity);
  });
}

TEST_CASE("the server's refusal of a body that is too large is read although it stops reading") {
  ServerOptions options;
  options.max_body = 1000;
  ClientRun run(Transport::tls, options);
  run.fixture.run([&]() -> asio::awaitable<void> {
    const auto got = co_await run.send("PUT", "/", std::string(900'000, 'x'));
    REQUIRE(got);
    CHECK(got->status == 413);
  });
}

TEST_CASE(
    "plain http goes to this machine only, unless allowed; headers cannot split the request") {
  ClientRun run(Transport::plain);
  run.fixture.run([&]() -> asio::awaitable<void> {
    const auto far =
        co_await run.client.send("GET", *parse_url("http://192.0.2.1/"), {}, "", in(1s));
    REQUIRE_FALSE(far);
    CHECK(far.error().code == ErrorCode::usage);
    Headers two_in_one;
    two_in_one.add("X", "a\r\nY: b");
    const auto split =
        co_await run.client.send("GET", run.fixture.url("/"), two_in_one, "", in(1s));
    REQUIRE_FALSE(split);
    CHECK(split.error().code == ErrorCode::internal);
    const auto agent = co_await run.send("GET", "/agent");
    REQUIRE(agent);
    CHECK_THAT(agent->body, Catch::Matchers::StartsWith("hoopctl/"));
  });
}

TEST_CASE("nothing listening is upstream_unreachable") {
  asio::io_context context;
  asio::ip::tcp::acceptor taken(context, {asio::ip::address_v4::loopback(), 0});
  const auto url = *parse_url(fmt::format("https://127.0.0.1:{}/", taken.local_endpoint().port()));
  taken.close();
  auto client = Client::create(context.get_executor(), {});
  REQUIRE(client);
  const auto got = test::run(context, client->send("GET", url, {}, "", in(5s)));
  REQUIRE_FALSE(got);
  CHECK(got.error().code == ErrorCode::upstream_unreachable);
}

namespace {

Task<void> pump(net::Stream& from, net::Stream& to) {
  Bytes buffer(16384);
  for (;;) {
    HOOP_CO_TRY(const auto count, co_await from.read_some(buffer));
    if (count == 0) co_return co_await to.shutdown_write();
    HOOP_CO_CHECK(co_await to.write_all(ByteSpan(buffer).first(count)));
  }
}

/// Takes one CONNECT, notes its head, and consents in HTTP/1.0 (as old proxies do) or answers
/// status.
asio::awaitable<void> one_tunnel(asio::ip::tcp::acceptor& acceptor, std::uint16_t port, int status,
                                 Request& seen) {
  auto client = net::make_tcp_stream(co_await acceptor.async_accept(asio::use_awaitable));
  RequestReader reader(0);
  Bytes buffer(4096);
  for (bool whole = false; !whole;) {
    const auto count = co_await client->read_some(buffer);
    REQUIRE(count);
    auto in = ByteSpan(buffer).first(*count);
    const auto event = reader.next(in);
    REQUIRE(event);
    whole = *event == Event::head;
  }
  seen = reader.head();
  const auto reply = fmt::format("HTTP/1.0 {} Whatever\r\n\r\n", status);
  static_cast<void>(co_await client->write_all(as_bytes(reply)));
  if (status != 200) co_return;
  auto server = co_await net::connect_tcp(acceptor.get_executor(), "127.0.0.1", port, in(5s));
  REQUIRE(server);
  co_await (pump(*client, **server) || pump(**server, *client));
}

}  // namespace

TEST_CASE("a proxy is asked to CONNECT with its login, and TLS is checked through it") {
  for (const int status : {200, 407}) {
    CAPTURE(status);
    asio::io_context listening;
    HttpFixture fixture(Transport::tls, answer);
    asio::ip::tcp::acceptor acceptor(fixture.context, {asio::ip::address_v4::loopback(), 0});
    auto proxy = Proxy::from_environment(
        {fmt::format("http://us%3Aer:p%40ss@127.0.0.1:{}", acceptor.local_endpoint().port()), ""});
    REQUIRE((proxy && *proxy));
    ClientOptions options;
    options.proxy = std::move(**proxy);
    auto client = fixture.client(std::move(options));
    Request seen;
    fixture.run([&]() -> asio::awaitable<void> {
      const auto ask = [&]() -> Task<Response> {
        auto got = co_await client.send("GET", *parse_url("https://gw.test/x"), {}, "", in(5s));
        client.close();
        co_return got;
      };
      auto got = co_await (ask() && one_tunnel(acceptor, fixture.server().port(), status, seen));
      CHECK(seen.method == "CONNECT");
      CHECK(seen.target == "gw.test:443");
      CHECK(seen.headers.find("proxy-authorization") ==
            "Basic " + to_base64(as_bytes("us:er:p@ss")));
      CHECK(got.has_value() == (status == 200));
      if (!got)
        CHECK_THAT(got.error().message + got.error().hint, ContainsSubstring("status 407") &&
                                                               ContainsSubstring("login") &&
                                                               !ContainsSubstring("p@ss"));
    });
  }
}

TEST_CASE("an upgrade proves itself on its own connection and hands it over") {
  Bytes server_keys;
  std::string fields;
  const auto handler = [&](Request request, ConnectionInfo info) -> asio::awaitable<Response> {
    if (!request.headers.lists("connection", "upgrade"))
      co_return Response{200, {}, std::to_string(info.connection)};
    server_keys = info.stream->exporter("EXPERIMENTAL-test");
    fields = fmt::format("{} {} {} {} {}", request.method, info.connection, info.unread,
                         request.headers.only("upgrade").value_or("?"),
                         request.headers.only("x-proof").value_or("?"));
    Response response{101, {{"Connection", "Upgrade"}, {"Upgrade", "Hoop/1"}}, ""};
    response.upgrade = [](net::StreamPtr stream, std::string) -> asio::awaitable<void> {
      const auto text = co_await HttpFixture::rest_of(*stream);
      const auto reply = "echo " + text;
      static_cast<void>(co_await stream->write_all(as_bytes(reply)));
      static_cast<void>(co_await stream->shutdown_write());
    };
    co_return response;
  };
  HttpFixture fixture(Transport::tls, handler);
  auto client = fixture.client();
  fixture.run([&]() -> asio::awaitable<void> {
    const auto url = fixture.url("/tunnel");
    const auto first = co_await client.send("GET", url, Headers(), "", in(5s));
    REQUIRE(first);
    Bytes client_keys;
    const Client::UpgradeHeaders prove = [&](const net::Stream& stream) -> Result<Headers> {
      client_keys = stream.exporter("EXPERIMENTAL-test");
      return Headers{{"X-Proof", "yes"}};
    };
    auto answer = co_await client.upgrade(url, "hoop/1", prove, in(200ms));
    REQUIRE(answer);
    CHECK(fields == "GET 2 0 hoop/1 yes");
    CHECK((client_keys.size() == 32 && client_keys == server_keys));
    auto* upgraded = std::get_if<Client::Upgraded>(&*answer);
    REQUIRE(upgraded != nullptr);
    CHECK(upgraded->early.empty());
    // The deadline was that of the switch.
    co_await pause(250ms);
    const auto sent = co_await upgraded->stream->write_all(as_bytes("hello"));
    const auto ended = co_await upgraded->stream->shutdown_write();
    CHECK((sent && ended));
    const auto reply = co_await HttpFixture::rest_of(*upgraded->stream);
    CHECK(reply == "echo hello");
    const auto again = co_await client.send("GET", url, Headers(), "", in(5s));
    REQUIRE(again);
    CHECK(again->body == "1");
    const Client::UpgradeHeaders refuse = [](const net::Stream&) -> Result<Headers> {
      return fail(ErrorCode::unsupported, "no key");
    };
    const auto refused = co_await client.upgrade(url, "hoop/1", refuse, in(5s));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::unsupported);
  });
}

namespace {

/// Answers the first request of one connection by answer, then reads until the client goes.
asio::awaitable<bool> answer_once(asio::ip::tcp::acceptor& acceptor, std::string answer) {
  auto stream = net::make_tcp_stream(co_await acceptor.async_accept(asio::use_awaitable));
  Bytes buffer(4096);
  const auto count = co_await stream->read_some(buffer);
  const auto sent = co_await stream->write_all(as_bytes(answer));
  CHECK((count && sent));
  static_cast<void>(co_await stream->read_some(buffer));
  co_return true;
}

}  // namespace

TEST_CASE("what an upgrade is answered: the protocol with its first bytes, a refusal, nonsense") {
  struct Row {
    std::string answer;
    std::string expected;
  };
  const std::string kSwitch = "HTTP/1.1 101 Switching Protocols\r\n";
  const auto row = GENERATE_COPY(
      Row{kSwitch + "Connection: upgrade\r\nUpgrade: hoop/1\r\n\r\nfirst bytes",
          "upgraded first bytes"},
      Row{"HTTP/1.1 100 Continue\r\n\r\n" + kSwitch +
              "Connection: x, Upgrade\r\nUpgrade: HOOP/1\r\n\r\n",
          "upgraded "},
      Row{"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno", "401 no"},
      Row{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 "},
      Row{kSwitch + "Connection: upgrade\r\nUpgrade: hoop/2\r\n\r\n", "malformed"},
      Row{kSwitch + "Connection: upgrade\r\n\r\n", "malformed"},
      Row{kSwitch + "Connection: upgrade\r\nUpgrade: hoop/1\r\nUpgrade: hoop/1\r\n\r\n",
          "malformed"},
      Row{kSwitch + "Upgrade: hoop/1\r\n\r\n", "malformed"},
      Row{"HTTP/1.1 302 Found\r\nLocation: https://evil/\r\nContent-Length: 0\r\n\r\n",
          "upstream_refused"},
      Row{"tunnel!\r\n\r\n", "malformed"});
  CAPTURE(row.answer);
  asio::io_context context;
  asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  auto client = Client::create(context.get_executor(), {});
  REQUIRE(client);
  const auto url =
      parse_url(fmt::format("http://127.0.0.1:{}/t?secret=1", acceptor.local_endpoint().port()));
  REQUIRE(url);
  const auto ask = [&]() -> asio::awaitable<std::string> {
    const Client::UpgradeHeaders none = [](const net::Stream&) { return Headers(); };
    auto answer = co_await client->upgrade(*url, "hoop/1", none, in(5s));
    if (!answer) {
      CHECK_THAT(answer.error().message, !ContainsSubstring("secret"));
      co_return std::string(to_string(answer.error().code));
    }
    if (const auto* response = std::get_if<Response>(&*answer))
      co_return fmt::format("{} {}", response->status, response->body);
    co_return "upgraded " + to_text(std::get<Client::Upgraded>(*answer).early);
  };
  const auto both = [&]() -> asio::awaitable<bool> {
    auto [text, served] = co_await (ask() && answer_once(acceptor, row.answer));
    CHECK(served);
    CHECK(text == row.expected);
    co_return true;
  };
  CHECK(test::run(context, both()));
}

TEST_CASE("an upgrade goes through the proxy, and in the clear only to this machine") {
  const auto handler = [](Request, ConnectionInfo) -> asio::awaitable<Response> {
    Response response{101, {{"Connection", "Upgrade"}, {"Upgrade", "hoop/1"}}, ""};
    response.upgrade = [](net::StreamPtr stream, std::string) -> asio::awaitable<void> {
      static_cast<void>(co_await stream->write_all(as_bytes("hello")));
      static_cast<void>(co_await stream->shutdown_write());
    };
    co_return response;
  };
  HttpFixture fixture(Transport::tls, handler);
  asio::ip::tcp::acceptor acceptor(fixture.context, {asio::ip::address_v4::loopback(), 0});
  auto proxy = Proxy::from_environment(
      {fmt::format("http://127.0.0.1:{}", acceptor.local_endpoint().port()), ""});
  REQUIRE((proxy && *proxy));
  ClientOptions options;
  options.proxy = std::move(**proxy);
  auto client = fixture.client(std::move(options));
  Request seen;
  fixture.run([&]() -> asio::awaitable<void> {
    const Client::UpgradeHeaders none = [](const net::Stream&) { return Headers(); };
    const auto ask = [&]() -> asio::awaitable<std::string> {
      auto answer =
          co_await client.upgrade(*parse_url("https://gw.test/x"), "hoop/1", none, in(5s));
      if (!answer) co_return answer.error().message;
      auto* upgraded = std::get_if<Client::Upgraded>(&*answer);
      if (upgraded == nullptr) co_return "no upgrade";
      co_return to_text(upgraded->early) + co_await HttpFixture::rest_of(*upgraded->stream);
    };
    auto text = co_await (ask() && one_tunnel(acceptor, fixture.server().port(), 200, seen));
    CHECK(text == "hello");
    CHECK(seen.target == "gw.test:443");
    const auto clear =
        co_await client.upgrade(*parse_url("http://gw.test/x"), "hoop/1", none, in(5s));
    REQUIRE_FALSE(clear);
    CHECK(clear.error().code == ErrorCode::usage);
  });
}

TEST_CASE("HTTPS_PROXY and NO_PROXY are read") {
  const auto read = [](std::string proxy, std::string direct) {
    return Proxy::from_environment({std::move(proxy), std::move(direct)});
  };
  CHECK_FALSE(read("", "")->has_value());
  for (const std::string text :
       {"https://p", "socks5://p", "p:x", "http://", "http://u:%zz@p", "http://p/path"})
    CHECK(read(text, "").error().code == ErrorCode::config);
  const auto plain = read("proxy.example:3128", "");
  REQUIRE((plain && *plain));
  CHECK((*plain)->host() == "proxy.example");
  CHECK((*plain)->port() == 3128);
  CHECK((*plain)->authorization().empty());
  CHECK_FALSE((*plain)->applies_to(*parse_url("https://localhost/")));
  CHECK_FALSE((*plain)->applies_to(*parse_url("http://a.example/")));
  const auto some = read("http://p/", "Corp.example, .other.example:8443 10.0.0.1,::2");
  REQUIRE((some && *some));
  for (const std::string direct :
       {"https://corp.example/", "https://a.corp.example/", "https://x.other.example:8443/",
        "https://10.0.0.1/", "https://[::2]/"}) {
    CHECK_FALSE((*some)->applies_to(*parse_url(direct)));
  }
  for (const std::string proxied :
       {"https://notcorp.example/", "https://other.example/", "https://10.0.0.2/"})
    CHECK((*some)->applies_to(*parse_url(proxied)));
  CHECK_FALSE((*read("p", "*"))->applies_to(*parse_url("https://a.example/")));
}
