// SPDX-License-Identifier: Apache-2.0
// hoopctl sessions: list, show, verify, upload, kill.
#include "cmd/sessions.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/gateway_client.h"
#include "cmd/json_view.h"
#include "cmd/log_delivery.h"
#include "cmd/run.h"
#include "core/base/encoding.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kMaxReason = 200;  // as the gateway takes it

/// Of this machine; the gateway is not asked.
Result<void> list_pending(Environment& environment) {
  HOOP_TRY(const record::Spool spool, open_spool(environment));
  HOOP_TRY(const auto waiting, spool.list());
  HOOP_TRY(const auto refused, spool.list_refused());
  Listing listing{{{"session", "SESSION"},
                   {"target", "TARGET"},
                   {"gateway", "GATEWAY"},
                   {"state", "STATE"},
                   {"written_at", "WRITTEN"},
                   {"bytes", "BYTES"},
                   {"path", ""}},
                  {},
                  "no session log waits for delivery"};
  const auto add = [&listing](const record::SpoolEntry& entry, std::string state) {
    listing.rows.push_back({entry.session, entry.target, entry.gateway_url, std::move(state),
                            to_rfc3339(entry.written_at), entry.bytes, entry.path});
  };
  for (const record::SpoolEntry& entry : waiting) add(entry, "waiting");
  for (const record::SpoolEntry& entry : refused) add(entry, "refused");
  environment.console.print(listing);
  return {};
}

Result<void> kill_session(Environment& environment, const std::string& session,
                          const std::string& reason) {
  if (!record::is_session_id(session))
    return fail(ErrorCode::usage, fmt::format("'{}' is not a session's id", remote_text(session)),
                "hoopctl sessions list");
  if (reason.size() > kMaxReason)
    return fail(ErrorCode::usage, fmt::format("--reason is longer than {} bytes", kMaxReason));
  HOOP_TRY(const std::string url, chosen_gateway(environment));
  asio::io_context context;
  HOOP_TRY(const std::unique_ptr<GatewayClient> client,
           GatewayClient::open(environment, context.get_executor(), url));
  HOOP_CHECK(run(context, client->kill_session(session, reason)));
  environment.console.say("session_killed", fmt::format("session {} has ended", session),
                          {{"session", session}});
  return {};
}

/// Everything that a person has open.
Result<void> revoke_identity(Environment& environment, const std::string& subject,
                             const std::string& reason) {
  if (reason.size() > kMaxReason)
    return fail(ErrorCode::usage, fmt::format("--reason is longer than {} bytes", kMaxReason));
  HOOP_TRY(const std::string url, chosen_gateway(environment));
  asio::io_context context;
  HOOP_TRY(const std::unique_ptr<GatewayClient> client,
           GatewayClient::open(environment, context.get_executor(), url));
  HOOP_TRY(const std::int64_t ended, run(context, client->revoke_identity(subject, reason)));
  environment.console.say("identity_revoked",
                          fmt::format("{} {} of '{}' ended, and the login with them", ended,
                                      ended == 1 ? "session" : "sessions", remote_text(subject)),
                          {{"subject", subject}, {"sessions_ended", ended}});
  return {};
}

/// One client a gateway, made when its first log is met.
class Clients {
 public:
  Clients(Environment& environment, asio::io_context& context)
      : environment_(environment), context_(context) {}
  Result<GatewayClient*> at(const std::string& url) {
    auto& client = clients_[url];
    if (!client) {
      HOOP_TRY(client, GatewayClient::open(environment_, context_.get_executor(), url));
    }
    return client.get();
  }

 private:
  Environment& environment_;
  asio::io_context& context_;
  std::map<std::string, std::unique_ptr<GatewayClient>> clients_;
};

Result<Receipt> upload_one(Environment& environment, asio::io_context& context, Clients& clients,
                           record::Spool& spool, const record::SpoolEntry& entry) {
  HOOP_TRY(GatewayClient* const client, clients.at(entry.gateway_url));
  auto receipt = run(context, deliver_log(*client, spool, entry, LogOrigin::earlier_run,
                                          [&](std::uint64_t sent, std::uint64_t total) {
                                            if (total > kProgressBytes)
                                              environment.console.progress(
                                                  "uploading " + entry.session, sent, total);
                                          }));
  environment.console.finish_progress();
  return receipt;
}

