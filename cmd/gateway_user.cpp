// SPDX-License-Identifier: Apache-2.0
// hoopctl gateway user add, password, list, disable, enable and remove: the people that the
// embedded identity provider knows.
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/gateway.h"
#include "gateway/config.h"
#include "gateway/idp/user_store.h"
#include "gateway/revocation_store.h"
#include "gateway/sqlite.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kMaxPassword = 1024;
constexpr std::size_t kMaxReason = 200;  // as the gateway tells it

struct UserAdd {
  std::string directory;
  std::string name;
  std::vector<std::string> groups;
  bool password_stdin = false;
};

/// One line from stdin without its end. Fails with usage when there is none.
Result<SecretText> read_line() {
  std::string line;
  line.reserve(kMaxPassword + 1);  // one allocation: growth would leave pieces behind
  for (char c = 0;;) {
    const ssize_t count = ::read(0, &c, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(ErrorCode::io, "cannot read stdin");
    if (count == 0 || c == '\n') break;
    if (line.size() == kMaxPassword)
      return fail(ErrorCode::usage, "the password is longer than 1024 bytes");
    line += c;
  }
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) return fail(ErrorCode::usage, "the password is empty");
  return SecretText(std::move(line));
}

/// Asks on the terminal without showing what is typed.
Result<SecretText> ask(std::string_view question) {
  termios before{};
  if (::tcgetattr(0, &before) != 0) return fail(ErrorCode::io, "cannot talk to the terminal");
  termios hidden = before;
  hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  [[maybe_unused]] auto written = ::write(2, question.data(), question.size());
  ::tcsetattr(0, TCSAFLUSH, &hidden);
  auto line = read_line();
  ::tcsetattr(0, TCSAFLUSH, &before);
  written = ::write(2, "\n", 1);
  return line;
}

Result<SecretText> read_password(const Environment& environment, const UserAdd& options) {
  if (options.password_stdin) return read_line();
  if (!environment.terminals.in)
    return fail(ErrorCode::usage, "no terminal to ask for the password on",
                "pipe it in with --password-stdin");
  HOOP_TRY(auto first, ask("password: "));
  HOOP_TRY(const auto second, ask("once more: "));
  if (!equal_constant_time(as_bytes(first.reveal()), as_bytes(second.reveal())))
    return fail(ErrorCode::usage, "the two passwords differ");
  return first;
}

std::unexpected<Error> unknown_user(const std::string& name) {
  return fail(ErrorCode::usage, fmt::format("there is no user '{}'", remote_text(name)),
              "'hoopctl gateway user list' shows who is known");
}

Result<void> add_user(Environment& environment, const UserAdd& options) {
  HOOP_CHECK(check_gateway_directory(options.directory));
  HOOP_TRY(const auto password, read_password(environment, options));
  HOOP_TRY(auto database, open_gateway_database(options.directory));
  HOOP_TRY(auto users, gateway::idp::UserStore::open(database));
  HOOP_CHECK(record_act(environment, database, "user.add", options.name,
                        fmt::format("groups: {}", fmt::join(options.groups, " "))));
  HOOP_CHECK(users.add_user(options.name, password, options.groups, environment.random,
                            environment.clock.system_now()));
  environment.console.say("user_added", fmt::format("added user '{}'", options.name),
                          {{"user", options.name}, {"groups", options.groups}});
  // A configuration that cannot be read is told of by who needs it.
  const auto config = gateway::load_config(options.directory);
  if (config && config->oidc) {
    environment.console.say(
        "user_not_asked",
        fmt::format("people log in at {}, so this password opens nothing: [gateway.oidc]",
                    config->oidc->issuer),
        {{"issuer", config->oidc->issuer}});
  }
  return {};
}

Result<void> change_password(Environment& environment, const UserAdd& options) {
  HOOP_TRY(auto database, open_gateway_database(options.directory));
  HOOP_TRY(auto users, gateway::idp::UserStore::open(database));
  HOOP_TRY(const auto known, users.find_user(options.name));
  if (!known) return unknown_user(options.name);
  HOOP_TRY(const auto password, read_password(environment, options));
  HOOP_CHECK(record_act(environment, database, "user.password", options.name));
  HOOP_CHECK(users.set_password(options.name, password, environment.random));
  environment.console.say(
      "password_changed",
      fmt::format("changed the password of user '{}', whose logins have ended", options.name),
      {{"user", options.name}});
  return {};
}

Result<void> list_users(Environment& environment, const std::string& directory) {
  HOOP_TRY(auto database, open_gateway_database(directory));
  HOOP_TRY(auto users, gateway::idp::UserStore::open(database));
  HOOP_TRY(auto revocations, gateway::RevocationStore::open(database));
  HOOP_TRY(const auto people, users.list_users());
  HOOP_TRY(const auto revoked, revocations.list());
  Listing listing{{{"user", "USER"},
                   {"groups", "GROUPS"},
                   {"state", "STATE"},
                   {"created_at", "CREATED"},
                   {"revoked_at", "REVOKED"}},
                  {},
                  "no user is known"};
  for (const gateway::idp::User& user : people) {
    const auto taken = std::ranges::find(revoked, user.name, &gateway::Revocation::subject);
    listing.rows.push_back({user.name, fmt::format("{}", fmt::join(user.groups, " ")),
                            std::string(user.disabled ? "disabled"
                                        : user.locked ? "locked"
                                                      : "enabled"),
                            to_rfc3339(user.created_at),
                            taken == revoked.end() ? Value() : Value(to_rfc3339(taken->at))});
  }
  environment.console.print(listing);
  return {};
}

