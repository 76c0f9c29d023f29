// SPDX-License-Identifier: Apache-2.0
// hoopctl requests: list, show, wait.
#include "cmd/requests.h"

#include <algorithm>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/approval_wait.h"
#include "cmd/command_line.h"
#include "cmd/run.h"
#include "core/access/words.h"
#include "core/http/form.h"

namespace hoop::cmd {
namespace {

constexpr std::chrono::seconds kQuestionTime{25};  // what the gateway lets one request wait
constexpr std::chrono::seconds kBetweenQuestions{1};
constexpr std::chrono::seconds kOutage{60};  // of the gateway, as the control channel has it

struct RequestListOptions {
  std::string state = "pending";
  bool mine = false;
};

struct RequestWaitOptions {
  std::string id;
  std::string wait = "100";
};

Listing table_of(const std::vector<RequestDocument>& requests, SystemTime now) {
  Listing out{{{"id", "ID"},
               {"age", "AGE"},
               {"expires", "EXPIRES"},
               {"who", "WHO"},
               {"target", "TARGET"},
               {"what", "WHAT"},
               {"state", "STATE"}},
              {},
              {}};
  for (const RequestDocument& request : requests) {
    const access::Approval& approval = request.approval;
    const bool open = approval.state == access::ApprovalState::pending ||
                      approval.state == access::ApprovalState::approved;
    const std::string agent =
        request.claimed_agent.empty() ? "" : fmt::format(" ({})", request.claimed_agent);
    out.rows.push_back({approval.id, short_span(now - request.requested_at),
                        open ? Value("in " + short_span(approval.expires_at - now)) : Value(),
                        request.subject + agent, whereabouts(request),
                        request.verb + ": " + first_line(request.text),
                        std::string(to_string(approval.state))});
  }
  return out;
}

Listing lines_of(const std::vector<RequestDocument>& requests) {
  Listing out;
  for (const RequestDocument& request : requests) {
    const std::vector<Field> fields = fields_of(request);
    auto& row = out.rows.emplace_back();
    for (const Field& field : fields) {
      if (out.rows.size() == 1) out.columns.push_back({field.key, field.key});
      row.push_back(field.value);
    }
  }
  return out;
}

Result<void> print_requests(Environment& environment, const RequestListOptions& options) {
  http::Form form;
  form.add("state", options.state);
  if (options.mine) form.add("mine", "1");
  HOOP_TRY(const std::string url, chosen_gateway(environment));
  asio::io_context context;
  HOOP_TRY(const std::unique_ptr<GatewayClient> client,
           GatewayClient::open(environment, context.get_executor(), url));
  HOOP_TRY(const identity::Json answer, run(context, client->list_requests(form.encode())));
  HOOP_TRY(const std::vector<RequestDocument> requests, read_requests(answer));
  const bool json = environment.console.listings() == Form::json;
  Listing listing = json ? lines_of(requests) : table_of(requests, environment.clock.system_now());
  listing.empty = options.state == "all"
                      ? "there is no request"
                      : fmt::format("there is no request that is {}", options.state);
  environment.console.print(listing);
  const identity::Json* more = answer.find("more");
  if (more != nullptr && more->boolean() != nullptr && *more->boolean())
    environment.console.say("more", "there are older ones, which are not listed");
  return {};
}

Result<void> print_one_request(Environment& environment, const std::string& id) {
  HOOP_CHECK(check_request_id(id));
  HOOP_TRY(const std::string url, chosen_gateway(environment));
  asio::io_context context;
  HOOP_TRY(const std::unique_ptr<GatewayClient> client,
           GatewayClient::open(environment, context.get_executor(), url));
  HOOP_TRY(const RequestDocument request, run(context, fetch_request(*client, id)));
  print_request(environment.console, request, environment.clock.system_now());
  return {};
}

ExitStatus wait_for_request(Environment& environment, const RequestWaitOptions& options) {
  const auto wait = read_wait("--wait", options.wait);
  if (!wait) return environment.give_up(wait.error());
  const auto request = decided_request(environment, options.id, *wait);
  if (!request) return environment.give_up(request.error());
  const ExitStatus status = tell_outcome(environment, *request);
  if (environment.console.listings() == Form::json) environment.console.print(fields_of(*request));
  return status;
}

void say_waiting(Console& console, const RequestDocument& request, std::chrono::seconds wait) {
  const access::Approval& approval = request.approval;
  std::string approvers;
  for (const std::string& one : request.approvers)
    approvers += (approvers.empty() ? "" : ", ") + remote_text(one);
  console.insist("pending_approval",
                 fmt::format("{} waits for an approver ({}); waiting {}s", approval.id, approvers,
                             wait.count()),
                 {{"approval_id", approval.id},
                  {"waiting", true},
                  {"wait_s", std::int64_t{wait.count()}},
                  {"resume", "hoopctl resume " + approval.id},
                  {"approvers", request.approvers},
                  {"expires_at", to_rfc3339(approval.expires_at)}});
}

/// Whether the gateway may be there again in a moment.
bool is_outage(const Error& error) {
  return error.code == ErrorCode::upstream_unreachable || error.code == ErrorCode::timeout;
}

Task<RequestDocument> ask_for_request(GatewayClient& client, std::string id,
                                      std::chrono::seconds wait) {
  HOOP_CO_TRY(const identity::Json document, co_await client.show_request(id, wait));
  auto request = read_request(document);
  if (request && request->approval.id != id)
    co_return fail(ErrorCode::malformed, "the gateway has answered with another request");
  co_return request;
}

Task<RequestDocument> await_decision(Environment& environment, GatewayClient& client,
                                     RequestDocument request, std::chrono::seconds wait) {
  const Clock& clock = environment.clock;
  const SteadyTime until = clock.steady_now() + wait;
  SteadyTime heard = clock.steady_now();
  asio::steady_timer pause(client.executor());
  const std::string id = request.approval.id;
  const auto is_pending = [&request] {
    return request.approval.state == access::ApprovalState::pending;
  };
  if (is_pending() && wait.count() > 0) say_waiting(environment.console, request, wait);
  while (is_pending() && clock.steady_now() < until) {
    const SteadyTime asked = clock.steady_now();
    const auto left = std::chrono::ceil<std::chrono::seconds>(until - asked);
    auto seen = co_await ask_for_request(client, id, std::min(left, kQuestionTime));
    const SteadyTime now = clock.steady_now();
    if (seen) {
      request = std::move(*seen);
      heard = now;
    } else if (!is_outage(seen.error()) || now - heard > kOutage) {
      co_return std::unexpected(std::move(seen).error().within("request " + id));
    }
    // Whoever answers at once and says nothing is not asked without a pause.
    if (!is_pending() || now - asked >= kBetweenQuestions) continue;
    pause.expires_after(kBetweenQuestions);
    co_await pause.async_wait(as_result);
  }
  co_return request;
}

}  // namespace

Result<void> check_request_id(const std::string& text) {
  if (is_request_id(text)) return {};
  return fail(ErrorCode::usage, fmt::format("'{}' is not a request's id", remote_text(text)),
              "hoopctl requests list");
}

Task<RequestDocument> fetch_request(GatewayClient& client, std::string id) {
  auto request = co_await ask_for_request(client, id, std::chrono::seconds(0));
  if (!request) co_return std::unexpected(std::move(request).error().within("request " + id));
  co_return std::move(*request);
}

Result<RequestDocument> decided_request(Environment& environment, const std::string& id,
                                        std::chrono::seconds wait) {
  HOOP_CHECK(check_request_id(id));
  HOOP_TRY(const std::string url, chosen_gateway(environment));
  asio::io_context context;
  HOOP_TRY(const std::unique_ptr<GatewayClient> client,
           GatewayClient::open(environment, context.get_executor(), url));
  HOOP_TRY(RequestDocument request, run(context, fetch_request(*client, id)));
  return run(context, await_decision(environment, *client, std::move(request), wait));
}

void add_requests(CLI::App& app, Environment& environment) {
  CLI::App* command =
      app.add_subcommand("requests", "list, show and decide what waits for an approval");
  command->require_subcommand(0, 1);
  command->footer(
      examples({"hoopctl requests", "hoopctl requests show apr_cjsgj3svsplpf4eygjc5glm6qm"}));
  auto options = std::make_shared<RequestListOptions>();
  const auto chosen = [&environment, options] {
    environment.work = [&environment, options] {
      return environment.finish(print_requests(environment, *options));
    };
  };
  command->callback([&environment, chosen] {
    if (!environment.work) chosen();
  });
  CLI::App* list = command->add_subcommand("list", "list those that I may see (the default)");
  std::vector<std::string> states = access::words_of(access::kApprovalStates);
  states.emplace_back("all");
  list->add_option("--state", options->state,
                   "pending, approved, rejected, expired, spent or all; pending unless given")
      ->option_text("STATE")
      ->check(CLI::IsMember(states));
  list->add_flag("--mine", options->mine, "only those that I have made");
  list->footer(examples(
      {"hoopctl requests list --state all --mine", "hoopctl --output json requests list"}));
  list->callback(chosen);

  auto shown = std::make_shared<std::string>();
  CLI::App* show = command->add_subcommand("show", "show one, with its text whole");
  show->add_option("ID", *shown, "the request")->required()->option_text(" ");
  show->footer(examples({"hoopctl requests show apr_cjsgj3svsplpf4eygjc5glm6qm",
                         "hoopctl --output json requests show apr_cjsgj3svsplpf4eygjc5glm6qm"}));
  show->callback([&environment, shown] {
    environment.work = [&environment, shown] {
      return environment.finish(print_one_request(environment, *shown));
    };
  });

  auto waiting = std::make_shared<RequestWaitOptions>();
  CLI::App* wait = command->add_subcommand("wait", "wait until one is decided");
  wait->add_option("ID", waiting->id, "the request")->required()->option_text(" ");
  wait->add_option("--wait", waiting->wait, "how long; 100s unless given, an hour at most")
      ->option_text("DURATION");
  wait->footer(examples({"hoopctl requests wait apr_cjsgj3svsplpf4eygjc5glm6qm",
                         "hoopctl requests wait apr_cjsgj3svsplpf4eygjc5glm6qm --wait 10m"}));
  wait->callback([&environment, waiting] {
    environment.work = [&environment, waiting] { return wait_for_request(environment, *waiting); };
  });

  add_requests_approve(*command, environment);
  add_requests_reject(*command, environment);
}

}  // namespace hoop::cmd
