// SPDX-License-Identifier: Apache-2.0
// hoopctl login: trust a gateway, then the OIDC device flow.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/gateway_answers.h"
#include "cmd/gateway_client.h"
#include "cmd/given_credentials.h"
#include "cmd/program_environment.h"
#include "cmd/run.h"
#include "cmd/trust_options.h"
#include "core/base/encoding.h"
#include "core/process/spawn.h"

namespace hoop::cmd {
namespace {

struct LoginOptions {
  std::string ca_file;
  std::string ca_sha256;
  // A login without a person.
  std::string client_id;
  std::string client_secret_file;
  std::string client_key;
  std::string client_key_id;
  std::string token_file;
  bool token_stdin = false;
  bool browser = false;

  bool has_token() const { return token_stdin || !token_file.empty(); }
};

class Login {
 public:
  Login(Environment& environment, asio::io_context& context, LoginOptions options)
      : environment_(environment), context_(context), options_(std::move(options)) {}

  Task<void> work();

 private:
  Result<void> choose_trust(const identity::TokenStore& store);
  Task<identity::GatewayDocument> meet();
  Task<identity::GatewayDocument> fetch();
  Task<bool> person_accepts_authority();
  void announce(const identity::DevicePrompt& prompt);
  void open_page(const std::string& page);
  /// By the device flow, a browser on this machine, or without a person as the options say.
  Task<identity::TokenSet> obtain();
  Task<void> gateway_accepts(const identity::TokenSet& tokens);