enum class Change { disable, enable, remove };

struct UserChange {
  std::string directory;
  std::string name;
  std::string reason;
};

Result<void> change_user(Environment& environment, const UserChange& options, Change change) {
  using State = gateway::idp::UserStore::State;
  if (options.reason.size() > kMaxReason)
    return fail(ErrorCode::usage, fmt::format("--reason is longer than {} bytes", kMaxReason));
  HOOP_TRY(auto database, open_gateway_database(options.directory));
  HOOP_TRY(auto users, gateway::idp::UserStore::open(database));
  HOOP_TRY(auto revocations, gateway::RevocationStore::open(database));
  HOOP_TRY(const auto known, users.find_user(options.name));
  if (!known) return unknown_user(options.name);
  const std::string act = change == Change::remove    ? "user.remove"
                          : change == Change::disable ? "user.disable"
                                                      : "user.enable";
  HOOP_CHECK(record_act(environment, database, act, options.name, options.reason));
  // First: no login may begin that is newer than what is taken back.
  HOOP_CHECK(
      users.set_state(options.name, change == Change::enable ? State::enabled : State::disabled));
  if (change != Change::enable)
    HOOP_CHECK(revocations.add({options.name, environment.clock.system_now(), {}, options.reason}));
  // Last: who stops in between does it again, and somebody who is forgotten cannot be named.
  if (change == Change::remove) HOOP_CHECK(users.remove_user(options.name));
  const std::string_view what = change == Change::remove    ? "removed"
                                : change == Change::disable ? "disabled"
                                                            : "enabled";
  environment.console.say(fmt::format("user_{}", what),
                          fmt::format("{} user '{}'", what, options.name),
                          {{"user", options.name}});
  return {};
}

void add_user_change(CLI::App& user, Environment& environment, const std::string& word,
                     const std::string& help, Change change) {
  CLI::App* command = user.add_subcommand(word, help);
  auto options = std::make_shared<UserChange>();
  command->add_option("DIR", options->directory, "what 'gateway init' made")->required();
  command->add_option("NAME", options->name, "what the person signs in as")->required();
  if (change != Change::enable)
    command->add_option("--reason", options->reason, "why; the person's programs read it")
        ->option_text("TEXT");
  command->footer(examples({"hoopctl gateway user " + word + " /etc/hoopctl alice"}));
  command->callback([&environment, options, change] {
    environment.work = [&environment, options, change] {
      return environment.finish(change_user(environment, *options, change));
    };
  });
}

}  // namespace

void add_gateway_user(CLI::App& app, Environment& environment) {
  CLI::App* user =
      app.add_subcommand("user", "the people that the gateway's own identity provider knows");
  user->require_subcommand(1);
  CLI::App* add = user->add_subcommand("add", "add a person; works while the gateway runs");
  auto options = std::make_shared<UserAdd>();
  add->add_option("DIR", options->directory, "what 'gateway init' made")->required();
  add->add_option("NAME", options->name, "what the person signs in as")->required();
  add->add_option("--group", options->groups,
                  "a group that policy may name; may be given several times")
      ->type_name("G")
      ->take_all();
  add->add_flag("--password-stdin", options->password_stdin,
                "read the password from the first line of stdin");
  add->footer(examples({"hoopctl gateway user add /etc/hoopctl alice --group developers"}));
  add->callback([&environment, options] {
    environment.work = [&environment, options] {
      return environment.finish(add_user(environment, *options));
    };
  });

  auto changed = std::make_shared<UserAdd>();
  CLI::App* password = user->add_subcommand(
      "password", "give a person another password, and end what the person is logged in to");
  password->add_option("DIR", changed->directory, "what 'gateway init' made")->required();
  password->add_option("NAME", changed->name, "what the person signs in as")->required();
  password->add_flag("--password-stdin", changed->password_stdin,
                     "read the password from the first line of stdin");
  password->footer(examples({"hoopctl gateway user password /etc/hoopctl alice"}));
  password->callback([&environment, changed] {
    environment.work = [&environment, changed] {
      return environment.finish(change_password(environment, *changed));
    };
  });

  auto listed = std::make_shared<std::string>();
  CLI::App* list = user->add_subcommand("list", "list the people that are known");
  list->add_option("DIR", *listed, "what 'gateway init' made")->required();
  list->footer(examples({"hoopctl gateway user list /etc/hoopctl"}));
  list->callback([&environment, listed] {
    environment.work = [&environment, listed] {
      return environment.finish(list_users(environment, *listed));
    };
  });
  add_user_change(*user, environment, "disable",
                  "end a person's access; a gateway that runs ends all that the person has open "
                  "within 2 seconds",
                  Change::disable);
  add_user_change(*user, environment, "enable",
                  "let a person that was disabled or is locked log in again", Change::enable);
  add_user_change(*user, environment, "remove",
                  "forget a person, and end all access as disable does", Change::remove);
}

}  // namespace hoop::cmd
