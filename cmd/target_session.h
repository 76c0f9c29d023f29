// SPDX-License-Identifier: Apache-2.0
// A session on a target from its grant to its delivered log, whatever uses it in between.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/environment.h"
#include "cmd/gateway_client.h"
#include "cmd/grant_renewal.h"
#include "cmd/session_control.h"
#include "cmd/session_path.h"
#include "core/record/records.h"
#include "core/record/spool.h"

namespace hoop::cmd {

/// What has become of the session's log.
enum class Upload { none, receipted, spooled, refused, unconfirmed };
std::string_view to_string(Upload upload);

/// What a grant gives to whoever uses it.
struct OpenTarget {
  access::Target target;
  std::vector<std::string> logins;  // ssh: as whom one may log in; the first is the default
  SystemTime expires_at{};
  std::unique_ptr<GrantRenewal> renewal;    // none: access is not renewed
  std::unique_ptr<SessionControl> control;  // outlives path
  std::unique_ptr<SessionPath> path;
};

/// That it is for the target that was asked for, and its names are what they must be: programs are
/// told all of them, ssh in its own words. Fails with malformed; with config as
/// check_http_target().
Result<void> check_grant(const access::Grant& grant, const std::string& target);

class TargetSession {
 public:
  TargetSession(Environment& environment, asio::io_context& context)
      : environment_(environment), context_(context) {}

  struct Wish {
    std::string target;
    std::string reason;
    record::RecordedProgram program = {};  // as the log keeps it
    std::string approval = {};             // the request whose approval is to be used
    std::optional<std::chrono::seconds> approval_wait = std::nullopt;
    std::vector<std::string> after_mark =
        {};  // connect: the words that the protocol gives a meaning
  };
  /// The grant, and everything that must be there before anything runs: above all a place for its
  /// record. After a failure there is no grant.
  Task<OpenTarget> open(Wish wish);
  /// The record's way to the gateway, and the grant's end; once the path has finished. Fails with
  /// integrity where the gateway does not take the log, and with what is wrong with the spool.
  Task<void> deliver(const SessionResult& result);
  /// Delivers what earlier runs could not, if that is likely to work, and lets go of the gateway.
  asio::awaitable<void> close();

  const std::string& session() const { return session_; }
  access::DataPath path() const { return data_path_; }
  Upload upload() const { return upload_; }

 private:
  Task<OpenTarget> ask(Wish wish);
  Result<std::unique_ptr<SessionPath>> path_of(access::Grant grant, crypto::Ed25519Key key,
                                               Wish wish);
  Task<void> end_grant();
  Task<void> upload_log();
  Task<void> upload_leftovers();

  Environment& environment_;
  asio::io_context& context_;
  std::unique_ptr<GatewayClient> client_;
  std::optional<record::Spool> spool_;
  std::string session_;
  access::DataPath data_path_ = access::DataPath::local;
  Upload upload_ = Upload::none;
};

}  // namespace hoop::cmd
