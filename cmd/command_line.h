// SPDX-License-Identifier: Apache-2.0
// From argv to a chosen command: global options, every add_<command>, and complaints in one line
// and a hint.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cmd/environment.h"

namespace CLI {
class App;
}

namespace hoop::cmd {

/// One function a command: adds its subcommand to app, whose callback sets environment.work.
void add_login(CLI::App& app, Environment& environment);
void add_logout(CLI::App& app, Environment& environment);
void add_whoami(CLI::App& app, Environment& environment);
void add_targets(CLI::App& app, Environment& environment);
void add_policy(CLI::App& app, Environment& environment);
void add_connect(CLI::App& app, Environment& environment);
void add_run(CLI::App& app, Environment& environment);
void add_proxy(CLI::App& app, Environment& environment);
void add_ssh_config(CLI::App& app, Environment& environment);
void add_requests(CLI::App& app, Environment& environment);
void add_resume(CLI::App& app, Environment& environment);
void add_sessions(CLI::App& app, Environment& environment);
void add_gateway(CLI::App& app, Environment& environment);
void add_doctor(CLI::App& app, Environment& environment);
void add_agent(CLI::App& app, Environment& environment);

/// Reads the words after the program's name and runs what they ask for.
ExitStatus run_command_line(std::vector<std::string> words, Environment& environment);

/// For the footer of a command's help: two examples.
std::string examples(const std::vector<std::string>& lines);

}  // namespace hoop::cmd
