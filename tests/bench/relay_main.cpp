// SPDX-License-Identifier: Apache-2.0
// bench_relay CONNINFO -- PROGRAM…: the byte relay of our own engine around a program, as the
// anchor of ./dev bench.
//
// It has the endpoint, the door, the upstream login and the two loops of `hoopctl connect`, but
// copies bytes: what hoopctl costs more is what policy, masking and recording cost. A program of
// its own, so that nothing shipped can skip them.
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <list>

#include "core/base/encoding.h"
#include "core/net/endpoint.h"
#include "core/process/deep_stack.h"
#include "core/process/supervisor.h"
#include "core/session/session_engine.h"
#include "protocols/postgres/door.h"
#include "protocols/postgres/handler.h"

extern char** environ;

namespace {

using namespace hoop;

class DiscardSink final : public record::LogSink {
 public:
  Result<void> write(ByteSpan) override { return {}; }
  Result<void> sync() override { return {}; }
};

std::map<std::string, std::string> parse_conninfo(const std::string& text) {
  std::map<std::string, std::string> out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (const auto equal = word.find('='); equal != std::string::npos)
      out[word.substr(0, equal)] = word.substr(equal + 1);
    at = end + 1;
  }
  return out;
}

access::Grant grant_for(std::map<std::string, std::string> info, Random& random) {
  std::ifstream ca(info["sslrootcert"]);
  access::Grant grant;
  grant.session = "s_bench";
  grant.target.name = "bench";
  grant.target.protocol = "postgres";
  grant.target.host = info["host"];
  grant.target.port = static_cast<std::uint16_t>(std::atoi(info["port"].c_str()));
  grant.target.databases = {info["dbname"]};
  grant.target.tls_ca_pem = std::string(std::istreambuf_iterator<char>(ca), {});
  grant.target.tls_server_name = "localhost";
  grant.credential = access::PostgresCredential{info["user"], SecretText(info["password"]), {}};
  grant.mask_key = SecretBytes(random.bytes(32));
  return grant;
}

/// One connection after the other is accepted; all are served until the program ends.
asio::awaitable<void> accept_all(net::Endpoint& endpoint, session::Door& door,
                                 session::SessionEngine& engine, const Clock& clock, int& serving) {
  for (;;) {
    auto stream = co_await endpoint.accept();
    if (!stream) co_return;
    auto opening = co_await door.open(**stream, Deadline::after(clock, std::chrono::seconds(10)));
    if (!opening) continue;
    ++serving;
    asio::co_spawn(
        co_await asio::this_coro::executor,
        [](session::SessionEngine& to, net::StreamPtr downstream,
           session::Opening what) -> asio::awaitable<void> {
          static_cast<void>(co_await to.serve(std::move(downstream), std::move(what)));
        }(engine, std::move(*stream), std::move(*opening)),
        [&serving](std::exception_ptr) { --serving; });
  }
}

int run(int argc, char** argv) {
  const SystemClock clock;
  crypto::SystemRandom random;
  NullLog log;
  asio::io_context loop(1);
  std::string dir = "/tmp/hoopbench-XXXXXX";
  if (::mkdtemp(dir.data()) == nullptr) return 70;
  const std::string password = to_base64url(random.bytes(24));
  {
    std::ofstream file(dir + "/pgpass");
    file << "*:*:*:*:" << password << "\n";
    std::filesystem::permissions(
        dir + "/pgpass", std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
  process::Supervisor supervisor(loop.get_executor(), {});
  session::SessionParts parts{grant_for(parse_conninfo(argv[1]), random),
                              std::make_unique<DiscardSink>(),
                              crypto::Ed25519Key::generate(),
                              std::make_unique<net::DirectDialer>(loop.get_executor()),
                              postgres::make_relay_handler,
                              {},
                              {}};
  auto engine = session::SessionEngine::create(std::move(parts), clock, random, log);
  auto endpoint = net::listen_unix(
      loop.get_executor(), dir + "/.s.PGSQL.5432",
      [&]() -> std::optional<net::ProgramTree> {
        if (!supervisor.pid()) return std::nullopt;
        return net::ProgramTree{*supervisor.pid(), 0};
      },
      [](std::string_view) {});
  if (!engine || !endpoint) {
    std::fprintf(stderr, "bench_relay: %s\n",
                 (!engine ? engine.error() : endpoint.error()).message.c_str());
    return 70;
  }
  process::Program program;
  program.words.assign(argv + 3, argv + argc);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("PG")) program.environment.emplace_back(*entry);
  }
  for (const auto& entry : {"PGHOST=" + dir, std::string("PGPORT=5432"), std::string("PGUSER=hoop"),
                            "PGPASSFILE=" + dir + "/pgpass", std::string("PGSSLMODE=disable"),
                            std::string("PGGSSENCMODE=disable")}) {
    program.environment.push_back(entry);
  }
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (std::string_view(*entry).starts_with("PGURL=")) program.environment.emplace_back(*entry);
  }
  postgres::PostgresDoor door(SecretText(password), random,
                              postgres::PostgresDoor::Behind::unix_socket);
  int serving = 0, status = 70;
  asio::steady_timer parting(loop);
  if (const auto started = supervisor.start(program); !started) return 70;
  asio::co_spawn(loop, accept_all(**endpoint, door, **engine, clock, serving),
                 [](std::exception_ptr) {});
  asio::co_spawn(loop, supervisor.wait(), [&](std::exception_ptr, Result<process::ProgramEnd> end) {
    if (end) status = end->status;
    (*endpoint)->close();
    (*engine)->end_all("the program has ended");
    // The supervisor goes on listening for signals: the loop would never run dry.
    parting.expires_after(std::chrono::milliseconds(50));
    parting.async_wait([&](const std::error_code&) { loop.stop(); });
  });
  loop.run();
  std::filesystem::remove_all(dir);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: bench_relay CONNINFO -- PROGRAM...\n");
    return 64;
  }
  return process::run_on_deep_stack([&] { return run(argc, argv); });
}
