// SPDX-License-Identifier: Apache-2.0
#include "core/net/tls.h"

#include <fmt/format.h>

#include <thread>

#include <asio/experimental/awaitable_operators.hpp>

#include "core/net/tls_stream.h"
#include "tests/support/catch.h"
#include "tests/support/run_task.h"
#include "tests/support/stream_fixture.h"

using namespace hoop;
using namespace hoop::net;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using test::in;
using test::pattern;
using test::read_to_end;
using test::write_and_end;

namespace {

const GeneratedPki& pki() {
  static const GeneratedPki made =
      generate_pki("test authority", {"db.example", "localhost", "127.0.0.1", "::1"});
  return made;
}

TlsServer server_for(const GeneratedPki& made) {
  auto server = TlsServer::create({made.server_pem, made.server_key_pem.clone()});
  REQUIRE(server);
  return std::move(*server);
}

TlsClient client_for(Trust trust) {
  auto client = TlsClient::create(std::move(trust));
  REQUIRE(client);
  return std::move(*client);
}

struct Ends {
  Result<StreamPtr> client = fail(ErrorCode::internal, "unset");
  Result<StreamPtr> server = fail(ErrorCode::internal, "unset");
};

asio::awaitable<bool> meet(Ends& ends, const TlsClient& client, const TlsServer& server,
                           std::pair<StreamPtr, StreamPtr> lower, std::string name) {
  auto [a, b] = co_await (client.handshake(std::move(lower.first), std::move(name), "", in(5s)) &&
                          server.handshake(std::move(lower.second), in(5s)));
  ends.client = std::move(a);
  ends.server = std::move(b);
  co_return true;
}

Ends shake(asio::io_context& context, const TlsClient& client, const TlsServer& server,
           std::string name) {
  Ends ends;
  test::run(context,
            meet(ends, client, server, stream_pair(context.get_executor()), std::move(name)));
  return ends;
}

Error refused(Trust trust, const GeneratedPki& made, std::string name) {
  asio::io_context context;
  const auto client = client_for(std::move(trust));
  const auto server = server_for(made);
  const auto ends = shake(context, client, server, std::move(name));
  REQUIRE(!ends.client);
  return ends.client.error();
}

Trust authority(const GeneratedPki& made) {
  return {made.ca_pem, std::nullopt, Trust::Names::check};
}
Trust pinned(std::string digest) { return {"", std::move(digest), Trust::Names::check}; }

}  // namespace

TEST_CASE("a client accepts a certificate of its authority for each name it holds") {
  asio::io_context context;
  const auto client = client_for(authority(pki()));
  const auto server = server_for(pki());
  for (const std::string name : {"db.example", "localhost", "127.0.0.1", "::1", "DB.Example"}) {
    CAPTURE(name);
    const auto ends = shake(context, client, server, name);
    CHECK(ends.client);
    CHECK(ends.server);
  }
}

TEST_CASE("a certificate for another name is refused and the names are said") {
  const auto error = refused(authority(pki()), pki(), "other.example");
  CHECK(error.code == ErrorCode::integrity);
  CHECK(error.message ==
        "the certificate is for 'db.example', 'localhost', '127.0.0.1' and 1 more, not "
        "'other.example'");
  CHECK(refused(authority(pki()), pki(), "10.0.0.1").code == ErrorCode::integrity);
  CHECK(refused(authority(pki()), pki(), "").code == ErrorCode::integrity);
  CHECK(refused(authority(pki()), pki(), std::string("db.example\0", 11)).code ==
        ErrorCode::integrity);
}

TEST_CASE("names are ignored only when the trust says so") {
  asio::io_context context;
  auto trust = authority(pki());
  trust.names = Trust::Names::ignore;
  const auto client = client_for(trust);
  const auto server = server_for(pki());
  CHECK(shake(context, client, server, "other.example").client);
}

