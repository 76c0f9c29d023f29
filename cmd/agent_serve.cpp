// SPDX-License-Identifier: Apache-2.0
// hoopctl agent serve: joins a gateway once, then serves it until SIGTERM or SIGINT; the operator
// log goes to stderr.
#include <signal.h>
#include <sys/stat.h>

#include <asio/signal_set.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "agent/agent.h"
#include "agent/join.h"
#include "cmd/agent.h"
#include "cmd/command_line.h"
#include "cmd/issuer_client.h"
#include "cmd/run.h"
#include "cmd/trust_options.h"
#include "core/identity/private_file.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kMaxToken = 128;

struct ServeOptions {
  std::string ca_file;
  std::string ca_sha256;
  std::string state;
  std::string token_file;
  std::vector<std::string> allow;
  bool rotate = false;
};

Result<SecretText> read_token(const std::string& path) {
  HOOP_TRY(auto text, identity::read_private_file(path, kMaxToken));
  if (!text)
    return fail(ErrorCode::usage, fmt::format("there is no '{}'", remote_text(path)),
                "'hoopctl gateway agent add' prints a join token: keep it in that file, mode 0600");
  std::string token = text->reveal();
  while (token.ends_with('\n') || token.ends_with('\r')) token.pop_back();
  if (token.empty())
    return fail(ErrorCode::usage, "the file of the join token is empty",
                "hoopctl gateway agent add DIR NAME, at the gateway, prints one");
  return SecretText(std::move(token));
}

class AgentServe {
 public:
  AgentServe(Environment& environment, ServeOptions options)
      : environment_(environment),
        options_(std::move(options)),
        log_(2, environment.options.verbose ? LogLevel::debug : LogLevel::info) {}

  Result<void> work();

 private:
  Result<std::filesystem::path> state_folder() const;
  Result<agent::AgentIdentity> identity_of(const agent::AgentFile& file) const;
  Result<http::Client> client_for(const agent::AgentIdentity& identity);
  Result<void> join(const agent::AgentFile& file, agent::AgentIdentity& identity,
                    http::Client& client);

  Environment& environment_;
  ServeOptions options_;
  TextLog log_;
  asio::io_context context_;
};

Result<std::filesystem::path> AgentServe::state_folder() const {
  if (!options_.state.empty()) return options_.state;
  HOOP_TRY(const std::string base, environment_.state_folder());
  return std::filesystem::path(base) / "agent";
}

/// What is kept, or the beginning of it; what the command line says of trust holds from now on.
Result<agent::AgentIdentity> AgentServe::identity_of(const agent::AgentFile& file) const {
  std::string url = environment_.settings.gateway;
  if (!url.empty()) {
    auto parsed = identity::parse_https_url(url);
    if (!parsed)
      return fail(ErrorCode::usage, fmt::format("'{}' is not a gateway's URL", remote_text(url)),
                  "https://HOST[:PORT]");
    url = parsed->origin();
  }
  HOOP_TRY(auto kept, file.load());
  agent::AgentIdentity out;
  if (kept) {
    out = std::move(*kept);
    if (!url.empty() && url != out.gateway)
      return fail(ErrorCode::config,
                  fmt::format("this agent belongs to {}, and not to {}", out.gateway, url),
                  "leave --gateway out, or give another --state");
  } else {
    if (url.empty())
      return fail(ErrorCode::usage, "which gateway is this agent to join?",
                  "--gateway https://HOST[:PORT]");
    out.gateway = url;
    out.key = std::make_shared<const crypto::Ed25519Key>(crypto::Ed25519Key::generate());
    out.key_since = environment_.clock.system_now();
  }
  if (!options_.ca_file.empty()) {
    out.trust = {};
    HOOP_TRY(out.trust.ca_pem, read_ca_file(options_.ca_file));
  } else if (!options_.ca_sha256.empty()) {
    out.trust = {};
    HOOP_TRY(out.trust.ca_sha256, read_ca_digest(options_.ca_sha256));
  }
  return out;
}

Result<http::Client> AgentServe::client_for(const agent::AgentIdentity& identity) {
  HOOP_TRY(http::ClientOptions options, client_options(environment_));
  return http::Client::create(context_.get_executor(), identity.trust, std::move(options));
}

