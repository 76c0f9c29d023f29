// SPDX-License-Identifier: Apache-2.0
#include "cmd/local_path.h"

#include "core/base/encoding.h"
#include "core/net/dialer.h"
#include "protocols/postgres/handler.h"

namespace hoop::cmd {
namespace {

constexpr int kDenialsBeforeEscalation = 3;

}  // namespace

Result<std::unique_ptr<LocalPath>> LocalPath::create(Environment& environment,
                                                     asio::any_io_executor executor, Parts parts) {
  std::unique_ptr<LocalPath> path(new LocalPath(environment));
  session::SessionParts for_engine{
      std::move(parts.grant),   std::move(parts.sink),
      std::move(parts.log_key), std::make_unique<net::DirectDialer>(std::move(executor)),
      &postgres::make_handler,  std::move(parts.command),
      std::move(parts.reason)};
  HOOP_TRY(path->engine_, session::SessionEngine::create(std::move(for_engine), environment.clock,
                                                         environment.random, environment.log));
  path->engine_->gate().on_denial(
      [self = path.get()](const access::Action& action, const access::Decision& decision) {
        self->report_denial(action, decision);
      });
  return path;
}

Task<void> LocalPath::serve(net::StreamPtr downstream, session::Opening opening, session::Door&) {
  co_return co_await engine_->serve(std::move(downstream), std::move(opening));
}

void LocalPath::end_all(std::string reason) { engine_->end_all(std::move(reason)); }

asio::awaitable<SessionResult> LocalPath::finish(std::string cause, int program_status) {
  SessionResult out;
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

void LocalPath::report_denial(const access::Action& action, const access::Decision& decision) {
  // For people the program itself shows the refusal; an agent may never see the program's stderr
  // apart from ours.
  if (environment_.console.messages() != Form::json) return;
  const bool again = ++denials_[decision.rule] >= kDenialsBeforeEscalation;
  environment_.console.insist("denied", decision.message,
                              {{"code", std::string("denied")},
                               {"rule", decision.rule},
                               {"target", engine_->grant().target.name},
                               {"verb", action.verb},
                               {"retryable", false},
                               {"fix", decision.hint.empty() ? Value() : Value(decision.hint)},
                               {"escalate", again ? Value(std::string("ask_user")) : Value()},
                               {"session", engine_->grant().session}});
}

}  // namespace hoop::cmd
