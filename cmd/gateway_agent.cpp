// SPDX-License-Identifier: Apache-2.0
// hoopctl gateway agent add, list and remove: the agents that a gateway knows.
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/gateway.h"
#include "gateway/agents/agent_store.h"
#include "gateway/config.h"

namespace hoop::cmd {
namespace {

constexpr std::chrono::hours kLongestToken{24 * 7};

struct AgentAdd {
  std::string directory;
  std::string name;
  std::vector<std::string> serves;
  std::string valid_for = "1h";
};

Result<gateway::Labels> read_labels(const std::vector<std::string>& words) {
  gateway::Labels out;
  for (const std::string& word : words) {
    const std::size_t sign = word.find('=');
    if (sign == std::string::npos || sign == 0)
      return fail(ErrorCode::usage, fmt::format("'{}' is not a label", remote_text(word)),
                  "write it like --serves site=berlin");
    out.insert_or_assign(word.substr(0, sign), word.substr(sign + 1));
  }
  return out;
}

std::string in_words(const gateway::Labels& labels) {
  std::string out;
  for (const auto& [key, value] : labels)
    out += fmt::format("{}{}={}", out.empty() ? "" : " ", key, value);
  return out;
}

Result<void> add_agent_to(Environment& environment, const AgentAdd& options) {
  HOOP_TRY(const gateway::Labels serves, read_labels(options.serves));
  HOOP_TRY(const auto valid_for, parse_duration(options.valid_for));
  if (valid_for.count() <= 0 || valid_for > kLongestToken)
    return fail(ErrorCode::usage, "--for must be between 1s and 7d");
  HOOP_TRY(auto database, open_gateway_database(options.directory));
  HOOP_TRY(auto store, gateway::AgentStore::open(database));
  const SystemTime now = environment.clock.system_now();
  HOOP_CHECK(
      record_act(environment, database, "agent.add", options.name, "serves: " + in_words(serves)));
  HOOP_TRY(const SecretText token,
           store.add(options.name, serves, valid_for, environment.random, now));
  environment.console.say(
      "agent_added",
      fmt::format("added agent '{}': its join token is good until {}, for one agent", options.name,
                  to_rfc3339(now + valid_for)),
      {{"agent", options.name}, {"expires_at", to_rfc3339(now + valid_for)}});
  if (serves.empty())
    environment.console.warn("serves_nothing", "without --serves it serves no target",
                             "--serves site=berlin, as the labels of the targets say");
  environment.console.print_line(token.reveal());
  return {};
}

std::string_view state_of(const gateway::AgentRecord& agent, SystemTime now) {
  if (agent.key) return "joined";
  return agent.token_expires_at > now ? "invited" : "expired";
}

Result<void> list_agents(Environment& environment, const std::string& directory) {
  HOOP_TRY(auto database, open_gateway_database(directory));
  HOOP_TRY(auto store, gateway::AgentStore::open(database));
  HOOP_TRY(const auto agents, store.list());
  Listing listing{{{"agent", "AGENT"},
                   {"serves", "SERVES"},
                   {"state", "STATE"},
                   {"joined_at", "JOINED"},
                   {"seen_at", "SEEN"}},
                  {},
                  "no agent is known"};
  const SystemTime now = environment.clock.system_now();
  for (const gateway::AgentRecord& agent : agents) {
    const auto time = [](const std::optional<SystemTime>& at) {
      return at ? Value(to_rfc3339(*at)) : Value();
    };
    listing.rows.push_back({agent.name, in_words(agent.serves), std::string(state_of(agent, now)),
                            time(agent.joined_at), time(agent.seen_at)});
  }
  environment.console.print(listing);
  return {};
}

Result<void> remove_agent(Environment& environment, const std::string& directory,
                          const std::string& name) {
  HOOP_TRY(auto database, open_gateway_database(directory));
  HOOP_TRY(auto store, gateway::AgentStore::open(database));
  HOOP_CHECK(record_act(environment, database, "agent.remove", name));
  auto removed = store.remove(name);
  if (!removed) {
    Error error = std::move(removed).error();
    if (error.code == ErrorCode::not_found) error.code = ErrorCode::usage;
    error.hint = "'hoopctl gateway agent list' shows who is known";
    return std::unexpected(std::move(error));
  }
  environment.console.say("agent_removed", fmt::format("removed agent '{}'", name),
                          {{"agent", name}});
  return {};
}

}  // namespace

void add_gateway_agent(CLI::App& app, Environment& environment) {
  const auto finish = [&environment](const Result<void>& done) {
    return done ? ExitStatus::ok : environment.give_up(done.error());
  };
  CLI::App* agent =
      app.add_subcommand("agent", "the agents that lead to targets the gateway cannot reach");
  agent->require_subcommand(1);

  auto options = std::make_shared<AgentAdd>();
  CLI::App* add = agent->add_subcommand(
      "add", "add an agent and print its join token; works while the gateway runs");
  add->add_option("DIR", options->directory, "what 'gateway init' made")->required();
  add->add_option("NAME", options->name, "what it is called")->required();
  add->add_option("--serves", options->serves,
                  "a label of the targets that it may serve, all of them must fit; may be given "
                  "several times")
      ->type_name("KEY=VALUE")
      ->take_all();
  add->add_option("--for", options->valid_for, "how long the token is good: 1h")
      ->option_text("DURATION");
  add->footer(examples({"hoopctl gateway agent add /etc/hoopctl berlin --serves site=berlin"}));
  add->callback([&environment, finish, options] {
    environment.work = [&environment, finish, options] {
      return finish(add_agent_to(environment, *options));
    };
  });

  auto listed = std::make_shared<std::string>();
  CLI::App* list = agent->add_subcommand("list", "list the agents that are known");
  list->add_option("DIR", *listed, "what 'gateway init' made")->required();
  list->footer(examples({"hoopctl gateway agent list /etc/hoopctl"}));
  list->callback([&environment, finish, listed] {
    environment.work = [&environment, finish, listed] {
      return finish(list_agents(environment, *listed));
    };
  });

  auto removed = std::make_shared<std::pair<std::string, std::string>>();
  CLI::App* remove = agent->add_subcommand(
      "remove", "forget an agent; a gateway that runs ends its connections within 2 seconds");
  remove->add_option("DIR", removed->first, "what 'gateway init' made")->required();
  remove->add_option("NAME", removed->second, "what it is called")->required();
  remove->footer(examples({"hoopctl gateway agent remove /etc/hoopctl berlin"}));
  remove->callback([&environment, finish, removed] {
    environment.work = [&environment, finish, removed] {
      return finish(remove_agent(environment, removed->first, removed->second));
    };
  });
}

}  // namespace hoop::cmd
