// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/relay_action.h"

#include <algorithm>

#include <fmt/format.h>

#include "protocols/ssh/command_line.h"
#include "protocols/ssh/destination.h"

namespace hoop::ssh {
namespace {

std::string_view verb_of(RelayAct act) {
  switch (act) {
    case RelayAct::shell: return "shell";
    case RelayAct::exec: return "exec";
    case RelayAct::subsystem: return "subsystem";
    case RelayAct::pty: return "pty";
    case RelayAct::env: return "env";
    case RelayAct::forward: return "forward";
    case RelayAct::listen:
    case RelayAct::accepted: return "listen";
  }
  return "unknown";
}

/// Of each command whether it is a transfer, where there is one or a line is not known whole: an
/// allow must then cover them all.
void add_transfers(access::Action& action, const CommandLine& line) {
  std::vector<Transfer> found;
  for (const auto* commands : {&line.commands, &line.inner})
    for (const auto& words : *commands) found.push_back(transfer_of(words));
  if (std::ranges::all_of(found, [](Transfer one) { return one == Transfer::none; }))
    found.assign(1, Transfer::none);
  for (const Transfer one : found)
    action.resources.push_back({"transfer", std::string(to_string(one)), access::Access::write});
  if (line.form != CommandForm::plain)
    action.resources.push_back({"transfer", "unknown", access::Access::write});
}

void add_commands(access::Action& action, const CommandLine& line) {
  action.attributes["form"] = to_string(line.form);
  action.unjudged = line.form == CommandForm::opaque;
  for (const auto& words : line.commands)
    action.resources.push_back(
        {std::string(access::kCommandKey), access::join_command(words), access::Access::write});
  for (const auto& words : line.inner)
    action.resources.push_back(
        {std::string(access::kInnerCommand), access::join_command(words), access::Access::write});
  add_transfers(action, line);
}

}  // namespace

access::Action action_of(const RelayAsk& ask) {
  access::Action out;
  out.protocol = "ssh";
  out.verb = verb_of(ask.act);
  out.text = ask.text;
  std::string bytes = ask.text;
  switch (ask.act) {
    case RelayAct::exec: add_commands(out, read_command_line(ask.text)); break;
    case RelayAct::subsystem: out.attributes["subsystem"] = ask.text; break;
    case RelayAct::pty:
      out.attributes["terminal"] = ask.text;
      out.attributes["columns"] = std::to_string(ask.columns);
      out.attributes["rows"] = std::to_string(ask.rows);
      break;
    case RelayAct::env:
      // Its value may be a secret, and stands nowhere.
      out.attributes["variable"] = ask.text;
      bytes += "=" + ask.value;
      break;
    case RelayAct::shell: out.unjudged = true; break;
    case RelayAct::forward:
    case RelayAct::listen:
    case RelayAct::accepted: {
      // What goes through it nobody looks at: a rule that does not speak of it lets none pass.
      out.named_by = access::kDestinationKey;
      // All addresses have more names than one where something listens.
      const bool all = ask.act != RelayAct::forward && (ask.text == "0.0.0.0" || ask.text == "::");
      const std::string to =
          destination_of(all ? std::string_view() : std::string_view(ask.text), ask.columns)
              .value_or("unknown");
      out.attributes[std::string(access::kDestinationKey)] = to;
      if (!ask.value.empty()) out.attributes["originator"] = ask.value;
      out.text = ask.act == RelayAct::forward  ? "forward to " + to
                 : ask.act == RelayAct::listen ? "listen at " + to
                                               : fmt::format("{} connects to {}", ask.value, to);
      bytes = out.text;
      break;
    }
  }
  out.digest = crypto::sha256(as_bytes(bytes));
  return out;
}

}  // namespace hoop::ssh