TEST_CASE("an expired certificate is refused with its date") {
  const auto old = generate_pki("old", {"db.example"},
                                SystemTime(std::chrono::sys_days{std::chrono::year(2020) / 1 / 2}));
  const auto error = refused(authority(old), old, "db.example");
  CHECK(error.code == ErrorCode::integrity);
  CHECK(error.message == "the certificate of 'db.example' has expired (on 2022-04-06)");
  CHECK_THAT(refused(pinned(old.ca_sha256), old, "db.example").message,
             ContainsSubstring("has expired"));
}

TEST_CASE("a certificate from the future is refused and the clock is suspected") {
  const auto early =
      generate_pki("early", {"db.example"}, SystemClock().system_now() + std::chrono::days(30));
  const auto error = refused(authority(early), early, "db.example");
  CHECK_THAT(error.message, ContainsSubstring("is not valid yet"));
  CHECK_THAT(error.hint, ContainsSubstring("clock"));
}

TEST_CASE("an issuer that nobody named is not trusted") {
  const auto other = generate_pki("another authority", {"db.example"});
  for (const auto& trust : {authority(other), Trust{}}) {
    const auto error = refused(trust, pki(), "db.example");
    CHECK(error.code == ErrorCode::integrity);
    CHECK_THAT(error.message, ContainsSubstring("its issuer is not trusted ('test authority')"));
  }
}

TEST_CASE("a same-named authority with another key is not trusted") {
  const auto twin = generate_pki("test authority", {"db.example"});
  CHECK(refused(authority(twin), pki(), "db.example").code == ErrorCode::integrity);
}

TEST_CASE(
    "a pin accepts the pinned authority or leaf, checks the name, and refuses everything else") {
  asio::io_context context;
  const auto server = server_for(pki());
  const auto leaf = certificate_sha256(pki().server_pem);
  REQUIRE(leaf);
  for (const auto& digest : {pki().ca_sha256, *leaf}) {
    const auto client = client_for(pinned(digest));
    CHECK(shake(context, client, server, "db.example").client);
    CHECK_THAT(refused(pinned(digest), pki(), "other.example").message,
               ContainsSubstring("is for 'db.example'"));
  }
  const auto error = refused(pinned(std::string(64, 'a')), pki(), "db.example");
  CHECK(error.code == ErrorCode::integrity);
  CHECK_THAT(error.message, ContainsSubstring("not the pinned one"));
  CHECK_THAT(error.hint, ContainsSubstring(pki().ca_sha256));
}

TEST_CASE(
    "the pinned authority in the presented chain is worth nothing if it did not sign the leaf") {
  const auto mallory = generate_pki("test authority", {"db.example"});
  GeneratedPki forged = generate_pki("x", {"db.example"});
  const auto leaf =
      mallory.server_pem.substr(0, mallory.server_pem.find("-----END CERTIFICATE-----") + 26);
  forged.server_pem = leaf + pki().ca_pem;
  forged.server_key_pem = mallory.server_key_pem.clone();
  CHECK(refused(pinned(pki().ca_sha256), forged, "db.example").code == ErrorCode::integrity);
}

TEST_CASE("with authorities and a pin both must hold") {
  asio::io_context context;
  const auto server = server_for(pki());
  const auto both = client_for({pki().ca_pem, pki().ca_sha256, Trust::Names::check});
  CHECK(shake(context, both, server, "db.example").client);
  CHECK_THAT(refused({pki().ca_pem, std::string(64, 'b'), Trust::Names::check}, pki(), "db.example")
                 .message,
             ContainsSubstring("not the pinned one"));
  const auto other = generate_pki("another authority", {"db.example"});
  CHECK(refused({other.ca_pem, pki().ca_sha256, Trust::Names::check}, pki(), "db.example").code ==
        ErrorCode::integrity);
}

TEST_CASE("trust and certificates that cannot be read are configuration errors") {
  CHECK(TlsClient::create({"no pem", std::nullopt, Trust::Names::check}).error().code ==
        ErrorCode::config);
  CHECK(TlsClient::create(
            {pki().ca_pem + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
             std::nullopt, Trust::Names::check})
            .error()
            .code == ErrorCode::config);
  CHECK(TlsClient::create({"", "1234", Trust::Names::check}).error().code == ErrorCode::config);
  CHECK(TlsServer::create({"no pem", pki().server_key_pem.clone()}).error().code ==
        ErrorCode::config);
  CHECK(TlsServer::create({pki().server_pem, SecretText("no pem")}).error().code ==
        ErrorCode::config);
  CHECK(TlsServer::create({pki().server_pem, pki().ca_key_pem.clone()}).error().code ==
        ErrorCode::config);
  CHECK(certificate_sha256("no pem").error().code == ErrorCode::malformed);
  CHECK(certificate_sha256(pki().ca_pem) == pki().ca_sha256);
}

