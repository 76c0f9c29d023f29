// SPDX-License-Identifier: Apache-2.0
// One program around one or several open targets: endpoints and program, from grants to sessions
// that have ended.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cmd/environment.h"
#include "cmd/postgres_clients.h"
#include "cmd/target_endpoint.h"
#include "core/process/supervisor.h"

namespace hoop::cmd {

struct ProgramPlan {
  std::vector<TargetEndpoint::Plan> targets;  // at least one; the program's plain variables name it
  std::vector<std::string> words;             // the program
  std::vector<int> descriptors;               // that the program inherits
  /// The program reaches its targets, and nothing else. None: it reaches what its user does.
  std::optional<process::Isolation> isolation = std::nullopt;
  process::SupervisorSettings::ParentDeath parent_death =
      process::SupervisorSettings::ParentDeath::is_ignored;
};

/// What came of it. The sessions have ended, whatever happened before.
struct ProgramSessionEnd {
  std::optional<process::ProgramEnd> program;  // nullopt: it never ran, see failure
  std::optional<Error> failure;
  std::vector<EndpointEnd> targets;  // as in the plan
};

class ProgramSession {
 public:
  ProgramSession(Environment& environment, asio::io_context& context)
      : environment_(environment), context_(context) {}

  /// Takes the plan from start to end. While it runs, and until this object goes, SIGTERM and its
  /// kin reach the program and not us.
  asio::awaitable<ProgramSessionEnd> run(ProgramPlan plan);

 private:
  Result<void> start_program(const ProgramPlan& plan);
  Endpoints of_protocol(std::string_view protocol) const;
  Result<Variables> variables() const;

  Environment& environment_;
  asio::io_context& context_;
  std::vector<std::unique_ptr<TargetEndpoint>> endpoints_;
  std::unique_ptr<process::Supervisor> supervisor_;
};

}  // namespace hoop::cmd
