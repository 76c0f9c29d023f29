// SPDX-License-Identifier: Apache-2.0
// Environment: what every command is given by main, instead of reaching for globals.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cmd/console.h"
#include "cmd/exit_status.h"
#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/base/secret.h"

namespace hoop::cmd {

/// The options before the command.
struct GlobalOptions {
  std::string config_file;
  std::string gateway;
  std::string output;  // "", "text" or "json"
  bool quiet = false;
  bool verbose = false;
};

struct Terminals {
  bool in = false;
  bool out = false;
  bool err = false;
};

/// The client's own settings: command line, then HOOPCTL_*, then the configuration file.
struct Settings {
  std::string gateway;  // base URL without a slash at the end, or empty
  std::string output;
  bool quiet = false;
  // A login that is given and not stored, by environment variables alone.
  std::string token_file;
  std::string ca_file;
  std::string ca_sha256;
};

/// The value of a variable of this process, whose own copy is overwritten: neither /proc nor a
/// program that we start shows it any more. Empty if there is none.
SecretText take_variable(char** variables, std::string_view name);

struct Environment {
  const Clock& clock;
  Random& random;
  std::map<std::string, std::string>
      variables;  // a snapshot: what hoopctl itself must not pass on is known here
  Terminals terminals;
  GlobalOptions options;
  Settings settings;
  Console console;
  ConsoleLog log{console};
  /// The words after "--", if there was one. Only a command that sets takes_program may be given
  /// them.
  std::optional<std::vector<std::string>> program;
  SecretText token;  // HOOPCTL_TOKEN of a CI job: an access token
  bool takes_program = false;
  /// What the chosen command does: set by its CLI11 callback, run by main once the whole line has
  /// been understood.
  std::function<ExitStatus()> work;

  Environment(const Clock& clock_, Random& random_, std::map<std::string, std::string> variables_,
              Terminals terminals_)
      : clock(clock_),
        random(random_),
        variables(std::move(variables_)),
        terminals(terminals_),
        console(ConsoleSettings{}) {}
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  std::optional<std::string> variable(const std::string& name) const;
  /// $XDG_STATE_HOME/hoopctl or ~/.local/state/hoopctl; fails with config where there is no home.
  Result<std::string> state_folder() const;
  /// --config, or $XDG_CONFIG_HOME/hoopctl/config.toml.
  Result<std::string> config_file() const;
  /// A person sits there: a question can be asked. False with CI or a known agent variable,
  /// whatever the terminals say.
  bool interactive() const;
  /// CI is set, to something else than no.
  bool in_ci() const;
  /// CI is set, or a known agent runs us.
  bool automated() const;
  /// The name an agent's variables claim ("claude-code"), or empty. It may restrict, never allow.
  std::string claimed_agent() const;

  /// Says the error and answers its status: the last line of most commands.
  ExitStatus give_up(const Error& error);
  /// ok, or as give_up().
  ExitStatus finish(const Result<void>& done) {
    return done ? ExitStatus::ok : give_up(done.error());
  }
};

/// Reads the configuration file and decides, from options, variables and terminals, how the console
/// speaks. Fails with config, usage.
Result<void> settle(Environment& environment);

}  // namespace hoop::cmd
