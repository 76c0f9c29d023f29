// SPDX-License-Identifier: Apache-2.0
// hoopctl targets: what I may open.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/gateway_client.h"
#include "cmd/json_view.h"
#include "cmd/run.h"
#include "cmd/targets.h"

namespace hoop::cmd {
namespace {

Result<void> list_targets(Environment& environment) {
  HOOP_TRY(const identity::Json::Array targets, fetch_targets(environment));
  Listing listing{{{"name", "NAME"},
                   {"protocol", "PROTOCOL"},
                   {"path", "PATH"},
                   {"description", "DESCRIPTION"},
                   {"labels", "LABELS"}},
                  {},
                  "there is no target that you may open"};
  for (const identity::Json& target : targets) {
    auto& row = listing.rows.emplace_back();
    for (const Listing::Column& column : listing.columns)
      row.push_back(value_at(target, column.key));
  }
  environment.console.print(listing);
  return {};
}

Result<void> show_target(Environment& environment, const std::string& name) {
  HOOP_TRY(const identity::Json::Array targets, fetch_targets(environment));
  for (const identity::Json& target : targets) {
    if (text_at(target, "name") != name) continue;
    std::vector<Field> fields;
    for (const std::string_view key : {"name", "protocol", "path", "description", "labels"})
      fields.push_back({key, value_at(target, key)});
    for (const std::string_view key : {"logins", "host_keys", "base_path", "url_variable"}) {
      if (target.find(key) != nullptr) fields.push_back({key, value_at(target, key)});
    }
    environment.console.print(fields);
    return {};
  }
  return fail(ErrorCode::denied,
              fmt::format("denied: no target '{}' that you may open", remote_text(name)),
              "hoopctl targets lists what you may open");
}

}  // namespace

Result<identity::Json::Array> fetch_targets(Environment& environment) {
  HOOP_TRY(const std::string url, chosen_gateway(environment));
  asio::io_context context;
  HOOP_TRY(const std::unique_ptr<GatewayClient> client,
           GatewayClient::open(environment, context.get_executor(), url));
  HOOP_TRY(const identity::Json answer, run(context, client->get("/v1/targets")));
  const identity::Json* targets = answer.find("targets");
  if (targets == nullptr || targets->array() == nullptr)
    return fail(ErrorCode::malformed, "the gateway's list of targets cannot be read",
                "are hoopctl and the gateway of the same version?");
  return *targets->array();
}

void add_targets(CLI::App& app, Environment& environment) {
  CLI::App* command = app.add_subcommand("targets", "list what I may open");
  command->footer(examples({"hoopctl targets", "hoopctl targets show pg-prod"}));
  command->require_subcommand(0, 1);
  const auto finish = [&environment](const Result<void>& done) {
    return done ? ExitStatus::ok : environment.give_up(done.error());
  };
  command->callback([&environment, finish] {
    if (!environment.work)
      environment.work = [&environment, finish] { return finish(list_targets(environment)); };
  });
  CLI::App* list = command->add_subcommand("list", "list them (the default)");
  list->footer(examples({"hoopctl targets list", "hoopctl --output json targets list"}));
  list->callback([&environment, finish] {
    environment.work = [&environment, finish] { return finish(list_targets(environment)); };
  });
  auto name = std::make_shared<std::string>();
  CLI::App* show = command->add_subcommand("show", "show one");
  show->add_option("NAME", *name, "the target")->required()->option_text(" ");
  show->footer(
      examples({"hoopctl targets show pg-prod", "hoopctl --output json targets show pg-prod"}));
  show->callback([&environment, finish, name] {
    environment.work = [&environment, finish, name] {
      return finish(show_target(environment, *name));
    };
  });
}

}  // namespace hoop::cmd
