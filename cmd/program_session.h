// SPDX-License-Identifier: Apache-2.0
// One session around one program: endpoint, door, path and program, from a grant to a session that
// has ended.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cmd/denial_report.h"
#include "cmd/environment.h"
#include "cmd/session_control.h"
#include "cmd/session_path.h"
#include "core/access/target.h"
#include "core/net/endpoint.h"
#include "core/net/task_group.h"
#include "core/process/runtime_dir.h"
#include "core/process/supervisor.h"
#include "core/session/expiry_notices.h"

namespace hoop::cmd {

struct ProgramPlan {
  std::string session;
  access::Target target;
  SystemTime expires_at{};
  std::unique_ptr<SessionControl> control;  // outlives path
  std::unique_ptr<SessionPath> path;
  std::vector<std::string> words;  // the program
  std::vector<int> descriptors;    // that the program inherits
  enum class Listen { unix_socket, tcp } listen = Listen::unix_socket;
  process::SupervisorSettings::ParentDeath parent_death =
      process::SupervisorSettings::ParentDeath::is_ignored;
};

/// What came of it. The session has ended, whatever happened before.
struct ProgramSessionEnd {
  std::optional<process::ProgramEnd> program;  // nullopt: it never ran, see failure
  std::optional<Error> failure;
  bool expired = false;
  bool was_told = false;  // the user knows already that the gateway has ended it
  SessionResult session;
};

class ProgramSession {
 public:
  ProgramSession(Environment& environment, asio::io_context& context)
      : environment_(environment),
        context_(context),
        notices_(context.get_executor()),
        impatience_(context),
        tasks_(context.get_executor()) {}

  /// Takes the plan from start to end. While it runs, and until this object goes, SIGTERM and its
  /// kin reach the program and not us.
  asio::awaitable<ProgramSessionEnd> run(ProgramPlan plan);

 private:
  Result<void> prepare();
  Result<void> listen();
  Result<void> start_program();
  asio::awaitable<void> accept_all();
  asio::awaitable<void> serve(net::StreamPtr stream);
  void watch_expiry();
  void follow_gateway();
  void access_ended(const session::ControlEnd& end);
  asio::awaitable<void> stop_serving();
  void be_impatient(std::chrono::seconds patience, std::function<void()> then);

  Environment& environment_;
  asio::io_context& context_;
  ProgramPlan plan_;
  std::unique_ptr<session::Door> door_;
  std::optional<process::RuntimeDir> folder_;
  net::EndpointPtr endpoint_;
  std::unique_ptr<process::Supervisor> supervisor_;
  std::optional<asio::steady_timer> expiry_;
  session::ExpiryNotices notices_;
  asio::steady_timer impatience_;
  bool expired_ = false;
  bool access_ended_ = false;
  std::optional<DenialReport> denials_;
  net::TaskGroup tasks_;
};

}  // namespace hoop::cmd
