// SPDX-License-Identifier: Apache-2.0
// The local path: the session engine in this process, its log in the user's spool.
#pragma once

#include <map>
#include <memory>

#include "cmd/environment.h"
#include "cmd/session_path.h"
#include "core/session/session_engine.h"

namespace hoop::cmd {

class LocalPath final : public SessionPath {
 public:
  struct Parts {
    access::Grant grant;
    std::unique_ptr<record::LogSink> sink;
    crypto::Ed25519Key log_key;
    std::vector<std::string> command;  // as the log keeps it
    std::string reason;
  };
  static Result<std::unique_ptr<LocalPath>> create(Environment& environment,
                                                   asio::any_io_executor executor, Parts parts);

  Task<void> serve(net::StreamPtr downstream, session::Opening opening,
                   session::Door& door) override;
  void end_all(std::string reason) override;
  asio::awaitable<SessionResult> finish(std::string cause, int program_status) override;

 private:
  explicit LocalPath(Environment& environment) : environment_(environment) {}
  void report_denial(const access::Action& action, const access::Decision& decision);

  Environment& environment_;
  std::unique_ptr<session::SessionEngine> engine_;
  std::map<std::string, int> denials_;  // by rule
};

}  // namespace hoop::cmd
