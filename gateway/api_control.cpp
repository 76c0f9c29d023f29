// SPDX-License-Identifier: Apache-2.0
// GET of /v1/sessions/{session}/control: the line on which a running session's client hears at once
// what concerns it. POST of /v1/policy/reload: an operator's SIGHUP.
#include "core/session/control.h"
#include "gateway/api.h"

namespace hoop::gateway {
namespace {

constexpr std::size_t kMaxVersion = 128;

}  // namespace

asio::awaitable<http::Response> Api::control_session(std::string session, http::Request request,
                                                     access::Identity identity) {
  if (!request.headers.lists("Upgrade", session::kControlProtocol) ||
      !request.headers.lists("Connection", "Upgrade")) {
    auto out = http::problem_response(426, "upgrade_required", "this is for control channels only");
    out.headers.set("Upgrade", std::string(session::kControlProtocol));
    out.headers.set("Connection", "Upgrade");
    co_return out;
  }
  std::string version(request.headers.only("Hoopctl-Policy").value_or(""));
  if (version.size() > kMaxVersion || !request.body.empty())
    co_return http::problem_response(400, "malformed", "this is not how a control channel begins");
  auto record = co_await find_session(std::move(session), identity, Who::owner);
  if (!record) co_return problem_of(record.error());
  co_return parts_.registry.attach(*record, std::move(identity), std::move(version));
}

asio::awaitable<http::Response> Api::reload_policy(http::Request request,
                                                   access::Identity identity) {
  if (!request.body.empty())
    co_return http::problem_response(400, "malformed", "a reload has no body");
  if (!is_operator(identity))
    co_return http::problem_response(403, "denied", "operators reload the policy");
  parts_.log.info("policy.reload_asked", {{"by", identity.subject}});
  const auto reloaded = co_await parts_.reload();
  // Where the mistake stands, and what it is: operators write the file.
  if (!reloaded)
    co_return http::problem_response(422, "policy_invalid",
                                     reloaded.error().hint.empty()
                                         ? reloaded.error().message
                                         : reloaded.error().message + ": " + reloaded.error().hint);
  http::Response out;
  out.status = 204;
  co_return out;
}

}  // namespace hoop::gateway
