// SPDX-License-Identifier: Apache-2.0
// hoopctl ssh-config: what makes plain ssh, and whatever runs it, go through hoopctl.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/gateway_client.h"
#include "cmd/json_view.h"
#include "cmd/ssh_clients.h"
#include "cmd/targets.h"
#include "core/access/names.h"
#include "gateway/toml_parts.h"

namespace hoop::cmd {
namespace {

bool is_suffix(std::string_view text) {
  return text.size() <= 64 && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") ==
                                  std::string_view::npos;
}

Result<void> print_configuration(Environment& environment, const std::string& suffix) {
  if (!is_suffix(suffix))
    return fail(ErrorCode::usage, fmt::format("'{}' cannot end a host's name", remote_text(suffix)),
                "like .hoop; lower-case letters, digits, '-', '_' and '.'");
  HOOP_TRY(const std::string url, chosen_gateway(environment));
  HOOP_TRY(const identity::Json::Array targets, fetch_targets(environment));
  HOOP_TRY(const std::string known, keep_stream_host_key(environment));
  std::string out = fmt::format("# hoopctl ssh-config: hosts of {}\n", url);
  std::size_t hosts = 0;
  for (const identity::Json& target : targets) {
    const std::string name = text_at(target, "name");
    if (text_at(target, "protocol") != "ssh") continue;
    const Value logins = value_at(target, "logins");
    const auto* list = std::get_if<std::vector<std::string>>(&logins);
    const std::string login = list == nullptr || list->empty() ? "" : list->front();
    // From a gateway: what ssh would take for something else does not go into its configuration.
    if (!gateway::is_name(name, 63) || !access::is_login(login)) continue;
    HOOP_TRY(const std::string block, stream_host_block(url, name, name + suffix, login, known));
    out += block;
    ++hosts;
  }
  if (hosts == 0) {
    environment.console.warn("no_hosts", "there is no host that you may open",
                             "hoopctl targets lists what there is");
    return {};
  }
  out.pop_back();
  environment.console.print_line(out);
  return {};
}

}  // namespace

void add_ssh_config(CLI::App& app, Environment& environment) {
  auto suffix = std::make_shared<std::string>(".hoop");
  CLI::App* command =
      app.add_subcommand("ssh-config", "print a block for ~/.ssh/config: plain ssh to web-1.hoop");
  command->add_option("--suffix", *suffix, "what is put behind each target's name; .hoop if absent")
      ->option_text("TEXT");
  command->footer(examples({"hoopctl ssh-config > ~/.ssh/hoopctl.conf   # Include hoopctl.conf",
                            "hoopctl ssh-config --suffix .prod"}));
  command->callback([&environment, suffix] {
    environment.work = [&environment, suffix] {
      return environment.finish(print_configuration(environment, *suffix));
    };
  });
}

}  // namespace hoop::cmd