ExitStatus upload_sessions(Environment& environment) {
  auto spool = open_spool(environment);
  if (!spool) return environment.give_up(spool.error());
  const auto entries = spool->list();
  if (!entries) return environment.give_up(entries.error());
  if (entries->empty()) environment.console.say("nothing_to_upload", "no session log waits here");
  asio::io_context context;
  Clients clients(environment, context);
  ExitStatus status = ExitStatus::ok;
  for (const record::SpoolEntry& entry : *entries) {
    if (!spool->claim(entry.session)) continue;  // another run is delivering it
    const auto receipt = upload_one(environment, context, clients, *spool, entry);
    if (receipt) {
      environment.console.say("log_receipted",
                              fmt::format("session {}: {} records delivered and receipted",
                                          entry.session, receipt->records),
                              {{"session", entry.session},
                               {"records", receipt->records},
                               {"received_at", receipt->received_at}});
      continue;
    }
    Error error = receipt.error().within("session " + entry.session);
    if (error.code == ErrorCode::integrity) {
      error.code = ErrorCode::storage;
      if (error.hint.empty()) error.hint = "the log was set aside in the spool's folder refused/";
    }
    const ExitStatus failed = environment.give_up(error);
    if (status == ExitStatus::ok || failed == ExitStatus::record_lost) status = failed;
  }
  return status;
}

}  // namespace

void add_sessions(CLI::App& app, Environment& environment) {
  const auto finish = [&environment](const Result<void>& done) {
    return done ? ExitStatus::ok : environment.give_up(done.error());
  };
  CLI::App* command =
      app.add_subcommand("sessions", "list, show, verify and deliver session logs; end sessions");
  command->require_subcommand(1);
  command->footer(
      examples({"hoopctl sessions list", "hoopctl sessions verify s_cjsgj3svsplpf4eygjc5glm6qm"}));

  add_sessions_list(*command, environment);

  auto shown = std::make_shared<std::string>();
  CLI::App* show =
      command->add_subcommand("show", "tell what was done, decided and hidden in a session");
  show->add_option("SESSION", *shown, "the session's id")->required()->option_text(" ");
  show->footer(examples({"hoopctl sessions show s_cjsgj3svsplpf4eygjc5glm6qm",
                         "hoopctl --output json sessions show s_cjsgj3svsplpf4eygjc5glm6qm"}));
  show->callback([&environment, finish, shown] {
    environment.work = [&environment, finish, shown] {
      return finish(show_session(environment, *shown));
    };
  });

  auto verified = std::make_shared<std::string>();
  CLI::App* verify =
      command->add_subcommand("verify", "prove that a session's log is whole and unchanged");
  verify->add_option("SESSION", *verified, "the session's id, or the path of a log")
      ->required()
      ->option_text(" ");
  auto key = std::make_shared<std::string>();
  verify->add_option("--key", *key, "of a file: the session's key, as sessions show has told it")
      ->option_text("BASE64URL");
  verify->footer(examples({"hoopctl sessions verify s_cjsgj3svsplpf4eygjc5glm6qm",
                           "hoopctl sessions verify ./copy.hslog"}));
  verify->callback([&environment, verified, key] {
    environment.work = [&environment, verified, key] {
      const auto done = verify_session(environment, *verified, *key);
      if (done) return ExitStatus::ok;
      const bool not_whole = done.error().code == ErrorCode::integrity;
      environment.console.error(done.error());
      return not_whole ? ExitStatus::record_lost : exit_status(done.error().code);
    };
  });

  add_sessions_export(*command, environment);
  add_sessions_replay(*command, environment);

  CLI::App* upload =
      command->add_subcommand("upload", "deliver the logs that wait on this machine");
  upload->footer(examples({"hoopctl sessions upload", "hoopctl --output json sessions upload"}));
  upload->callback([&environment] {
    environment.work = [&environment] { return upload_sessions(environment); };
  });

  CLI::App* pending = command->add_subcommand("pending", "list the logs that wait on this machine");
  pending->footer(examples({"hoopctl sessions pending", "hoopctl --output json sessions pending"}));
  pending->callback([&environment, finish] {
    environment.work = [&environment, finish] { return finish(list_pending(environment)); };
  });

  auto killed = std::make_shared<std::string>();
  auto subject = std::make_shared<std::string>();
  auto reason = std::make_shared<std::string>();
  CLI::App* kill = command->add_subcommand(
      "kill", "end a session now: one of mine, or as a member of admins anybody's");
  auto* one = kill->add_option("SESSION", *killed, "the session's id")->option_text(" ");
  kill->add_option("--subject", *subject,
                   "instead: all sessions of a person, who must then log in again; for admins")
      ->option_text("NAME")
      ->excludes(one);
  kill->add_option("--reason", *reason, "why; its program reads it")->option_text("TEXT");
  kill->footer(examples({"hoopctl sessions kill s_cjsgj3svsplpf4eygjc5glm6qm",
                         "hoopctl sessions kill s_cjsgj3svsplpf4eygjc5glm6qm --reason 'it locks "
                         "the orders table'",
                         "hoopctl sessions kill --subject alice --reason 'laptop stolen'"}));
  kill->callback([&environment, finish, killed, subject, reason] {
    environment.work = [&environment, finish, killed, subject, reason] {
      if (!subject->empty()) return finish(revoke_identity(environment, *subject, *reason));
      return finish(kill_session(environment, *killed, *reason));
    };
  });
}

}  // namespace hoop::cmd
