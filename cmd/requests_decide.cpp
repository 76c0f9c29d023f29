// SPDX-License-Identifier: Apache-2.0
// hoopctl requests approve and reject: what is shown is what is decided, by a person who has just
// signed in.
#include <algorithm>
#include <iostream>
#include <set>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/approver_login.h"
#include "cmd/command_line.h"
#include "cmd/requests.h"
#include "cmd/run.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kMostAtOnce = 20;          // more than this nobody reads
constexpr std::size_t kMostDecisionWords = 200;  // as the gateway takes it

struct DecideOptions {
  std::vector<std::string> ids;
  std::string reason;
  bool yes = false;
};

/// Those who decide are people. The gateway sees to it; this is so that nobody tries.
Result<void> check_person(const Environment& environment) {
  if (!environment.automated()) return {};
  const std::string agent = environment.claimed_agent();
  return fail(ErrorCode::denied,
              agent.empty() ? std::string("requests are decided by people, and not in CI")
                            : fmt::format("requests are decided by people, and not by '{}'", agent),
              "tell the user, who decides it in a terminal of their own");
}

/// A question can be asked, and what it is about has been read.
bool can_ask(const Environment& environment) {
  return environment.interactive() && environment.terminals.out &&
         environment.console.listings() == Form::text;
}

Result<void> check_decision(const Environment& environment, const DecideOptions& options,
                            RequestDecision decision) {
  HOOP_CHECK(check_person(environment));
  for (const std::string& id : options.ids) HOOP_CHECK(check_request_id(id));
  const std::set<std::string> once(options.ids.begin(), options.ids.end());
  if (once.size() != options.ids.size())
    return fail(ErrorCode::usage, "a request is named twice", "each is decided once");
  if (options.ids.size() > kMostAtOnce)
    return fail(ErrorCode::usage, fmt::format("more than {} requests at once", kMostAtOnce),
                "each is to be read before it is decided");
  if (options.reason.size() > kMostDecisionWords)
    return fail(ErrorCode::usage,
                fmt::format("--reason is longer than {} bytes", kMostDecisionWords));
  if (decision == RequestDecision::approve && !options.yes && !can_ask(environment))
    return fail(ErrorCode::usage, "there is no terminal to ask on",
                "read it first: hoopctl requests show ID; then approve it with --yes");
  return {};
}

Result<void> check_open(const RequestDocument& request) {
  const access::Approval& approval = request.approval;
  if (approval.state != access::ApprovalState::pending)
    return fail(ErrorCode::denied,
                fmt::format("request {} is {} already", approval.id, to_string(approval.state)),
                fmt::format("hoopctl requests show {}", approval.id));
  if (request.may_decide) return {};
  std::string approvers;
  for (const std::string& one : request.approvers)
    approvers += (approvers.empty() ? "" : ", ") + remote_text(one);
  return fail(ErrorCode::denied, fmt::format("request {} is not yours to decide", approval.id),
              fmt::format("its approvers are {}; nobody decides their own", approvers));
}

Result<void> ask_person(Environment& environment, const RequestDocument& request) {
  environment.console.insist(
      "question", fmt::format("approve {} of {} at {}? type yes:", request.approval.id,
                              remote_text(request.subject), remote_text(whereabouts(request))));
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "yes") return {};
  return fail(ErrorCode::denied, "nothing was approved: the answer was not yes");
}

class Deciding {
 public:
  Deciding(Environment& environment, const DecideOptions& options, RequestDecision decision)
      : environment_(environment), options_(options), decision_(decision) {}

  ExitStatus work() {
    if (auto shown = show_all(); !shown) return environment_.give_up(shown.error());
    auto who = run(context_, sign_in_to_approve(environment_, context_.get_executor(), url_));
    if (!who) return environment_.give_up(who.error());
    ExitStatus status = ExitStatus::ok;
    for (const RequestDocument& request : requests_) {
      const auto decided = decide(*who, request);
      if (decided) continue;
      const ExitStatus failed = environment_.give_up(decided.error());
      if (status == ExitStatus::ok) status = failed;
    }
    return status;
  }