  Environment& environment_;
  asio::io_context& context_;
  LoginOptions options_;
  identity::GatewayRecord record_;
  std::string known_gateway_;  // the id of an earlier login, when its trust is used again
  bool trust_is_chosen_ = false;
  std::unique_ptr<Web> web_;
};

Result<void> Login::choose_trust(const identity::TokenStore& store) {
  trust_is_chosen_ = true;
  if (options_.ca_file.empty() && options_.ca_sha256.empty()) {
    HOOP_TRY(const bool given, take_given_trust(environment_.settings, record_));
    if (given) return {};
  }
  if (!options_.ca_file.empty()) {
    HOOP_TRY(record_.ca_pem, read_ca_file(options_.ca_file));
    return {};
  }
  if (!options_.ca_sha256.empty()) {
    HOOP_TRY(record_.ca_sha256, read_ca_digest(options_.ca_sha256));
    return {};
  }
  const auto earlier = store.load_gateway(record_.url);
  trust_is_chosen_ = earlier.has_value();
  if (!earlier)
    return earlier.error().code == ErrorCode::not_found ? Result<void>{}
                                                        : std::unexpected(earlier.error());
  record_.ca_pem = earlier->ca_pem;
  record_.ca_sha256 = earlier->ca_sha256;
  known_gateway_ = earlier->gateway;
  return {};
}

Task<identity::GatewayDocument> Login::fetch() {
  HOOP_CO_TRY(web_, Web::open(environment_, context_.get_executor(), trust_of(record_)));
  HOOP_CO_TRY(const std::string body, co_await web_->get(record_.url + "/.well-known/hoopctl"));
  auto document = identity::parse_gateway_document(body);
  if (!document)
    co_return std::unexpected(
        std::move(document).error().within(record_.url).with_hint("is this a hoopctl gateway?"));
  co_return std::move(*document);
}

/// Shows the authority's digest and asks, once; a pin is never changed and never taken silently.
Task<bool> Login::person_accepts_authority() {
  HOOP_CO_TRY(const identity::HttpsUrl url, identity::parse_https_url(record_.url));
  const Deadline deadline = Deadline::after(environment_.clock, kRequestTime);
  HOOP_CO_TRY(net::StreamPtr stream,
              co_await net::connect_tcp(context_.get_executor(), url.host, url.port, deadline));
  HOOP_CO_TRY(const std::string digest,
              co_await net::TlsClient::presented_authority(std::move(stream), url.host, deadline));
  environment_.console.insist(
      "untrusted_authority",
      fmt::format("the certificate of {} comes from an authority that this machine does not know",
                  record_.url));
  environment_.console.insist("untrusted_authority", fmt::format("its SHA-256 is {}", digest),
                              {{"ca_sha256", digest}});
  environment_.console.insist("question",
                              "is that what the gateway's operator says ('gateway init' prints "
                              "it)? type yes to trust it from now on:");
  std::string answer;
  std::getline(std::cin, answer);
  if (answer != "yes") co_return false;
  record_.ca_sha256 = digest;
  co_return true;
}

Task<identity::GatewayDocument> Login::meet() {
  auto document = co_await fetch();
  // Not asked when the trust was given or is that of an earlier login: a change is then what an
  // attack looks like.
  if (!document && document.error().code == ErrorCode::config && !trust_is_chosen_ &&
      environment_.interactive()) {
    HOOP_CO_TRY(const bool accepted, co_await person_accepts_authority());
    if (!accepted) co_return std::unexpected(std::move(document).error());
    document = co_await fetch();
  }
  if (!document) co_return std::unexpected(std::move(document).error());
  if (!known_gateway_.empty() && document->gateway != known_gateway_) {
    co_return fail(ErrorCode::config,
                   fmt::format("{} was gateway '{}' and now says it is '{}'", record_.url,
                               known_gateway_, remote_text(document->gateway)),
                   "ask its operator; then log in with --ca FILE or --ca-sha256 HEX");
  }
  co_return std::move(*document);
}

void Login::announce(const identity::DevicePrompt& prompt) {
  const std::string& complete = prompt.verification_uri_complete;
  const std::string sentence =
      fmt::format("open {} and confirm the code {}",
                  complete.empty() ? prompt.verification_uri : complete, prompt.user_code);
  environment_.console.insist(
      "login_pending", sentence,
      {{"verification_uri", prompt.verification_uri},
       {"verification_uri_complete", complete.empty() ? Value() : Value(complete)},
       {"user_code", prompt.user_code},
       {"expires_in", std::int64_t{prompt.expires_in.count()}}});
}

void Login::open_page(const std::string& page) {
  environment_.console.insist("login_pending", fmt::format("log in at {}", page),
                              {{"authorization_uri", page}});
  const bool has_screen =
      environment_.variable("DISPLAY") || environment_.variable("WAYLAND_DISPLAY");
  if (!environment_.interactive() || !has_screen) return;
  // In a session of its own: it outlives us, and our keyboard's signals are not for it. Where there
  // is no such program the address stands above.
  const process::Program browser{
      {"setsid", "-f", "xdg-open", page}, program_environment(environment_.variables, {}), {}};
  if (const auto started = process::spawn(browser, process::ProcessGroup::own))
    ::waitpid(started->pid, nullptr, 0);  // setsid itself ends at once
}

Task<identity::TokenSet> Login::obtain() {
  using Kind = identity::LoginMethod::Kind;
  // Not renewed: what came by a pipe comes once.
  if (options_.token_stdin) {
    HOOP_CO_TRY(SecretText given, read_token(STDIN_FILENO));
    co_return co_await redeem(*web_, record_.url, std::move(given), environment_.clock,
                              environment_.random);
  }
  identity::LoginMethod& login = record_.login;
  if (!options_.token_file.empty()) {
    login = {Kind::token_file, {}, std::filesystem::absolute(options_.token_file), {}};
    HOOP_CO_TRY(SecretText given, read_token_file(login.file));
    co_return co_await redeem(*web_, record_.url, std::move(given), environment_.clock,
                              environment_.random);
  }
  HOOP_CO_TRY(const std::unique_ptr<IssuerClient> issuer,
              IssuerClient::open(environment_, context_.get_executor(), *web_, record_));
  if (!options_.client_id.empty()) {
    const bool by_key = !options_.client_key.empty();
    login.kind = by_key ? Kind::client_key : Kind::client_secret;
    login.client_id = options_.client_id;
    login.file =
        std::filesystem::absolute(by_key ? options_.client_key : options_.client_secret_file);
    login.key_id = options_.client_key_id;
    co_return co_await issuer->log_in_by(login, environment_.random);
  }
  if (options_.browser) {
    std::function<void(const std::string&)> open = [this](const std::string& page) {
      open_page(page);
    };
    co_return co_await issuer->log_in_by_browser(environment_.random, std::move(open));
  }
  co_return co_await issuer->log_in(
      host_name(), [this](const identity::DevicePrompt& prompt) { announce(prompt); });
}

/// What no person has seen fail is tried before it is kept: the gateway says what it wants.
Task<void> Login::gateway_accepts(const identity::TokenSet& tokens) {
  Presented who{tokens.access_token.clone(), tokens.key.clone()};
  TokenPresenter presenter(environment_.clock, environment_.random);
  http::Headers headers{{"Accept", "application/json"}};
  HOOP_CO_TRY(const http::Response response,
              co_await presenter.send(*web_, std::move(who), "GET", record_.url + "/v1/whoami",
                                      std::move(headers), std::string(), kRequestTime));
  if (response.status == 200) co_return Result<void>{};
  Error problem = problem_of(response, record_.url);
  if (problem.code == ErrorCode::unauthenticated && !options_.client_id.empty())
    problem.hint =
        "the client must be among service_clients in [gateway.oidc], and its token for this "
        "gateway";
  co_return std::unexpected(std::move(problem));
}

Task<void> Login::work() {
  HOOP_CO_TRY(record_.url, chosen_gateway(environment_));
  HOOP_CO_TRY(const std::string state, environment_.state_folder());
  HOOP_CO_TRY(identity::TokenStore store, identity::TokenStore::open(state));
  HOOP_CO_CHECK(choose_trust(store));
  HOOP_CO_TRY(const identity::GatewayDocument document, co_await meet());
  record_.issuer = document.issuer;
  record_.client_id = document.client_id;
  record_.audience = document.audience;
  record_.gateway = document.gateway;
  record_.login_parameters = document.login_parameters;
  record_.issuer_ca_pem = document.issuer_ca_pem;
  record_.approving_scope = document.approving_scope;
  auto tokens = co_await obtain();
  if (!tokens) co_return std::unexpected(std::move(tokens).error().within("login"));
  if (options_.has_token() || !options_.client_id.empty()) {
    HOOP_CO_CHECK(co_await gateway_accepts(*tokens));
  }
  const identity::StoredTokens stored =
      to_store(std::move(*tokens), record_, environment_.clock.system_now());
  HOOP_CO_CHECK(store.save_gateway(record_));
  {
    HOOP_CO_TRY(const identity::TokenLock lock, store.lock(record_.url, std::chrono::seconds(15)));
    HOOP_CO_CHECK(store.save_tokens(lock, stored));
  }
  HOOP_CO_CHECK(store.set_current_gateway(record_.url));
  environment_.console.say(
      "logged_in", fmt::format("logged in to {} as {}", record_.url, remote_text(stored.subject)),
      {{"gateway", record_.url}, {"subject", stored.subject}});
  co_return Result<void>{};
}

ExitStatus run_login(Environment& environment, LoginOptions options) {
  asio::io_context context;
  Login login(environment, context, std::move(options));
  const auto done = run(context, login.work());
  return done ? ExitStatus::ok : environment.give_up(done.error());
}

}  // namespace

void add_login(CLI::App& app, Environment& environment) {
  auto options = std::make_shared<LoginOptions>();
  CLI::App* command =
      app.add_subcommand("login", "log in to a gateway by its identity provider's device flow");
  auto* ca = command
                 ->add_option("--ca", options->ca_file,
                              "trust the authorities in this PEM file, and no other")
                 ->option_text("FILE");
  command->add_option("--ca-sha256", options->ca_sha256, "trust the authority with this SHA-256")
      ->option_text("HEX")
      ->excludes(ca);
  auto* client = command
                     ->add_option("--client-id", options->client_id,
                                  "log in as this service; with its secret or key")
                     ->option_text("ID");
  auto* secret =
      command
          ->add_option("--client-secret-file", options->client_secret_file, "the service's secret")
          ->option_text("FILE")
          ->needs(client);
  auto* key = command
                  ->add_option("--client-key", options->client_key,
                               "the service's private key (P-256, PEM), for private_key_jwt")
                  ->option_text("FILE")
                  ->needs(client)
                  ->excludes(secret);
  command
      ->add_option("--client-key-id", options->client_key_id,
                   "what the issuer calls that key; its thumbprint if absent")
      ->option_text("KID")
      ->needs(key);
  auto* file = command
                   ->add_option("--token-file", options->token_file,
                                "use the access token in this file, read anew when it ends")
                   ->option_text("FILE")
                   ->excludes(client);
  auto* piped =
      command->add_flag("--token-stdin", options->token_stdin, "use the access token on stdin")
          ->excludes(client)
          ->excludes(file);
  command
      ->add_flag("--browser", options->browser,
                 "by a browser on this machine, instead of a code to compare")
      ->excludes(client)
      ->excludes(file)
      ->excludes(piped);
  command->footer(
      examples({"hoopctl login --gateway https://gw.example", "hoopctl login --browser",
                "hoopctl login --gateway https://localhost:8443 --ca ca.pem",
                "hoopctl login --client-id ci-deploy --client-secret-file /run/secrets/hoopctl"}));
  command->callback([&environment, options] {
    if (!options->client_id.empty() && options->client_secret_file.empty() &&
        options->client_key.empty())
      throw CLI::ValidationError("--client-id", "needs --client-secret-file or --client-key");
    environment.work = [&environment, options] { return run_login(environment, *options); };
  });
}

}  // namespace hoop::cmd
