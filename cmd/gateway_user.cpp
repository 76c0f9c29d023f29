// SPDX-License-Identifier: Apache-2.0
// hoopctl gateway user add DIR NAME: a person that the embedded identity provider knows.
#include <termios.h>
#include <unistd.h>

#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/gateway.h"
#include "gateway/config.h"
#include "gateway/idp/user_store.h"
#include "gateway/sqlite.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kMaxPassword = 1024;

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

ExitStatus add_user(Environment& environment, const UserAdd& options) {
  const gateway::Layout layout{options.directory};
  std::error_code error;
  if (!std::filesystem::exists(layout.gateway_toml(), error))
    return environment.give_up(
        Error{ErrorCode::config,
              fmt::format("'{}' is not a gateway's directory", options.directory),
              "'hoopctl gateway init DIR' makes one",
              {}});
  auto password = read_password(environment, options);
  if (!password) return environment.give_up(password.error());
  auto database = gateway::Database::open(layout.database());
  if (!database) return environment.give_up(database.error());
  auto users = gateway::idp::UserStore::open(*database);
  if (!users) return environment.give_up(users.error());
  auto added = users->add_user(options.name, *password, options.groups, environment.random,
                               environment.clock.system_now());
  if (!added) return environment.give_up(added.error());
  environment.console.say("user_added", fmt::format("added user '{}'", options.name),
                          {{"user", options.name}, {"groups", options.groups}});
  return ExitStatus::ok;
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
    environment.work = [&environment, options] { return add_user(environment, *options); };
  });
}

}  // namespace hoop::cmd