 private:
  /// Everything that can be wrong is, before somebody signs in.
  Result<void> show_all() {
    HOOP_TRY(url_, chosen_gateway(environment_));
    HOOP_TRY(client_, GatewayClient::open(environment_, context_.get_executor(), url_));
    for (const std::string& id : options_.ids) {
      HOOP_TRY(RequestDocument request, run(context_, fetch_request(*client_, id)));
      HOOP_CHECK(check_open(request));
      requests_.push_back(std::move(request));
    }
    for (const RequestDocument& request : requests_) {
      if (&request != &requests_.front() && environment_.console.listings() == Form::text)
        environment_.console.print_line("");
      print_request(environment_.console, request, environment_.clock.system_now());
      if (decision_ == RequestDecision::approve && !options_.yes)
        HOOP_CHECK(ask_person(environment_, request));
    }
    return {};
  }

  Result<void> decide(const Presented& who, const RequestDocument& request) {
    const std::string& id = request.approval.id;
    Presented mine{who.token.clone(), who.key.clone()};
    const auto answer = run(context_, client_->decide_request(std::move(mine), id, decision_,
                                                              request.digest, options_.reason));
    if (!answer) return std::unexpected(answer.error().within("request " + id));
    HOOP_TRY(const RequestDocument after, read_request(*answer));
    const std::string state(to_string(after.approval.state));
    environment_.console.say("request_" + state, fmt::format("request {} is {}", id, state),
                             {{"approval_id", id},
                              {"by", after.approval.by},
                              {"expires_at", to_rfc3339(after.approval.expires_at)}});
    return {};
  }

  Environment& environment_;
  const DecideOptions& options_;
  RequestDecision decision_;
  asio::io_context context_;
  std::string url_;
  std::unique_ptr<GatewayClient> client_;
  std::vector<RequestDocument> requests_;
};

ExitStatus decide_requests(Environment& environment, const DecideOptions& options,
                           RequestDecision decision) {
  if (auto checked = check_decision(environment, options, decision); !checked)
    return environment.give_up(checked.error());
  Deciding deciding(environment, options, decision);
  return deciding.work();
}

CLI::App* add_decision(CLI::App& requests, Environment& environment, const char* name,
                       const char* what, RequestDecision decision,
                       const std::shared_ptr<DecideOptions>& options) {
  CLI::App* command = requests.add_subcommand(name, what);
  command->add_option("ID", options->ids, "the requests")
      ->required()
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->option_text("...");
  command->add_option("--reason", options->reason, "why; whoever asked reads it")
      ->option_text("TEXT");
  command->callback([&environment, options, decision] {
    environment.work = [&environment, options, decision] {
      return decide_requests(environment, *options, decision);
    };
  });
  return command;
}

}  // namespace

void add_requests_approve(CLI::App& requests, Environment& environment) {
  auto options = std::make_shared<DecideOptions>();
  CLI::App* command =
      add_decision(requests, environment, "approve", "let what was asked for be done, once",
                   RequestDecision::approve, options);
  command->add_flag("--yes", options->yes, "ask no question: it was read before");
  command->footer(examples({"hoopctl requests approve apr_cjsgj3svsplpf4eygjc5glm6qm",
                            "hoopctl requests approve apr_cjsgj3svsplpf4eygjc5glm6qm --yes "
                            "--reason 'ticket 4711'"}));
}

void add_requests_reject(CLI::App& requests, Environment& environment) {
  auto options = std::make_shared<DecideOptions>();
  CLI::App* command = add_decision(requests, environment, "reject", "refuse what was asked for",
                                   RequestDecision::reject, options);
  command->footer(examples({"hoopctl requests reject apr_cjsgj3svsplpf4eygjc5glm6qm",
                            "hoopctl requests reject apr_cjsgj3svsplpf4eygjc5glm6qm --reason "
                            "'not in working hours'"}));
}

}  // namespace hoop::cmd
