// SPDX-License-Identifier: Apache-2.0
// People who decide requests as a test has them do it.
#pragma once

#include <vector>

#include "core/session/approvals.h"
#include "tests/support/catch.h"

namespace hoop::test {

/// They say what the test has them say, when it has them say it.
class ScriptedPeople final : public session::Approvals {
 public:
  explicit ScriptedPeople(const asio::any_io_executor& executor)
      : changed_(executor, SteadyTime::max()) {}

  Task<access::Approval> request(access::ApprovalQuestion question) override {
    asked.push_back(question);
    if (out_of_reach) co_return fail(ErrorCode::upstream_unreachable, "no gateway");
    co_return approval;
  }
  Task<access::Approval> wait(std::string id, std::chrono::milliseconds patience) override {
    CHECK(id == approval.id);
    ++waits;
    if (lost_waits > 0) {
      --lost_waits;
      co_return fail(ErrorCode::timeout, "no answer");
    }
    const auto until = std::chrono::steady_clock::now() + patience;
    while (approval.state == access::ApprovalState::pending &&
           std::chrono::steady_clock::now() < until) {
      changed_.expires_at(until);
      co_await changed_.async_wait(as_result);
    }
    co_return approval;
  }
  Task<bool> spend(std::string) override {
    ++spends;
    if (approval.state != access::ApprovalState::approved || spent_by_another) co_return false;
    approval.state = access::ApprovalState::spent;
    co_return true;
  }
  void say(access::ApprovalState state, std::string words = {}) {
    approval.state = state;
    approval.by = "bob";
    approval.words = std::move(words);
    changed_.cancel();
  }

  access::Approval approval{"apr_1", access::ApprovalState::pending, {}, {}, {}};
  std::vector<access::ApprovalQuestion> asked;
  bool out_of_reach = false;
  bool spent_by_another = false;
  int lost_waits = 0;
  int waits = 0, spends = 0;

 private:
  asio::steady_timer changed_;
};

}  // namespace hoop::test