TEST_CASE("TLS carries 1 MiB both ways at once and ends with close_notify") {
  asio::io_context context;
  const auto client = client_for(authority(pki()));
  const auto server = server_for(pki());
  auto ends = shake(context, client, server, "db.example");
  REQUIRE((ends.client && ends.server));
  auto& a = **ends.client;
  auto& b = **ends.server;
  const auto to_b = pattern(1 << 20, 1);
  const auto to_a = pattern(1 << 20, 99);
  const auto work = [&]() -> asio::awaitable<bool> {
    auto [wrote_a, wrote_b, at_a, at_b] = co_await (
        write_and_end(a, to_b) && write_and_end(b, to_a) && read_to_end(a) && read_to_end(b));
    co_return wrote_a&& wrote_b&& at_a == to_a&& at_b == to_b;
  };
  CHECK(test::run(context, work()));
}

TEST_CASE("a TLS record that goes out at once needs no waiting; one that does not is followed up") {
  asio::io_context context;
  const auto client = client_for(authority(pki()));
  const auto server = server_for(pki());
  auto ends = shake(context, client, server, "db.example");
  REQUIRE((ends.client && ends.server));
  const auto bytes = pattern(16 << 20, 1);
  // Above 80,000 bytes a write is more than one round.
  const auto part = GENERATE(std::size_t{70'000}, std::size_t{200'000});
  test::PartCounts counts;
  const auto work = [&]() -> asio::awaitable<bool> {
    auto [wrote, read] =
        co_await (write_in_parts(**ends.client, bytes, part, counts) && read_to_end(**ends.server));
    co_return wrote&& read == bytes;
  };
  CHECK(test::run(context, work()));
  CHECK(counts.waited > 0);
}

TEST_CASE("a TLS stream goes on where it is moved to, with what was decrypted and its keys") {
  asio::io_context context, other;
  const auto client = client_for(authority(pki()));
  const auto server = server_for(pki());
  asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  asio::ip::tcp::socket near(context);
  near.connect(acceptor.local_endpoint());
  std::pair<StreamPtr, StreamPtr> sockets(make_tcp_stream(std::move(near)),
                                          make_tcp_stream(acceptor.accept()));
  Ends ends;
  test::run(context, meet(ends, client, server, std::move(sockets), "db.example"));
  REQUIRE((ends.client && ends.server));
  auto& a = **ends.client;
  const auto before = [&]() -> asio::awaitable<bool> {
    Bytes buffer(2);
    const auto wrote = co_await a.write_all(as_bytes("abcd"));
    const auto got = co_await (*ends.server)->read_some(buffer);
    co_return wrote&& got&& as_text(ByteSpan(buffer).first(*got)) == "ab";
  };
  REQUIRE(test::run(context, before()));
  const Bytes keys = a.exporter("EXPORTER-test");
  auto moved = (*ends.server)->move_to(other.get_executor());
  REQUIRE(moved);
  ends.server->reset();
  CHECK((*moved)->executor() == other.get_executor());
  CHECK((*moved)->exporter("EXPORTER-test") == keys);
  const auto to_b = pattern(1 << 20, 1);
  const auto to_a = pattern(1 << 20, 99);
  // Two loops, two threads, as in a gateway.
  Result<void> wrote_b;
  Result<Bytes> at_b;
  std::thread there([&] {
    const auto work = [&]() -> asio::awaitable<bool> {
      auto [wrote, read] = co_await (write_and_end(**moved, to_a) && read_to_end(**moved));
      wrote_b = std::move(wrote);
      at_b = std::move(read);
      co_return true;
    };
    asio::co_spawn(other, work(), [](std::exception_ptr, bool) {});
    other.restart();
    other.run();
  });
  const auto work = [&]() -> asio::awaitable<bool> {
    auto [wrote, read] = co_await (write_and_end(a, to_b) && read_to_end(a));
    co_return wrote&& read == to_a;
  };
  CHECK(test::run(context, work()));
  there.join();
  CHECK(wrote_b);
  auto expected = to_b;
  expected.insert(expected.begin(), {'c', 'd'});
  CHECK(at_b == expected);
}