Result<void> AgentServe::join(const agent::AgentFile& file, agent::AgentIdentity& identity,
                              http::Client& client) {
  if (options_.token_file.empty())
    return fail(ErrorCode::usage, "this agent has not joined a gateway yet",
                "--join-token-file F, with what 'hoopctl gateway agent add' prints");
  HOOP_TRY(SecretText token, read_token(options_.token_file));
  // On disk before the gateway has it: asked again with this key, it answers again.
  HOOP_CHECK(file.save(identity));
  auto name = run(context_, agent::join(client, identity, std::move(token),
                                        Deadline::after(environment_.clock, kRequestTime)));
  if (!name) {
    Error error = std::move(name).error();
    // As for every other client of a gateway: exit status 78.
    if (error.code == ErrorCode::integrity) {
      error.code = ErrorCode::config;
      error.hint = "--ca FILE or --ca-sha256 HEX, as the gateway's operator gives them";
    }
    if (error.code == ErrorCode::io || error.code == ErrorCode::malformed)
      error.code = ErrorCode::upstream_unreachable;
    return std::unexpected(std::move(error).within("join " + identity.gateway));
  }
  identity.name = *name;
  log_.info("agent.joined", {{"gateway", identity.gateway}, {"agent", identity.name}});
  return {};
}

Result<void> AgentServe::work() {
  HOOP_TRY(auto allow, agent::AllowList::parse(options_.allow));
  HOOP_TRY(const std::filesystem::path folder, state_folder());
  HOOP_TRY(agent::AgentFile file, agent::AgentFile::open(folder));
  HOOP_TRY(agent::AgentIdentity identity, identity_of(file));
  HOOP_TRY(http::Client client, client_for(identity));
  if (identity.name.empty()) HOOP_CHECK(join(file, identity, client));
  HOOP_CHECK(file.save(identity));

  const auto served = std::make_shared<agent::Agent>(
      agent::Agent::Parts{std::move(client), std::move(file), std::move(identity), std::move(allow),
                          environment_.clock, environment_.random, log_, context_.get_executor()});
  if (options_.rotate) served->change_key();
  asio::signal_set signals(context_, SIGTERM, SIGINT);
  std::function<void(const std::error_code&, int)> on_signal = [&](const std::error_code& stopped,
                                                                   int) {
    if (stopped) return;
    served->stop();
    signals.async_wait(on_signal);
  };
  signals.async_wait(on_signal);
  context_.restart();
  asio::co_spawn(context_, served->run(), [&](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
    context_.stop();
  });
  context_.run();
  log_.info("agent.stopped");
  return {};
}

ExitStatus serve(Environment& environment, ServeOptions options) {
  ::umask(077);
  AgentServe command(environment, std::move(options));
  const auto done = command.work();
  return done ? ExitStatus::ok : environment.give_up(done.error());
}

}  // namespace

void add_agent_serve(CLI::App& app, Environment& environment) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* command = app.add_subcommand(
      "serve", "connect a gateway to targets here; needs a join token the first time");
  command
      ->add_option("--allow", options->allow,
                   "an address that may be connected to; may be given several times")
      ->type_name("HOST:PORT")
      ->take_all();
  command
      ->add_option("--join-token-file", options->token_file,
                   "the file of the join token, mode 0600; for the first start")
      ->option_text("F");
  command->add_option("--state", options->state, "where the agent keeps its name and key")
      ->option_text("DIR");
  auto* ca = command
                 ->add_option("--ca", options->ca_file,
                              "trust the authorities in this file for the gateway")
                 ->option_text("FILE");
  command
      ->add_option("--ca-sha256", options->ca_sha256,
                   "trust the authority with this SHA-256 for the gateway")
      ->option_text("HEX")
      ->excludes(ca);
  command->add_flag("--rotate", options->rotate, "change the agent's key now; it is changed daily");
  command->footer(
      examples({"hoopctl agent serve --gateway https://gw.example --join-token-file token --allow "
                "db.internal:5432",
                "hoopctl agent serve --allow db.internal:5432 --allow 10.1.0.0/16:5432"}));
  command->callback([&environment, options] {
    environment.work = [&environment, options] { return serve(environment, *options); };
  });
}

}  // namespace hoop::cmd
