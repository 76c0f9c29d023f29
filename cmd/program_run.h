// SPDX-License-Identifier: Apache-2.0
// What connect and run share: grants, a program around them, and the sealed logs at the gateway.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cmd/environment.h"

namespace hoop::cmd {

struct ProgramRunOptions {
  std::vector<std::string> targets;  // at least one
  /// What stands after "--" is for the stock client of the only target, where its protocol has it
  /// so; otherwise it is the program.
  bool is_connect = false;
  std::string reason;
  bool tcp = false;
  bool isolate = false;
  bool keep = false;
  bool fail_on_deny = false;
  int result_descriptor = -1;
  std::optional<std::string> wait;  // for an approver, as --wait has it
  std::string approval;             // the request that is taken up
};

/// Runs environment.program, or the stock client of the target.
ExitStatus run_program(Environment& environment, ProgramRunOptions options);

/// Fails with usage for a reason that the record does not take.
Result<void> check_reason(const std::string& reason);

class TargetSession;
struct EndpointEnd;
/// What a person wants to know of a session that has ended: how much was masked.
void say_totals(Console& console, const TargetSession& session, const EndpointEnd& end);

}  // namespace hoop::cmd
