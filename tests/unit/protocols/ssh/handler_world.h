// SPDX-License-Identifier: Apache-2.0
// A session as the engine runs it: the stock ssh, policy, masks, record, a relay process, a real
// sshd.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/crypto/digest.h"
#include "core/record/session_log_reader.h"
#include "protocols/ssh/certificate.h"
#include "protocols/ssh/door.h"
#include "protocols/ssh/handler.h"
#include "protocols/ssh/private_key.h"
#include "protocols/ssh/relay.h"
#include "tests/support/catch.h"
#include "tests/support/memory_log.h"
#include "tests/support/run_task.h"
#include "tests/support/ssh_client.h"
#include "tests/support/ssh_server.h"
#include "tests/support/temp_dir.h"

namespace hoop::ssh {

namespace world_parts {

inline net::StreamPtr tcp_stream(Descriptor socket, const asio::any_io_executor& executor) {
  asio::ip::tcp::socket made(executor);
  made.assign(asio::ip::tcp::v4(), socket.release());
  return net::make_tcp_stream(std::move(made));
}

class ServerDialer final : public net::Dialer {
 public:
  ServerDialer(test::SshServer& server, asio::any_io_executor executor)
      : server_(server), executor_(std::move(executor)) {}
  Task<net::StreamPtr> dial(std::string, std::uint16_t, Deadline) override {
    co_return tcp_stream(server_.connect(), executor_);
  }

 private:
  test::SshServer& server_;
  asio::any_io_executor executor_;
};

/// As exec would: a process must not hold the other ends of its own sockets.
inline void keep_only(const std::vector<int>& kept) {
  for (int descriptor = 3; descriptor < 1024; ++descriptor) {
    if (std::ranges::find(kept, descriptor) == kept.end()) ::close(descriptor);
  }
}

}  // namespace world_parts

struct HandlerWorld {
  static access::Rule rule(std::string name, access::Effect effect,
                           std::map<std::string, std::vector<std::string>> when) {
    access::Rule out;
    out.name = std::move(name);
    out.effect = effect;
    out.when = std::move(when);
    out.message = out.name + " says so";
    return out;
  }

  asio::io_context context;
  SystemClock clock;
  crypto::SystemRandom random;
  NullLog operator_log;
  crypto::Ed25519Key authority = crypto::Ed25519Key::generate();
  crypto::Ed25519Key key = crypto::Ed25519Key::generate();
  crypto::Ed25519Key host = crypto::Ed25519Key::generate();
  crypto::Ed25519Key client = crypto::Ed25519Key::generate();
  test::SshServer server{to_line(public_key(authority.public_key())),
                         {"Subsystem sftp internal-sftp"}};
  std::shared_ptr<test::MemoryLog> log = std::make_shared<test::MemoryLog>();
  test::TempDir folder;
  access::PolicyDocument policy;
  access::Identity identity;
  std::optional<crypto::Digest256> only;  // see Grant
  std::unique_ptr<session::SessionEngine> engine;
  Result<void> served;

  HandlerWorld() {
    policy.rules = {rule("no-rm", access::Effect::deny, {{"command", {"rm **"}}}),
                    rule("all", access::Effect::allow, {{"protocol", {"ssh"}}})};
    access::Mask mask;
    mask.name = "cards";
    mask.detectors = {"payment_card"};
    policy.masks = {mask};
  }

  access::SshCredential credential() {
    CertificateTerms terms;
    terms.key_id = "handler test";
    terms.principals = {test::SshServer::user()};
    terms.valid_after = clock.system_now() - std::chrono::seconds(60);
    terms.valid_before = clock.system_now() + std::chrono::seconds(600);
    terms.extensions = {{"permit-pty", ""}};
    access::SshCredential out;
    out.certificate = sign_certificate(key.public_key(), terms, authority, random).value();
    out.key = key.seed();
    return out;
  }
  DoorKeys door_keys() { return {host.seed(), public_key(client.public_key()).blob}; }

  /// behind: the server that is reached, where it is another.
  void open(test::SshServer* behind = nullptr) {
    session::SessionParts parts{
        {},
        std::make_unique<test::MemorySink>(log),
        crypto::Ed25519Key::generate(),
        std::make_unique<world_parts::ServerDialer>(behind == nullptr ? server : *behind,
                                                    context.get_executor()),
        [](session::SessionContext given) {
          return make_handler(given, [](RelaySockets sockets) -> Result<pid_t> {
            return test::start_process([&] {
              world_parts::keep_only(
                  {sockets.control.get(), sockets.client.get(), sockets.target.get()});
              ::_exit(run_relay(std::move(sockets.control), std::move(sockets.client),
                                std::move(sockets.target)));
            });
          });
        },
        {},
        ""};
    parts.grant.session = "s_ssh";
    parts.grant.target.name = "web-1";
    parts.grant.target.protocol = "ssh";
    parts.grant.target.host_keys = {server.host_key("ed25519")};
    parts.grant.logins = {test::SshServer::user()};
    parts.grant.credential = credential();
    parts.grant.identity = identity;
    parts.grant.identity.subject = "ann";
    parts.grant.mask_key = SecretBytes(Bytes(32, 1));
    parts.grant.policy = policy;
    parts.grant.only = only;
    auto made = session::SessionEngine::create(std::move(parts), clock, random, operator_log);
    REQUIRE(made);
    engine = std::move(*made);
  }

  /// One client, served to its end; ends: after that long the session is ended from outside;
  /// leaves: after that long the client goes.
  test::SshRan run(std::vector<std::string> words, std::string input = {},
                   std::chrono::milliseconds ends = {}, const std::string& program = "/usr/bin/ssh",
                   std::chrono::milliseconds leaves = {}) {
    if (!engine) open();
    std::ofstream(folder / "id") << openssh_private_key(client, random).reveal();
    std::filesystem::permissions(folder / "id", std::filesystem::perms::owner_read);
    words.insert(words.begin(),
                 {"-o", "IdentitiesOnly=yes", "-o", "IdentityFile=" + (folder / "id")});
    test::SshClient ssh({to_line(public_key(host.public_key())), words, std::move(input), program});
    auto downstream = world_parts::tcp_stream(ssh.accept(), context.get_executor());
    asio::steady_timer timer(context);
    if (ends.count() > 0) {
      timer.expires_after(ends);
      timer.async_wait([this](std::error_code error) {
        if (!error) engine->end_all("access was revoked by ops");
      });
    }
    asio::steady_timer departure(context);
    if (leaves.count() > 0) {
      departure.expires_after(leaves);
      departure.async_wait([&ssh](std::error_code error) {
        if (!error) ssh.leave();
      });
    }
    served = test::run(
        context,
        [](HandlerWorld& world, net::StreamPtr stream, asio::steady_timer& until) -> Task<void> {
          Result<void> outcome =
              co_await world.engine->serve(std::move(stream), opening_of(world.door_keys()));
          until.cancel();
          co_return outcome;
        }(*this, std::move(downstream), timer));
    return ssh.wait();
  }

  /// Types and payloads of the sealed log.
  std::string record() {
    REQUIRE(engine->finish("program_exit", 0));
    record::LogReader reader;
    reader.feed(log->bytes);
    std::string text;
    for (;;) {
      const auto next = reader.next();
      REQUIRE(next);
      if (!*next) break;
      text += to_text((*next)->payload) + "\n";
    }
    REQUIRE(reader.finish());
    return text;
  }
};

}  // namespace hoop::ssh
