// SPDX-License-Identifier: Apache-2.0
#include "agent/join.h"

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/identity/json.h"
#include "core/session/agent_frames.h"

namespace hoop::agent {

Task<std::string> join(http::Client& client, AgentIdentity identity, SecretText token,
                       Deadline deadline) {
  HOOP_CO_TRY(http::Url url, http::parse_url(identity.gateway + "/v1/agents/join"));
  const auto proof = identity.key->sign(session::agent_join_text(token.reveal()));
  std::string body = "{\"token\":";
  append_json_string(body, token.reveal());
  body += fmt::format(R"(,"key":"{}","proof":"{}"}})", to_base64url(identity.key->public_key()),
                      to_base64url(proof));
  http::Headers headers{{"Content-Type", "application/json"}};
  HOOP_CO_TRY(
      const http::Response response,
      co_await client.send("POST", std::move(url), std::move(headers), std::move(body), deadline));
  if (response.status == 401)
    co_return fail(ErrorCode::unauthenticated,
                   "the gateway does not take the join token: it is wrong, used or too old",
                   "'hoopctl gateway agent remove' and 'add' make another one");
  if (response.status == 429)
    co_return fail(ErrorCode::upstream_refused, "too many tries", "wait a minute, then try again");
  if (response.status != 200)
    co_return fail(ErrorCode::upstream_refused,
                   fmt::format("the gateway answered {} {}", response.status,
                               http::reason_phrase(response.status)),
                   "is this a hoopctl gateway, and of the same version?");
  const auto json = identity::parse_json(response.body);
  const std::string* name = json ? json->text("agent") : nullptr;
  if (name == nullptr || name->empty())
    co_return fail(ErrorCode::malformed, "the gateway's answer cannot be read",
                   "are the agent and the gateway of the same version?");
  co_return *name;
}

}  // namespace hoop::agent
