// SPDX-License-Identifier: Apache-2.0
// One session on the local path: endpoint, door, engine and program, from a grant to a sealed log.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cmd/environment.h"
#include "core/access/grant.h"
#include "core/net/endpoint.h"
#include "core/net/task_group.h"
#include "core/process/runtime_dir.h"
#include "core/process/supervisor.h"
#include "core/session/session_engine.h"

namespace hoop::cmd {

struct LocalSessionPlan {
  access::Grant grant;
  std::unique_ptr<record::LogSink> sink;
  crypto::Ed25519Key log_key;
  std::vector<std::string> words;  // the program
  std::vector<int> descriptors;    // that the program inherits
  std::string reason;
  enum class Listen { unix_socket, tcp } listen = Listen::unix_socket;
  process::SupervisorSettings::ParentDeath parent_death =
      process::SupervisorSettings::ParentDeath::is_ignored;
};

/// What came of it. The log is sealed, or says in sealed why it is not.
struct LocalSessionEnd {
  std::optional<process::ProgramEnd> program;  // nullopt: it never ran, see failure
  std::optional<Error> failure;
  bool expired = false;
  std::string cause;
  session::SessionTotals totals;
  std::string log_digest;
  std::optional<Error> not_sealed;
};

class LocalSession {
 public:
  LocalSession(Environment& environment, asio::io_context& context)
      : environment_(environment),
        context_(context),
        impatience_(context),
        tasks_(context.get_executor()) {}

  /// Takes the plan from start to end. While it runs, and until this object goes, SIGTERM and its
  /// kin reach the program and not us.
  asio::awaitable<LocalSessionEnd> run(LocalSessionPlan plan);

 private:
  Result<void> prepare(LocalSessionPlan& plan);
  Result<void> listen(LocalSessionPlan::Listen where);
  Result<void> start_program(const LocalSessionPlan& plan);
  asio::awaitable<void> accept_all();
  asio::awaitable<void> serve(net::StreamPtr stream);
  void watch_expiry();
  asio::awaitable<void> stop_serving();
  void be_impatient(std::chrono::seconds patience, std::function<void()> then);
  void report_denial(const access::Action& action, const access::Decision& decision);

  Environment& environment_;
  asio::io_context& context_;
  std::unique_ptr<session::SessionEngine> engine_;
  std::unique_ptr<session::Door> door_;
  std::optional<process::RuntimeDir> folder_;
  net::EndpointPtr endpoint_;
  std::unique_ptr<process::Supervisor> supervisor_;
  std::optional<asio::steady_timer> expiry_;
  asio::steady_timer impatience_;
  bool expired_ = false;
  std::map<std::string, int> denials_;  // by rule
  net::TaskGroup tasks_;
};

}  // namespace hoop::cmd