TEST_CASE("a TLS stream that ends without close_notify is an io error, also on the next read") {
  asio::io_context context;
  const auto client = client_for(authority(pki()));
  const auto server = server_for(pki());
  auto ends = shake(context, client, server, "db.example");
  REQUIRE((ends.client && ends.server));
  ends.server->reset();
  Bytes buffer(16);
  for (int i = 0; i < 2; ++i) {
    const auto got = test::run(context, (*ends.client)->read_some(buffer));
    REQUIRE(!got);
    CHECK(got.error().code == ErrorCode::io);
    CHECK_THAT(got.error().message, ContainsSubstring("close_notify"));
  }
}

TEST_CASE("a flipped bit on the way is an io error") {
  asio::io_context context;
  const auto client = client_for(authority(pki()));
  const auto server = server_for(pki());
  auto [client_lower, relay_a] = stream_pair(context.get_executor());
  auto [relay_b, server_lower] = stream_pair(context.get_executor());
  bool flip = false;
  const auto relay = [&](Stream& from, Stream& to) -> asio::awaitable<bool> {
    Bytes buffer(65536);
    for (;;) {
      const auto got = co_await from.read_some(buffer);
      if (!got || *got == 0) co_return true;
      if (flip) buffer[*got - 1] ^= 1;
      if (!co_await to.write_all(ByteSpan(buffer).first(*got))) co_return true;
    }
  };
  const auto talk = [&]() -> asio::awaitable<ErrorCode> {
    Ends ends;
    co_await meet(ends, client, server, {std::move(client_lower), std::move(server_lower)},
                  "db.example");
    flip = true;
    auto code = ErrorCode::internal;
    if (ends.client && ends.server) {
      Bytes buffer(16);
      if (co_await (*ends.client)->write_all(as_bytes("hello"))) {
        const auto got = co_await (*ends.server)->read_some(buffer);
        if (!got) code = got.error().code;
      }
    }
    relay_a->close();
    relay_b->close();
    co_return code;
  };
  const auto work = [&]() -> asio::awaitable<ErrorCode> {
    auto [code, one, other] =
        co_await (talk() && relay(*relay_a, *relay_b) && relay(*relay_b, *relay_a));
    co_return code;
  };
  CHECK(test::run(context, work()) == ErrorCode::io);
}

TEST_CASE("a handshake keeps its deadline against a peer that says nothing") {
  asio::io_context context;
  const auto client = client_for(authority(pki()));
  auto [a, b] = stream_pair(context.get_executor());
  const auto got = test::run(context, client.handshake(std::move(a), "db.example", "", in(20ms)));
  REQUIRE(!got);
  CHECK(got.error().code == ErrorCode::timeout);
}

TEST_CASE("a peer that does not speak TLS is an io error that names the handshake") {
  asio::io_context context;
  const auto server = server_for(pki());
  auto [a, b] = stream_pair(context.get_executor());
  REQUIRE(test::run(context, a->write_all(as_bytes("GET / HTTP/1.1\r\n\r\n"))));
  const auto got = test::run(context, server.handshake(std::move(b), in(1s)));
  REQUIRE(!got);
  CHECK(got.error().code == ErrorCode::io);
  CHECK_THAT(got.error().message, ContainsSubstring("TLS handshake with memory"));
}

