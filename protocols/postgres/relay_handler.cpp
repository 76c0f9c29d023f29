// SPDX-License-Identifier: Apache-2.0
// The byte relay that benchmarks compare with: the same login, streams and buffers, nothing else.
#include <set>

#include "core/net/relay.h"
#include "protocols/postgres/handler.h"
#include "protocols/postgres/upstream_login.h"

namespace hoop::postgres {
namespace {

constexpr std::chrono::seconds kLoginTime{15};

class RelayHandler final : public session::ProtocolHandler {
 public:
  explicit RelayHandler(session::SessionContext context) : context_(context) {}

  Task<void> serve(std::uint64_t, net::StreamPtr downstream, session::Opening opening) override {
    if (opening.kind == session::Opening::Kind::cancel) co_return Result<void>{};
    HOOP_CO_TRY(Upstream upstream, co_await log_in());
    HOOP_CO_CHECK(co_await greet(*downstream, upstream));
    const std::shared_ptr<net::Stream> program = std::move(downstream);
    const std::shared_ptr<net::Stream> server = std::move(upstream.stream);
    live_.insert(program.get());
    const Result<void> outcome = co_await net::relay(program, server);
    live_.erase(program.get());
    co_return outcome;
  }

  void end_all(std::string) override {
    for (net::Stream* stream : live_) {
      stream->close();
    }
  }
  void announce(std::string) override {}
  bool can_judge_by(const access::PolicyDocument&) const override { return false; }

 private:
  Task<Upstream> log_in() {
    const access::Grant& grant = context_.grant;
    const auto& credential = *grant.credential_as<access::PostgresCredential>();
    const Deadline deadline = Deadline::after(context_.clock, kLoginTime);
    HOOP_CO_TRY(net::StreamPtr stream,
                co_await context_.dialer.dial(grant.target.host, grant.target.port, deadline));
    LoginParameters parameters{
        grant.target,
        credential.username,
        credential.password.clone(),
        grant.target.databases.empty() ? std::string() : grant.target.databases.front(),
        {},
        deadline,
        &context_.random};
    co_return co_await login(std::move(stream), std::move(parameters));
  }

  Task<void> greet(net::Stream& downstream, Upstream& upstream) {
    Bytes greeting;
    for (const auto& [name, value] : upstream.parameters) {
      append_parameter_status(greeting, name, value);
    }
    append_ready_for_query(greeting, TransactionStatus::idle);
    co_return co_await downstream.write_all(greeting);
  }

  session::SessionContext context_;
  std::set<net::Stream*> live_;
};

}  // namespace

Result<std::unique_ptr<session::ProtocolHandler>> make_relay_handler(
    session::SessionContext context) {
  if (context.grant.credential_as<access::PostgresCredential>() == nullptr)
    return fail(ErrorCode::config, "the grant holds no credential");
  return std::make_unique<RelayHandler>(context);
}

}  // namespace hoop::postgres
