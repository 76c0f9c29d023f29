// SPDX-License-Identifier: Apache-2.0
// hoopctl sessions list: which sessions there are, by filters and pages.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/gateway_client.h"
#include "cmd/json_view.h"
#include "cmd/run.h"
#include "cmd/sessions.h"
#include "core/http/form.h"

namespace hoop::cmd {
namespace {

struct ListOptions {
  int limit = 100;
  bool live = false;
  bool denied = false;
  std::string target;
  std::string subject;
  std::string since;
  std::string until;
  std::string before;
};

/// "2h" (ago), "2026-11-28" (UTC) or a time of RFC 3339.
Result<SystemTime> read_moment(std::string_view option, const std::string& text, SystemTime now) {
  if (const auto ago = parse_duration(text)) return now - *ago;
  if (const auto day = parse_rfc3339(text + "T00:00:00Z")) return *day;
  if (const auto time = parse_rfc3339(text)) return *time;
  return fail(ErrorCode::usage, fmt::format("{} '{}' is not a time", option, remote_text(text)),
              "for example 2h, 7d, 2026-11-28 or 2026-11-28T14:00:00Z");
}

Result<std::string> query_of(const ListOptions& options, SystemTime now) {
  http::Form form;
  form.add("limit", std::to_string(options.limit));
  if (options.live) form.add("live", "1");
  if (options.denied) form.add("denied", "1");
  if (!options.target.empty()) form.add("target", options.target);
  if (!options.subject.empty()) form.add("subject", options.subject);
  if (!options.before.empty()) form.add("before", options.before);
  if (!options.since.empty()) {
    HOOP_TRY(const SystemTime since, read_moment("--since", options.since, now));
    form.add("since", to_rfc3339(since));
  }
  if (!options.until.empty()) {
    HOOP_TRY(const SystemTime until, read_moment("--until", options.until, now));
    form.add("until", to_rfc3339(until));
  }
  return form.encode();
}

Result<void> list_sessions(Environment& environment, const ListOptions& options) {
  HOOP_TRY(const std::string query, query_of(options, environment.clock.system_now()));
  HOOP_TRY(const std::string url, chosen_gateway(environment));
  asio::io_context context;
  HOOP_TRY(const std::unique_ptr<GatewayClient> client,
           GatewayClient::open(environment, context.get_executor(), url));
  auto answer = run(context, client->get("/v1/sessions?" + query));
  if (!answer && !options.before.empty() && answer.error().code == ErrorCode::not_found)
    return fail(
        ErrorCode::usage,
        fmt::format("--before '{}' is no session that you may see", remote_text(options.before)),
        "hoopctl sessions list");
  if (!answer) return std::unexpected(std::move(answer).error());
  const identity::Json* sessions = answer->find("sessions");
  if (sessions == nullptr || sessions->array() == nullptr)
    return fail(ErrorCode::malformed, "the gateway's list of sessions cannot be read",
                "are hoopctl and the gateway of the same version?");
  Listing listing{{{"session", "SESSION"},
                   {"target", "TARGET"},
                   {"subject", "SUBJECT"},
                   {"started_at", "STARTED"},
                   {"ended_at", ""},
                   {"state", "STATE"},
                   {"live", ""},
                   {"actions", "ACTIONS"},
                   {"denied", "DENIED"},
                   {"masked_values", "MASKED"},
                   {"rows", "ROWS"}},
                  {},
                  options.live ? "no session is live" : "there is no session"};
  for (const identity::Json& session : *sessions->array()) {
    auto& row = listing.rows.emplace_back();
    for (const Listing::Column& column : listing.columns)
      row.push_back(value_at(session, column.key));
  }
  environment.console.print(listing);
  if (listing.rows.size() == static_cast<std::size_t>(options.limit)) {
    const std::string last = remote_text(text_at(sessions->array()->back(), "session"));
    environment.console.say("more", fmt::format("there may be more: --before {}", last),
                            {{"before", last}});
  }
  return {};
}

}  // namespace

void add_sessions_list(CLI::App& sessions, Environment& environment) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* list = sessions.add_subcommand("list", "list my sessions; auditors see everybody's");
  list->add_option("--limit", options->limit, "at most so many, newest first")
      ->option_text("N")
      ->check(CLI::Range(1, 1000));
  list->add_flag("--live", options->live, "only those that can still reach their target");
  list->add_flag("--denied", options->denied, "only those in which something was denied");
  list->add_option("--target", options->target, "only those on this target")->option_text("NAME");
  list->add_option("--subject", options->subject, "only those of this person; for auditors")
      ->option_text("NAME");
  list->add_option("--since", options->since, "started then or later: 2h, 7d, a date or a time")
      ->option_text("WHEN");
  list->add_option("--until", options->until, "started before")->option_text("WHEN");
  list->add_option("--before", options->before,
                   "the page after the one that ends with this session")
      ->option_text("SESSION");
  list->footer(examples({"hoopctl sessions list --since 2h --denied",
                         "hoopctl --output json sessions list --live --target pg-prod"}));
  list->callback([&environment, options] {
    environment.work = [&environment, options] {
      return environment.finish(list_sessions(environment, *options));
    };
  });
}

}  // namespace hoop::cmd
