// SPDX-License-Identifier: Apache-2.0
#include "cmd/environment.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "core/config/client_config.h"

namespace hoop::cmd {
namespace {

struct AgentVariable {
  const char* variable;
  std::string_view name;  // empty: the variable's value is the name
};

// What agents set in the shells that they run; the list is for manners (no prompts, JSON), never
// for trust.
constexpr std::array kAgentVariables{
    AgentVariable{"HOOPCTL_AGENT", ""},
    AgentVariable{"CLAUDECODE", "claude-code"},
    AgentVariable{"CODEX_SANDBOX", "codex"},
    AgentVariable{"CODEX_SANDBOX_NETWORK_DISABLED", "codex"},
    AgentVariable{"CURSOR_AGENT", "cursor"},
    AgentVariable{"GEMINI_CLI", "gemini-cli"},
    AgentVariable{"VSCODE_AGENT", "vscode"},
    AgentVariable{"AGENT", ""},
    AgentVariable{"AI_AGENT", ""},
};

constexpr std::size_t kMaxAgentName = 64;

std::string plain_name(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kMaxAgentName)) {
    const bool keep = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_' || c == '.';
    out += keep ? c : '-';
  }
  return out;
}

/// The XDG base directory specification: a relative path is ignored.
Result<std::string> base_folder(const Environment& environment, const std::string& variable,
                                std::string_view below_home) {
  if (const auto folder = environment.variable(variable); folder && folder->starts_with('/'))
    return *folder;
  if (const auto home = environment.variable("HOME"); home && home->starts_with('/'))
    return *home + std::string(below_home);
  if (const passwd* entry = ::getpwuid(::geteuid());
      entry != nullptr && entry->pw_dir != nullptr && entry->pw_dir[0] == '/') {
    return std::string(entry->pw_dir) + std::string(below_home);
  }
  return fail(ErrorCode::config, "there is no home folder to keep state in",
              "set HOME or " + variable);
}

}  // namespace

SecretText take_variable(char** variables, std::string_view name) {
  SecretText taken;
  for (; *variables != nullptr; ++variables) {
    const std::string_view entry(*variables);
    if (!entry.starts_with(name) || entry.substr(name.size(), 1) != "=") continue;
    const std::string_view value = entry.substr(name.size() + 1);
    if (taken.empty()) taken = SecretText(std::string(value));
    wipe(*variables + name.size() + 1, value.size());  // each, if it is there twice
  }
  return taken;
}

std::optional<std::string> Environment::variable(const std::string& name) const {
  const auto found = variables.find(name);
  if (found == variables.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

Result<std::string> Environment::state_folder() const {
  HOOP_TRY(const std::string base, base_folder(*this, "XDG_STATE_HOME", "/.local/state"));
  return base + "/hoopctl";
}

Result<std::string> Environment::config_file() const {
  if (!options.config_file.empty()) return options.config_file;
  HOOP_TRY(const std::string base, base_folder(*this, "XDG_CONFIG_HOME", "/.config"));
  return base + "/hoopctl/config.toml";
}

std::string Environment::claimed_agent() const {
  for (const AgentVariable& agent : kAgentVariables) {
    if (const auto value = variable(agent.variable))
      return plain_name(agent.name.empty() ? std::string_view(*value) : agent.name);
  }
  return {};
}

bool Environment::in_ci() const {
  const auto ci = variable("CI");
  return ci && *ci != "false" && *ci != "0";
}

bool Environment::automated() const { return in_ci() || !claimed_agent().empty(); }

bool Environment::interactive() const { return terminals.in && terminals.err && !automated(); }

ExitStatus Environment::give_up(const Error& error) {
  const ExitStatus status = exit_status(error.code);
  console.error(error, {{"exit_status", std::int64_t{static_cast<int>(status)}}});
  return status;
}

Result<void> settle(Environment& environment) {
  const GlobalOptions& options = environment.options;
  const auto file = environment.config_file();
  config::ClientConfig read;
  if (file) {
    HOOP_TRY(read, config::load_client_config(*file, options.config_file.empty()
                                                         ? config::Missing::is_empty
                                                         : config::Missing::is_error));
  } else if (!options.config_file.empty()) {
    return std::unexpected(file.error());
  }
  Settings& settings = environment.settings;
  const auto asked = environment.variable("HOOPCTL_OUTPUT");
  if (asked && *asked != "text" && *asked != "json")
    return fail(ErrorCode::usage, "HOOPCTL_OUTPUT is neither text nor json",
                "set it to one of them, or unset it");
  settings.output = !options.output.empty()                      ? options.output
                    : asked                                      ? *asked
                    : !read.output                               ? ""
                    : *read.output == config::OutputFormat::json ? "json"
                                                                 : "text";
  settings.quiet = options.quiet || read.quiet;
  settings.gateway = !options.gateway.empty()
                         ? options.gateway
                         : environment.variable("HOOPCTL_GATEWAY").value_or(read.gateway);
  while (settings.gateway.ends_with('/')) settings.gateway.pop_back();

  settings.token_file = environment.variable("HOOPCTL_TOKEN_FILE").value_or("");
  settings.ca_file = environment.variable("HOOPCTL_CA_FILE").value_or("");
  settings.ca_sha256 = environment.variable("HOOPCTL_CA_SHA256").value_or("");

  const bool machine =
      settings.output == "json" ||
      (settings.output.empty() && (!environment.terminals.err || environment.automated()));
  ConsoleSettings console;
  console.messages = machine ? Form::json : Form::text;
  console.listings = settings.output == "json" ? Form::json : Form::text;
  console.verbosity = settings.quiet    ? Verbosity::quiet
                      : options.verbose ? Verbosity::verbose
                                        : Verbosity::normal;
  const bool plain = machine || !environment.terminals.err || environment.automated();
  console.colour = plain || environment.variable("NO_COLOR") ||
                           environment.variable("TERM").value_or("dumb") == "dumb"
                       ? Colour::never
                       : Colour::yes;
  console.progress = plain ? ConsoleSettings::Progress::never : ConsoleSettings::Progress::bar;
  environment.console.configure(console);
  if (!environment.token.empty() && !environment.in_ci()) {
    // A person's shell profile is no place for one, and would pass it to everything.
    environment.console.warn("token_ignored", "HOOPCTL_TOKEN is not read outside of CI",
                             "hoopctl login, or put the token into a file for HOOPCTL_TOKEN_FILE");
    environment.token = SecretText();
  }
  return {};
}

}  // namespace hoop::cmd
