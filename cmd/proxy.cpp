// SPDX-License-Identifier: Apache-2.0
// hoopctl proxy: an endpoint without a program of ours, for IDEs and whatever else runs for long.
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <asio/signal_set.hpp>

#include "cmd/approval_wait.h"
#include "cmd/command_line.h"
#include "cmd/http_clients.h"
#include "cmd/kubernetes_clients.h"
#include "cmd/postgres_clients.h"
#include "cmd/program_run.h"
#include "cmd/run.h"
#include "cmd/ssh_clients.h"
#include "cmd/stdio_pipe.h"
#include "cmd/target_endpoint.h"
#include "cmd/target_session.h"
#include "core/base/encoding.h"
#include "core/identity/private_file.h"
#include "core/process/deep_stack.h"

namespace hoop::cmd {
namespace {

// A password file that begins so is ours to replace: one that a killed run left.
constexpr std::string_view kPasswordFileMark = "# hoopctl proxy\n";
constexpr std::size_t kMaxPasswordFile = 4096;

struct ProxyOptions {
  std::string target;
  std::string reason;
  std::string socket;
  std::string password_file;
  std::optional<std::string> wait;  // for an approver, as --wait has it
  int port = 0;
  bool stdio = false;
};

/// A copy of the session's password at a path of the user's choice, gone at the end.
class PasswordFile {
 public:
  PasswordFile() = default;
  ~PasswordFile() {
    if (!path_.empty()) static_cast<void>(identity::remove_private_file(path_));
  }
  PasswordFile(const PasswordFile&) = delete;
  PasswordFile& operator=(const PasswordFile&) = delete;

  /// Fails with usage where something is that we did not make.
  static Result<void> check(const std::string& path) {
    const auto found = identity::read_private_file(path, kMaxPasswordFile);
    const bool ours = found && (!*found || (*found)->reveal().starts_with(kPasswordFileMark));
    if (!ours)
      return fail(ErrorCode::usage, fmt::format("--passfile '{}' exists already", path),
                  "name a file that hoopctl may make and remove");
    return {};
  }
  Result<void> write(const std::string& path, const SecretText& line) {
    HOOP_CHECK(check(path));
    const SecretText text(std::string(kPasswordFileMark) + line.reveal());
    HOOP_CHECK(identity::write_private_file(path, text.reveal()));
    path_ = path;
    return {};
  }

 private:
  std::string path_;
};

class Proxy {
 public:
  Proxy(Environment& environment, asio::io_context& context, ProxyOptions options,
        std::chrono::seconds approval_wait)
      : environment_(environment),
        options_(std::move(options)),
        approval_wait_(approval_wait),
        target_(environment, context),
        context_(context),
        over_(context, SteadyTime::max()) {}

  Task<ExitStatus> work();

 private:
  Task<TargetEndpoint::Plan> plan();
  Result<void> serve();
  bool is_for(std::string_view protocol) const { return endpoint_->target().protocol == protocol; }
  std::vector<Field> fields() const;
  void add_host(std::vector<Field>& out) const;
  void add_service(std::vector<Field>& out) const;
  void add_cluster(std::vector<Field>& out) const;
  void add_database(std::vector<Field>& out) const;
  void print() const;
  asio::awaitable<void> wait();
  asio::awaitable<void> serve_stdio();

