// SPDX-License-Identifier: Apache-2.0
// Tells programs that an action was refused, and everybody what becomes of one that needs an
// approval.
#pragma once

#include <map>
#include <string>

#include "cmd/console.h"
#include "core/session/control.h"

namespace hoop::cmd {

class DenialReport {
 public:
  /// console outlives this.
  DenialReport(Console& console, std::string session, std::string target)
      : console_(console), session_(std::move(session)), target_(std::move(target)) {}
  /// Says nothing to people: the program itself shows them the refusal. An agent may never see the
  /// program's stderr apart from ours.
  void say(const session::ControlDenied& denied);
  /// What somebody must be told before the wait: whoever ends us early has read it.
  void say(const session::ControlApproval& news);

 private:
  Console& console_;
  std::string session_;
  std::string target_;
  std::map<std::string, int> counts_;  // by rule
};

}  // namespace hoop::cmd
