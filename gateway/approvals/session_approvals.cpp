// SPDX-License-Identifier: Apache-2.0
#include "gateway/approvals/session_approvals.h"

namespace hoop::gateway {

Task<access::Approval> SessionApprovals::request(access::ApprovalQuestion question) {
  net::Question<access::Approval> ask =
      [&desk = desk_, asker = asker_,
       question = std::move(question)](net::Answer<access::Approval> answer) mutable {
        auto requested = desk.request(asker, std::move(question));
        if (requested)
          answer(std::move(requested->approval));
        else
          answer(std::unexpected(std::move(requested).error()));
      };
  return net::ask_loop(desks_, ask);
}

Task<access::Approval> SessionApprovals::wait(std::string id, std::chrono::milliseconds patience) {
  net::Question<access::Approval> ask = [&desk = desk_, id = std::move(id),
                                         patience](net::Answer<access::Approval> answer) {
    desk.answer_later(id, patience, std::move(answer));
  };
  return net::ask_loop(desks_, ask);
}

Task<bool> SessionApprovals::spend(std::string id) {
  net::Question<bool> ask = [&desk = desk_, asker = asker_, id = std::move(id)](
                                net::Answer<bool> answer) { answer(desk.spend(id, asker)); };
  return net::ask_loop(desks_, ask);
}

}  // namespace hoop::gateway