  Environment& environment_;
  ProxyOptions options_;
  std::chrono::seconds approval_wait_;
  TargetSession target_;
  asio::io_context& context_;
  std::optional<asio::signal_set> signals_;
  asio::steady_timer over_;  // never expires; cancelled at the end of access
  bool ended_ = false;
  std::optional<TargetEndpoint> endpoint_;
  PasswordFile password_file_;
  std::string configuration_;  // ssh's, or kubectl's
};

Task<TargetEndpoint::Plan> Proxy::plan() {
  record::RecordedProgram program;
  program.command = {"hoopctl", "proxy"};
  if (options_.stdio) program.command.emplace_back("--stdio");
  TargetSession::Wish wish{
      options_.target, options_.reason, std::move(program), {}, approval_wait_};
  crypto::Ed25519Key key = crypto::Ed25519Key::generate();
  if (options_.stdio) {
    HOOP_CO_TRY(key, stream_host_key(environment_));
  }
  HOOP_CO_TRY(OpenTarget open, co_await target_.open(std::move(wish)));
  TargetEndpoint::Plan plan;
  plan.session = target_.session();
  plan.target = std::move(open.target);
  plan.logins = std::move(open.logins);
  plan.expires_at = open.expires_at;
  plan.renewal = std::move(open.renewal);
  plan.control = std::move(open.control);
  plan.path = std::move(open.path);
  using Listen = TargetEndpoint::Plan::Listen;
  plan.listen = options_.socket.empty() ? Listen::tcp : Listen::unix_socket;
  plan.peers = TargetEndpoint::Plan::Peers::user;
  const std::string name(make_entry(plan.target.protocol, environment_.random)->socket_name());
  if (!options_.socket.empty()) plan.socket = options_.socket + "/" + name;
  plan.port = static_cast<std::uint16_t>(options_.port);
  if (options_.stdio) {
    plan.listen = Listen::nowhere;
    if (plan.target.protocol == "ssh")
      plan.entry = std::make_unique<SshStreamEntry>(std::move(key));
  }
  co_return plan;
}

Result<void> Proxy::serve() {
  HOOP_CHECK(endpoint_->open({}, [this] {
    ended_ = true;
    over_.cancel();
  }));
  if (options_.stdio && !is_for("ssh"))
    return fail(ErrorCode::usage, "--stdio is for hosts, whose clients run it",
                "leave it out: other programs connect to a port or a socket");
  if (options_.stdio) return {};
  if (!options_.socket.empty() && is_for("kubernetes"))
    return fail(ErrorCode::usage,
                "a cluster is found by a URL, and there is none for a Unix socket",
                "leave --socket out; --port N chooses the port");
  if (!options_.password_file.empty() && !is_for("postgres"))
    return fail(ErrorCode::usage, "--passfile is for databases: there is no password here",
                "leave it out");
  if (is_for("ssh")) {
    HOOP_TRY(std::string text, ssh_configuration({&*endpoint_}));
    HOOP_TRY(configuration_, endpoint_->keep("ssh.config", SecretText(std::move(text))));
    return {};
  }
  if (is_for("kubernetes")) {
    HOOP_TRY(configuration_, keep_kubeconfig({&*endpoint_}));
    return {};
  }
  if (!options_.password_file.empty())
    HOOP_CHECK(password_file_.write(options_.password_file, password_line(*endpoint_)));
  return {};
}

std::vector<Field> Proxy::fields() const {
  std::vector<Field> out{{"target", endpoint_->target().name},
                         {"session", endpoint_->session()},
                         {"expires_at", to_rfc3339(endpoint_->expires_at())},
                         {"host", endpoint_->host()}};
  if (is_for("ssh"))
    add_host(out);
  else if (is_for("http"))
    add_service(out);
  else if (is_for("kubernetes"))
    add_cluster(out);
  else
    add_database(out);
  return out;
}

void Proxy::add_host(std::vector<Field>& out) const {
  if (!endpoint_->is_unix()) out.push_back({"port", std::uint64_t{endpoint_->port()}});
  out.push_back({"logins", endpoint_->logins()});
  out.push_back({"ssh_config", configuration_});
  out.push_back(
      {"command", fmt::format("ssh -F '{}' {}", configuration_, endpoint_->target().name)});
}

void Proxy::add_service(std::vector<Field>& out) const {
  const std::string url = http_url(*endpoint_);
  if (endpoint_->is_unix())
    out.push_back({"socket", endpoint_->socket_path()});
  else
    out.push_back({"port", std::uint64_t{endpoint_->port()}});
  out.push_back({"url", url});
  if (endpoint_->is_unix())
    out.push_back(
        {"command", fmt::format("curl --unix-socket '{}' {}/", endpoint_->socket_path(), url)});
}

void Proxy::add_cluster(std::vector<Field>& out) const {
  out.push_back({"port", std::uint64_t{endpoint_->port()}});
  out.push_back({"url", cluster_of(*endpoint_).server});
  out.push_back({"kubeconfig", configuration_});
  out.push_back({"command", fmt::format("kubectl --kubeconfig '{}' version", configuration_)});
}

void Proxy::add_database(std::vector<Field>& out) const {
  const std::string file =
      options_.password_file.empty() ? password_file_of(*endpoint_) : options_.password_file;
  out.push_back({"port", std::uint64_t{endpoint_->port()}});
  out.push_back({"user", std::string(PostgresEntry::kUser)});
  out.push_back({"database", database_of(*endpoint_)});
  out.push_back({"password_file", file});
  out.push_back({"url", postgres_url(*endpoint_, file)});
}

void Proxy::print() const {
  environment_.console.print(fields());
  environment_.console.say("listening", "connections are taken until Ctrl-C",
                           {{"session", endpoint_->session()}});
}

/// Until a signal, or the end of access.
asio::awaitable<void> Proxy::wait() {
  signals_->async_wait([this](const std::error_code& failure, int) {
    if (!failure) over_.cancel();
  });
  co_await over_.async_wait(as_result);
  signals_->cancel();
}

/// For the client that has started us, until it or its host has ended, or a signal.
asio::awaitable<void> Proxy::serve_stdio() {
  const auto pipe = std::make_shared<StdioPipe>(context_);
  auto stream = pipe->open();
  if (!stream) {
    environment_.console.error(stream.error());
    co_return;
  }
  signals_->async_wait([pipe](const std::error_code& failure, int) {
    if (!failure) pipe->close();
  });
  co_await endpoint_->serve_one(std::move(*stream));
  co_await pipe->drain();
  signals_->cancel();
}

Task<ExitStatus> Proxy::work() {
  auto plan_made = co_await plan();
  if (!plan_made) co_return environment_.give_up(plan_made.error());
  // Until now a signal has ended us, and from now on the session has to be ended.
  signals_.emplace(context_, SIGINT, SIGTERM, SIGHUP);
  endpoint_.emplace(environment_, context_, std::move(*plan_made));
  const Result<void> serving = serve();
  if (serving && options_.stdio) {
    co_await serve_stdio();
  } else if (serving) {
    print();
    if (!ended_) co_await wait();
  }
  std::string cause = !serving ? "not_started" : endpoint_->expired() ? "expired" : "program_exit";
  const EndpointEnd end = co_await endpoint_->stop(std::move(cause), serving ? 0 : -1);
  ExitStatus status = ExitStatus::ok;
  if (!serving)
    status = environment_.give_up(serving.error());
  else if (end.session.failure && target_.path() == access::DataPath::local)
    status = environment_.give_up(*end.session.failure);
  else if (ended_ || end.was_taken())
    status = ExitStatus::access_ended;
  say_totals(environment_.console, target_, end);
  if (auto delivered = co_await target_.deliver(end.session); !delivered) {
    environment_.console.error(delivered.error());
    if (status == ExitStatus::ok) status = ExitStatus::record_lost;
  }
  co_await target_.close();
  co_return status;
}

/// A program that is told the path may run in another folder.
std::string absolute(const std::string& path) {
  std::error_code ignored;
  const auto whole = std::filesystem::absolute(path, ignored);
  return ignored ? path : whole.string();
}

/// Programs find the socket by its folder; whoever could change that could put another in its
/// place.
Result<std::string> checked_folder(std::string path) {
  std::string folder = absolute(path);
  if (folder.ends_with('/')) folder.pop_back();
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
    return fail(ErrorCode::usage, fmt::format("there is no folder '{}'", folder),
                fmt::format("mkdir -m 700 '{}'", folder));
  if (status.st_uid != ::geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail(ErrorCode::usage,
                fmt::format("others may write in '{}', where the socket would be", folder),
                fmt::format("mkdir -m 700 a folder of your own"));
  return folder;
}

ExitStatus run_proxy(Environment& environment, ProxyOptions options) {
  if (auto checked = check_reason(options.reason); !checked)
    return environment.give_up(checked.error());
  const auto wait = approval_wait(environment, options.wait);
  if (!wait) return environment.give_up(wait.error());
  if (options.stdio && (environment.terminals.in || environment.terminals.out))
    return environment.give_up(Error{ErrorCode::usage,
                                     "--stdio is for ssh, which starts this",
                                     "hoopctl ssh-config prints what ssh needs for it",
                                     {}});
  if (!options.password_file.empty()) {
    options.password_file = absolute(options.password_file);
    if (auto checked = PasswordFile::check(options.password_file); !checked)
      return environment.give_up(checked.error());
  }
  if (!options.socket.empty()) {
    auto socket = checked_folder(std::move(options.socket));
    if (!socket) return environment.give_up(socket.error());
    options.socket = std::move(*socket);
  }
  // PostgreSQL's parser recurses as deep as a statement nests: everything that can meet one runs on
  // a large stack.
  const int status = process::run_on_deep_stack([&] {
    asio::io_context context;
    Proxy proxy(environment, context, std::move(options), *wait);
    const auto done = run(context, proxy.work());
    return static_cast<int>(done ? *done : environment.give_up(done.error()));
  });
  return static_cast<ExitStatus>(status);
}

}  // namespace

void add_proxy(CLI::App& app, Environment& environment) {
  auto options = std::make_shared<ProxyOptions>();
  CLI::App* command = app.add_subcommand("proxy", "keep an endpoint open for IDEs and services");
  command->add_option("TARGET", options->target, "the target's name")->required()->option_text(" ");
  command->add_option("--reason", options->reason, "why; stands in the record")
      ->option_text("TEXT");
  add_wait_option(*command, options->wait);
  auto* port = command
                   ->add_option("--port", options->port,
                                "listen on this port of 127.0.0.1; otherwise the system chooses")
                   ->option_text("N")
                   ->check(CLI::Range(1, 65535));
  command
      ->add_option("--socket", options->socket,
                   "listen on a Unix socket in this folder and not on 127.0.0.1")
      ->option_text("FOLDER")
      ->excludes(port);
  command
      ->add_option("--passfile", options->password_file,
                   "keep the password in this file, too, while it is good")
      ->option_text("FILE");
  command
      ->add_flag("--stdio", options->stdio, "serve one ssh that has started this: its ProxyCommand")
      ->excludes("--port")
      ->excludes("--socket")
      ->excludes("--passfile");
  command->footer(
      examples({"hoopctl proxy pg-prod --port 15432 --passfile ~/.pgpass-hoop",
                "hoopctl --output json proxy pg-prod", "hoopctl proxy billing-api --port 18080"}));
  command->callback([&environment, options] {
    environment.work = [&environment, options] { return run_proxy(environment, *options); };
  });
}

}  // namespace hoop::cmd
