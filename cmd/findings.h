// SPDX-License-Identifier: Apache-2.0
// What a command that looks for trouble has found: a line each, with the fix.
#pragma once

#include <string>
#include <string_view>

#include "cmd/console.h"
#include "cmd/exit_status.h"

namespace hoop::cmd {

enum class Health { ok, warning, failed, skipped };

struct Finding {
  Health health = Health::ok;
  std::string words;
  std::string fix = {};
  ExitStatus status = ExitStatus::ok;  // of what failed
};
Finding failed(const Error& error);

/// Prints each as it comes and remembers how the command ends: with the status of the first that
/// failed.
class Findings {
 public:
  explicit Findings(Console& console) : console_(console) {}
  /// subject: what it is about, where there are several; for machines a member "subject".
  void tell(std::string_view check, const Finding& finding, std::string_view subject = {});
  ExitStatus status() const { return status_; }

 private:
  Console& console_;
  ExitStatus status_ = ExitStatus::ok;
};

}  // namespace hoop::cmd
