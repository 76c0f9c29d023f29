// SPDX-License-Identifier: Apache-2.0
#include "cmd/denial_report.h"

namespace hoop::cmd {
namespace {

constexpr int kDenialsBeforeEscalation = 3;

}  // namespace

void DenialReport::say(const session::ControlDenied& denied) {
  if (console_.messages() != Form::json) return;
  const bool again = ++counts_[denied.rule] >= kDenialsBeforeEscalation;
  console_.insist("denied", denied.message,
                  {{"code", std::string("denied")},
                   {"rule", denied.rule},
                   {"target", target_},
                   {"verb", denied.verb},
                   {"retryable", false},
                   {"fix", denied.hint.empty() ? Value() : Value(denied.hint)},
                   {"escalate", again ? Value(std::string("ask_user")) : Value()},
                   {"session", session_}});
}

}  // namespace hoop::cmd
