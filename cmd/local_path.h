// SPDX-License-Identifier: Apache-2.0
// The local path: the session engine in this process, its log in the user's spool.
#pragma once

#include <memory>

#include "cmd/denial_report.h"
#include "cmd/environment.h"
#include "cmd/session_path.h"
#include "core/record/records.h"
#include "core/session/session_engine.h"

namespace hoop::cmd {

class LocalPath final : public SessionPath {
 public:
  struct Parts {
    access::Grant grant;
    std::unique_ptr<record::LogSink> sink;
    crypto::Ed25519Key log_key;
    record::RecordedProgram program = {};  // as the log keeps it
    std::string reason;
    /// Whom to ask where a rule wants an approval, and how long to wait for the answer.
    std::unique_ptr<session::Approvals> approvals = nullptr;
    std::chrono::seconds approval_wait{0};
  };
  static Result<std::unique_ptr<LocalPath>> create(Environment& environment,
                                                   asio::any_io_executor executor, Parts parts);

  Task<void> serve(net::StreamPtr downstream, session::Opening opening,
                   session::Door& door) override;
  void end_all(std::string reason) override;
  bool take_policy(access::PolicyDocument part) override;
  void announce(std::string words) override { engine_->announce(std::move(words)); }
  void renewed(SystemTime expires_at) override { engine_->note_renewed(expires_at); }
  void hold_by(session::Lease& lease) override { engine_->gate().hold_by(lease); }
  void access_ended(const session::ControlEnd& end) override;
  asio::awaitable<SessionResult> finish(std::string cause, int program_status) override;

 private:
  LocalPath(Environment& environment, std::string session, std::string target)
      : denials_(environment.console, std::move(session), std::move(target)) {}

  std::unique_ptr<session::SessionEngine> engine_;
  DenialReport denials_;
  std::optional<session::ControlEnd> end_;
};

}  // namespace hoop::cmd
