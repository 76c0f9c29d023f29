// SPDX-License-Identifier: Apache-2.0
#include "cmd/approval_wait.h"

#include <algorithm>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace hoop::cmd {
namespace {

constexpr auto kPatientWait = std::chrono::minutes(15);
// Below the shortest limit that agents' tools are known to have.
constexpr auto kShortWait = std::chrono::seconds(45);

}  // namespace

Result<std::chrono::seconds> read_wait(std::string_view name, const std::string& text) {
  const bool plain =
      !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  const auto span = parse_duration(plain ? text + "s" : text);
  if (!span)
    return fail(ErrorCode::usage, fmt::format("{} '{}' is not a duration", name, remote_text(text)),
                "for example 45s, 10m, or 0 to not wait at all");
  if (*span > kLongestWait)
    return fail(ErrorCode::usage, fmt::format("{} is longer than an hour", name),
                "what is pending then is not lost: hoopctl resume runs it once it is approved");
  return *span;
}

Result<std::chrono::seconds> approval_wait(const Environment& environment,
                                           const std::optional<std::string>& option) {
  if (option) return read_wait("--wait", *option);
  if (const auto set = environment.variable("HOOPCTL_WAIT")) return read_wait("HOOPCTL_WAIT", *set);
  // First: an agent's tools have their limits in CI too.
  if (!environment.claimed_agent().empty()) return kShortWait;
  return environment.in_ci() || environment.interactive() ? std::chrono::seconds(kPatientWait)
                                                          : kShortWait;
}

void add_wait_option(CLI::App& command, std::optional<std::string>& option) {
  command
      .add_option("--wait", option,
                  "how long an action waits for an approver; 15m, or 45s without a person")
      ->option_text("DURATION");
}

}  // namespace hoop::cmd
