// SPDX-License-Identifier: Apache-2.0
// A session's way to the desk from the loop that it is pinned to.
#pragma once

#include "core/session/approvals.h"
#include "gateway/approvals/approval_desk.h"

namespace hoop::gateway {

/// On the session's own loop. Each call asks the desk's loop and is resumed with the answer; a
/// caller that is cancelled meanwhile leaves nothing behind that touches it.
class SessionApprovals final : public session::Approvals {
 public:
  /// desk outlives it, and whatever it has posted; desks is the loop that desk belongs to.
  SessionApprovals(ApprovalDesk& desk, asio::any_io_executor desks, Asker asker)
      : desk_(desk), desks_(std::move(desks)), asker_(std::move(asker)) {}

  Task<access::Approval> request(access::ApprovalQuestion question) override;
  Task<access::Approval> wait(std::string id, std::chrono::milliseconds patience) override;
  Task<bool> spend(std::string id) override;

 private:
  ApprovalDesk& desk_;
  asio::any_io_executor desks_;
  Asker asker_;
};

}  // namespace hoop::gateway
