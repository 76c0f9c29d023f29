// SPDX-License-Identifier: Apache-2.0
// A session's way to people who approve, on the local path: by the gateway's API, in the name of
// who is logged in.
#pragma once

#include <string>

#include "cmd/gateway_client.h"
#include "core/session/approvals.h"

namespace hoop::cmd {

class LocalApprovals final : public session::Approvals {
 public:
  /// client outlives this.
  LocalApprovals(GatewayClient& client, std::string session)
      : client_(client), session_(std::move(session)) {}

  Task<access::Approval> request(access::ApprovalQuestion question) override;
  Task<access::Approval> wait(std::string id, std::chrono::milliseconds patience) override;
  Task<bool> spend(std::string id) override;

 private:
  GatewayClient& client_;
  std::string session_;
};

}  // namespace hoop::cmd
