// SPDX-License-Identifier: Apache-2.0
// hoopctl gateway role: who may open what, as the policy of a gateway's directory says it.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/gateway.h"
#include "gateway/config.h"
#include "gateway/idp/user_store.h"

namespace hoop::cmd {
namespace {

std::string span(std::chrono::seconds time) {
  const auto seconds = time.count();
  if (seconds == 0) return "-";
  if (seconds % 3600 == 0) return fmt::format("{}h", seconds / 3600);
  if (seconds % 60 == 0) return fmt::format("{}m", seconds / 60);
  return fmt::format("{}s", seconds);
}

Result<gateway::GatewayConfig> read_config(const std::string& directory) {
  HOOP_CHECK(check_gateway_directory(directory));
  return gateway::load_config(directory);
}

Result<void> list_roles(Environment& environment, const std::string& directory) {
  HOOP_TRY(const gateway::GatewayConfig config, read_config(directory));
  Listing listing{{{"name", "NAME"},
                   {"members", "MEMBERS"},
                   {"targets", "TARGETS"},
                   {"path", "PATH"},
                   {"max_ttl", "MAX TTL"},
                   {"renew_for", "RENEW FOR"},
                   {"database_role", "DATABASE ROLE"}},
                  {},
                  "the policy has no role, and so nobody may open anything"};
  for (const access::Role& role : config.policy.roles) {
    listing.rows.push_back({role.name, role.members, role.targets,
                            role.path ? std::string(access::to_string(*role.path)) : "-",
                            span(role.max_ttl), span(role.renew_for),
                            role.database_role.empty() ? "-" : role.database_role});
  }
  environment.console.print(listing);
  return {};
}

struct Person {
  std::string name;
  std::vector<std::string> groups;  // none: those that the gateway's own provider knows of
  std::string kind = "person";
};

Result<access::Identity> identity_of(const std::string& directory, const Person& person) {
  access::Identity out;
  out.subject = person.name;
  out.groups = person.groups;
  if (person.kind == "ci") out.kind = access::IdentityKind::ci;
  if (person.kind == "agent") out.kind = access::IdentityKind::agent;
  if (!person.groups.empty()) return out;
  HOOP_TRY(auto database, open_gateway_database(directory));
  HOOP_TRY(auto users, gateway::idp::UserStore::open(database));
  HOOP_TRY(const auto user, users.find_user(person.name));
  if (user) out.groups = user->groups;
  return out;
}

Result<void> explain_roles(Environment& environment, const std::string& directory,
                           const Person& person) {
  HOOP_TRY(const gateway::GatewayConfig config, read_config(directory));
  HOOP_TRY(const access::Identity identity, identity_of(directory, person));
  const access::PolicyEngine policy(config.policy);
  Listing listing{{{"target", "TARGET"},
                   {"role", "ROLE"},
                   {"path", "PATH"},
                   {"database_role", "DATABASE ROLE"},
                   {"lasts", "LASTS"}},
                  {},
                  fmt::format("'{}' may open nothing", person.name)};
  const SystemTime now = environment.clock.system_now();
  for (const gateway::ConfiguredTarget& one : config.targets) {
    const auto allowed = policy.authorize(identity, one.target, std::chrono::seconds(0), now);
    if (!allowed) continue;
    const auto lasts =
        std::chrono::duration_cast<std::chrono::seconds>(allowed->valid_until() - now);
    listing.rows.push_back({one.target.name, allowed->role(),
                            std::string(access::to_string(allowed->path())),
                            allowed->database_role().empty() ? "-" : allowed->database_role(),
                            span(std::max(lasts, allowed->renew_for()))});
  }
  environment.console.print(listing);
  return {};
}

}  // namespace

void add_gateway_role(CLI::App& app, Environment& environment) {
  CLI::App* role = app.add_subcommand("role", "who may open what, by the policy of a gateway");
  role->require_subcommand(1);
  role->footer(examples({"hoopctl gateway role list /etc/hoopctl",
                         "hoopctl gateway role explain /etc/hoopctl alice"}));
  auto directory = std::make_shared<std::string>();
  CLI::App* list = role->add_subcommand("list", "the roles, in the order in which they are asked");
  list->add_option("DIR", *directory, "what 'gateway init' made")->required();
  list->footer(examples({"hoopctl gateway role list /etc/hoopctl",
                         "hoopctl --output json gateway role list /etc/hoopctl"}));
  list->callback([&environment, directory] {
    environment.work = [&environment, directory] {
      return environment.finish(list_roles(environment, *directory));
    };
  });
  auto person = std::make_shared<Person>();
  CLI::App* explain =
      role->add_subcommand("explain", "what a person may open, by which role, and for how long");
  explain->add_option("DIR", *directory, "what 'gateway init' made")->required();
  explain->add_option("NAME", person->name, "the subject")->required();
  explain
      ->add_option("--group", person->groups,
                   "a group; may be repeated. Without any: those of a user of the gateway's own")
      ->option_text("G");
  explain->add_option("--kind", person->kind, "how the login is made")
      ->option_text("person|ci|agent")
      ->check(CLI::IsMember({"person", "ci", "agent"}));
  explain->footer(
      examples({"hoopctl gateway role explain /etc/hoopctl alice",
                "hoopctl gateway role explain /etc/hoopctl build-bot --group ci --kind ci"}));
  explain->callback([&environment, directory, person] {
    environment.work = [&environment, directory, person] {
      return environment.finish(explain_roles(environment, *directory, *person));
    };
  });
}

}  // namespace hoop::cmd