TEST_CASE("deadlines and close reach through TLS, and the deadline of the handshake is lifted") {
  asio::io_context context;
  const auto client = client_for(authority(pki()));
  const auto server = server_for(pki());
  auto ends = shake(context, client, server, "db.example");
  REQUIRE((ends.client && ends.server));
  auto& a = *ends.client;
  Bytes buffer(16);
  a->set_deadline(in(20ms));
  auto got = test::run(context, a->read_some(buffer));
  REQUIRE(!got);
  CHECK(got.error().code == ErrorCode::timeout);
  // A read that timed out has lost nothing.
  a->set_deadline(Deadline::never());
  REQUIRE(test::run(context, (*ends.server)->write_all(as_bytes("hi"))));
  got = test::run(context, a->read_some(buffer));
  REQUIRE(got);
  CHECK(as_text(ByteSpan(buffer).first(*got)) == "hi");
  const auto closer = [&]() -> asio::awaitable<bool> {
    asio::steady_timer timer(context, 10ms);
    co_await timer.async_wait(as_result);
    a.reset();
    co_return true;
  };
  const auto work = [&]() -> asio::awaitable<ErrorCode> {
    auto [read, closed] = co_await (a->read_some(buffer) && closer());
    co_return read ? ErrorCode::internal : read.error().code;
  };
  CHECK(test::run(context, work()) == ErrorCode::cancelled);
}

TEST_CASE("the end point is the SHA-256 of an ECDSA-with-SHA-256 certificate, on the client only") {
  asio::io_context context;
  const auto client = client_for(authority(pki()));
  const auto server = server_for(pki());
  const auto ends = shake(context, client, server, "db.example");
  REQUIRE((ends.client && ends.server));
  std::string hex;
  for (const auto byte : (*ends.client)->server_end_point()) hex += fmt::format("{:02x}", byte);
  CHECK(hex == certificate_sha256(pki().server_pem));
  CHECK((*ends.server)->server_end_point().empty());
}

TEST_CASE("both ends of a TLS connection export the same keys, and no other connection does") {
  asio::io_context context;
  const auto client = client_for(authority(pki()));
  const auto server = server_for(pki());
  const auto one = shake(context, client, server, "db.example");
  const auto two = shake(context, client, server, "db.example");
  REQUIRE((one.client && one.server && two.client && two.server));
  const auto keys = (*one.client)->exporter("EXPERIMENTAL-test");
  CHECK(keys.size() == 32);
  CHECK((*one.server)->exporter("EXPERIMENTAL-test") == keys);
  CHECK((*one.client)->exporter("EXPERIMENTAL-other") != keys);
  CHECK((*two.client)->exporter("EXPERIMENTAL-test") != keys);
  CHECK(stream_pair(context.get_executor()).first->exporter("EXPERIMENTAL-test").empty());
}

TEST_CASE("TLS 1.2 exports nothing: its keys are not bound to the whole handshake") {
  asio::io_context context;
  const ContextPtr old(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_max_proto_version(old.get(), TLS1_2_VERSION);
  const auto read = [](std::string_view pem) {
    return std::unique_ptr<BIO, decltype(&BIO_free)>(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  };
  const CertificatePtr leaf(
      PEM_read_bio_X509(read(pki().server_pem).get(), nullptr, nullptr, nullptr));
  const PrivateKeyPtr key(PEM_read_bio_PrivateKey(read(pki().server_key_pem.reveal()).get(),
                                                  nullptr, nullptr, nullptr));
  REQUIRE(SSL_CTX_use_certificate(old.get(), leaf.get()) == 1);
  REQUIRE(SSL_CTX_use_PrivateKey(old.get(), key.get()) == 1);
  const auto client = client_for(authority(pki()));
  auto lower = stream_pair(context.get_executor());
  SslPtr ssl(SSL_new(old.get()));
  SSL_set_accept_state(ssl.get());
  const auto state = std::make_shared<TlsState>(std::move(lower.second), std::move(ssl));
  const auto work = [&]() -> asio::awaitable<bool> {
    auto [a, b] = co_await (client.handshake(std::move(lower.first), "db.example", "", in(5s)) &&
                            shake_hands(state, nullptr, in(5s)));
    REQUIRE((a && b));
    CHECK((*a)->exporter("EXPERIMENTAL-test").empty());
    CHECK((*b)->exporter("EXPERIMENTAL-test").empty());
    co_return true;
  };
  CHECK(test::run(context, work()));
}
