// SPDX-License-Identifier: Apache-2.0
#include "cmd/local_approvals.h"

namespace hoop::cmd {

Task<access::Approval> LocalApprovals::request(access::ApprovalQuestion question) {
  return client_.request_approval(session_, std::move(question));
}

Task<access::Approval> LocalApprovals::wait(std::string id, std::chrono::milliseconds patience) {
  return client_.wait_for_approval(std::move(id), patience);
}

Task<bool> LocalApprovals::spend(std::string id) {
  return client_.spend_approval(std::move(id), session_);
}

}  // namespace hoop::cmd
