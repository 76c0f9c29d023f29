// SPDX-License-Identifier: Apache-2.0
#include "cmd/local_path.h"

#include "core/base/encoding.h"
#include "core/net/dialer.h"
#include "protocols/http/handler.h"
#include "protocols/kubernetes/handler.h"
#include "protocols/postgres/handler.h"
#include "protocols/ssh/handler.h"

namespace hoop::cmd {
namespace {

Result<std::unique_ptr<session::ProtocolHandler>> make_handler(session::SessionContext context) {
  const std::string& protocol = context.grant.target.protocol;
  if (protocol == "ssh") return ssh::make_handler(context);
  if (protocol == "http") return http_target::make_handler(context);
  if (protocol == "kubernetes") return kubernetes::make_handler(context);
  return postgres::make_handler(context);
}

}  // namespace

Result<std::unique_ptr<LocalPath>> LocalPath::create(Environment& environment,
                                                     asio::any_io_executor executor, Parts parts) {
  std::unique_ptr<LocalPath> path(
      new LocalPath(environment, parts.grant.session, parts.grant.target.name));
  session::SessionParts for_engine{std::move(parts.grant),
                                   std::move(parts.sink),
                                   std::move(parts.log_key),
                                   std::make_unique<net::DirectDialer>(std::move(executor)),
                                   &make_handler,
                                   std::move(parts.program),
                                   std::move(parts.reason),
                                   nullptr,
                                   nullptr,
                                   std::move(parts.approvals),
                                   parts.approval_wait};
  HOOP_TRY(path->engine_, session::SessionEngine::create(std::move(for_engine), environment.clock,
                                                         environment.random, environment.log));
  path->engine_->gate().on_denial(
      [self = path.get()](const access::Action& action, const access::Decision& decision) {
        self->denials_.say(
            session::ControlDenied{decision.rule, decision.message, decision.hint, action.verb});
      });
  path->engine_->gate().on_approval([self = path.get()](const access::Action& action,
                                                        const access::Decision& decision,
                                                        bool waits) {
    self->denials_.say(session::approval_news(action, decision, waits));
  });
  return path;
}

Task<void> LocalPath::serve(net::StreamPtr downstream, session::Opening opening, session::Door&) {
  co_return co_await engine_->serve(std::move(downstream), std::move(opening));
}

void LocalPath::end_all(std::string reason) { engine_->end_all(std::move(reason)); }

void LocalPath::access_ended(const session::ControlEnd& end) {
  end_ = end;
  engine_->end_all(end.reason);
}

bool LocalPath::take_policy(access::PolicyDocument part) {
  return engine_->take_policy(std::move(part));
}

asio::awaitable<SessionResult> LocalPath::finish(std::string cause, int program_status) {
  SessionResult out;
  if (end_) {
    cause = out.ended_by = end_->cause;
    // A log that cannot take it cannot be sealed either, and says so there.
    if (!end_->by.empty()) static_cast<void>(engine_->note_ended_by(end_->by, end_->words));
  }
  if (auto sealed = engine_->finish(std::move(cause), program_status); !sealed) {
    out.failure =
        std::move(sealed).error().within("the session's record could not be kept to its end");
    out.failure->code = ErrorCode::storage;
  }
  out.totals = engine_->gate().totals();
  out.log_digest = to_hex(engine_->gate().log_digest());
  engine_.reset();  // the log has no writer any more: it can be delivered
  co_return out;
}

}  // namespace hoop::cmd
