// SPDX-License-Identifier: Apache-2.0
// hoopctl gateway target: what a gateway's targets are, and whether sessions could run on them.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/findings.h"
#include "cmd/gateway.h"
#include "gateway/config.h"
#include "gateway/ssh_target_check.h"
#include "gateway/target_check.h"

namespace hoop::cmd {
namespace {

std::vector<std::string> labels_of(const access::Target& target) {
  std::vector<std::string> out;
  for (const auto& [name, value] : target.labels) out.push_back(fmt::format("{}={}", name, value));
  return out;
}

/// Of a service or a cluster its base URL.
std::string address_of(const access::Target& target) {
  const bool has_url = target.protocol == "http" || target.protocol == "kubernetes";
  if (!has_url) return fmt::format("{}:{}", target.host, target.port);
  const bool is_plain = target.tls == access::TlsMode::disable;
  const bool is_six = target.host.find(':') != std::string::npos;
  std::string out = is_plain ? "http://" : "https://";
  out += is_six ? fmt::format("[{}]", target.host) : target.host;
  if (target.port != (is_plain ? 80 : 443)) out += fmt::format(":{}", target.port);
  return out + target.base_path;
}

std::string login_of(const gateway::ConfiguredTarget& target) {
  const auto& account = target.service_account;
  return account ? fmt::format("{}/{}", account->space, account->name) : target.login.user;
}

/// The first step that is not taken at a target behind an agent.
std::string_view skipped_step(const gateway::ConfiguredTarget& target) {
  const std::string& protocol = target.target.protocol;
  if (protocol == "http" || protocol == "kubernetes") return "connection";
  if (protocol == "ssh") return "host_key";
  return target.lends == gateway::Lends::shared_login ? "login" : "admin";
}

Result<void> list_targets(Environment& environment, const std::string& directory) {
  HOOP_CHECK(check_gateway_directory(directory));
  HOOP_TRY(const gateway::GatewayConfig config, gateway::load_config(directory));
  Listing listing{{{"name", "NAME"},
                   {"protocol", "PROTOCOL"},
                   {"address", "ADDRESS"},
                   {"databases", "DATABASES"},
                   {"path", "PATH"},
                   {"via", "VIA"},
                   {"labels", "LABELS"},
                   {"credential", "CREDENTIAL"},
                   {"login", "LOGIN"}},
                  {},
                  "no target is configured"};
  for (const gateway::ConfiguredTarget& one : config.targets) {
    const access::Target& target = one.target;
    listing.rows.push_back({target.name, target.protocol, address_of(target), target.databases,
                            std::string(access::to_string(target.path)),
                            std::string(one.via == gateway::Via::agent ? "agent" : "direct"),
                            labels_of(target), std::string(gateway::to_string(one.lends)),
                            login_of(one)});
  }
  environment.console.print(listing);
  return {};
}

Result<ExitStatus> check_targets(Environment& environment, const std::string& directory,
                                 const std::string& name) {
  HOOP_TRY(auto database, open_gateway_database(directory));
  HOOP_TRY(const gateway::GatewayConfig config, gateway::load_config(directory));
  std::vector<const gateway::ConfiguredTarget*> wanted;
  for (const gateway::ConfiguredTarget& one : config.targets)
    if (name.empty() || one.target.name == name) wanted.push_back(&one);
  if (wanted.empty())
    return fail(ErrorCode::usage,
                name.empty() ? std::string("no target is configured")
                             : fmt::format("there is no target '{}'", name),
                "hoopctl gateway target list DIR");
  withhold_libpq_variables(environment);
  Findings findings(environment.console);
  for (const gateway::ConfiguredTarget* target : wanted) {
    const std::string& subject = target->target.name;
    // Roles are made at the database, though they go at once.
    HOOP_CHECK(record_act(environment, database, "target.check", subject));
    gateway::check_target(
        config, *target, environment.clock, environment.random,
        [&](std::string_view step, const Result<std::string>& found) {
          findings.tell(step, found ? Finding{Health::ok, *found} : failed(found.error()), subject);
        });
    if (target->via == gateway::Via::agent)
      findings.tell(skipped_step(*target),
                    {Health::skipped, "it is reached through an agent, by a gateway that runs"},
                    subject);
  }
  return findings.status();
}

/// "HOST", "HOST:PORT", "[::1]:22".
Result<std::pair<std::string, std::uint16_t>> parse_host(std::string_view text) {
  std::string_view host = text;
  std::uint16_t port = 22;
  const std::size_t colon = text.rfind(':');
  const bool bare_six =
      colon != std::string_view::npos && text.find(':') != colon && !text.starts_with('[');
  if (colon != std::string_view::npos && !bare_six && !text.ends_with(']')) {
    const std::string_view digits = text.substr(colon + 1);
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    host = text.substr(0, colon);
    if (error != std::errc() || stop != digits.data() + digits.size() || port == 0) host = {};
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.find_first_of("/,@ []") != std::string_view::npos)
    return fail(ErrorCode::usage, fmt::format("'{}' is no host", remote_text(text)),
                "write it like web-1.example or web-1.example:2222");
  return std::pair(std::string(host), port);
}

Result<void> scan_host_key(Environment& environment, const std::string& text) {
  HOOP_TRY(const auto where, parse_host(text));
  HOOP_TRY(const auto keys, gateway::scan_host_keys(where.first, where.second));
  Listing listing{{{"type", "TYPE"}, {"fingerprint", "FINGERPRINT"}, {"key", "KEY"}}, {}, ""};
  for (const ssh::PublicKey& key : keys)
    listing.rows.push_back({key.type, ssh::fingerprint(key), ssh::to_line(key)});
  environment.console.print(listing);
  environment.console.say(
      "compare",
      "whoever stands in between would show a key of their own: compare one at the host itself, "
      "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub, before it stands in host_keys");
  return {};
}

}  // namespace

void add_gateway_target(CLI::App& app, Environment& environment) {
  CLI::App* target = app.add_subcommand("target", "list and check the targets of a gateway");
  target->require_subcommand(1);
  target->footer(examples({"hoopctl gateway target list /etc/hoopctl",
                           "hoopctl gateway target check /etc/hoopctl pg-prod"}));
  auto directory = std::make_shared<std::string>();
  CLI::App* list = target->add_subcommand("list", "which targets are configured");
  list->add_option("DIR", *directory, "what 'gateway init' made")->required();
  list->footer(examples({"hoopctl gateway target list /etc/hoopctl",
                         "hoopctl --output json gateway target list /etc/hoopctl"}));
  list->callback([&environment, directory] {
    environment.work = [&environment, directory] {
      return environment.finish(list_targets(environment, *directory));
    };
  });
  auto name = std::make_shared<std::string>();
  CLI::App* check = target->add_subcommand(
      "check", "take each step of a session at a target, as the gateway would, and undo it");
  check->add_option("DIR", *directory, "what 'gateway init' made")->required();
  check->add_option("NAME", *name, "one target; all of them without it")->option_text(" ");
  check->footer(examples({"hoopctl gateway target check /etc/hoopctl",
                          "hoopctl gateway target check /etc/hoopctl pg-prod"}));
  check->callback([&environment, directory, name] {
    environment.work = [&environment, directory, name] {
      const auto checked = check_targets(environment, *directory, *name);
      return checked ? *checked : environment.give_up(checked.error());
    };
  });
  auto host = std::make_shared<std::string>();
  CLI::App* scan = target->add_subcommand(
      "scan-host-key", "show the keys that a host shows, for host_keys of an SSH target");
  scan->add_option("HOST", *host, "its name or address, and :PORT if that is not 22")->required();
  scan->footer(examples({"hoopctl gateway target scan-host-key web-1.example",
                         "hoopctl --output json gateway target scan-host-key 10.1.2.3:2222"}));
  scan->callback([&environment, host] {
    environment.work = [&environment, host] {
      return environment.finish(scan_host_key(environment, *host));
    };
  });
}

}  // namespace hoop::cmd
