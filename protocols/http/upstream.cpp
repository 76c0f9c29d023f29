// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/upstream.h"

namespace hoop::http_target {
namespace {

constexpr std::chrono::seconds kDialTime{15};

}  // namespace

Task<void> Upstream::open() {
  // What comes before it was asked for would be taken for the answer to the next request.
  if (in_ && (!in_->unread().empty() || in_->stream().has_input())) drop();
  if (in_) co_return Result<void>{};
  const access::Target& target = shared_.target();
  const Deadline deadline = Deadline::after(shared_.context.clock, kDialTime);
  HOOP_CO_TRY(net::StreamPtr stream,
              co_await shared_.context.dialer.dial(target.host, target.port, deadline));
  if (target.tls != access::TlsMode::disable) {
    HOOP_CO_TRY(const net::TlsClient* tls, shared_.tls());
    const std::string name = target.tls_server_name.empty() ? target.host : target.tls_server_name;
    HOOP_CO_TRY(stream, co_await tls->handshake(std::move(stream), name, "http/1.1", deadline));
    if (const std::string agreed = stream->application_protocol();
        !agreed.empty() && agreed != "http/1.1")
      co_return fail(ErrorCode::upstream_refused, "the target speaks no HTTP/1.1");
  }
  in_ = std::make_unique<Inflow>(std::move(stream));
  was_used_ = false;
  idle_since_ = SteadyTime::max();
  co_return Result<void>{};
}

void Upstream::note_used(SteadyTime now) {
  was_used_ = true;
  idle_since_ = now;
  in_->release();
}

void Upstream::close() {
  if (in_) in_->stream().close();
}

void Upstream::drop() {
  in_.reset();
  was_used_ = false;
}

}  // namespace hoop::http_target
