// SPDX-License-Identifier: Apache-2.0
// The exit statuses of hoopctl, frozen: the same list stands in hoopctl(1), and a test compares the
// two.
#pragma once

#include <array>
#include <string_view>

#include "core/base/error.h"

namespace hoop::cmd {

/// hoopctl's own statuses, for when it must speak itself. A program's own status (0 to 255, 128+N
/// for signal N) passes through as program_status() and is no enumerator.
enum class ExitStatus : int {
  ok = 0,
  usage = 64,             // the command line is wrong
  unreachable = 69,       // gateway, target or record sink unreachable
  internal = 70,          // internal error, nothing released
  record_lost = 74,       // the record could not be kept
  approval_pending = 75,  // approval pending: resumable
  approval_refused = 76,  // approval rejected or expired
  denied = 77,            // denied by policy before the program ran
  configuration = 78,     // configuration, or the gateway's certificate is not the pinned one
  login_needed = 79,      // login needed (never started by itself when not interactive)
  access_ended = 80,      // access expired or revoked while running
  not_executable = 126,   // program not executable
  not_found = 127,        // program not found
};

/// A line of the table in hoopctl(1) and of `hoopctl --help`.
struct ExitStatusLine {
  ExitStatus status;
  std::string_view meaning;
};

inline constexpr std::array kExitStatuses{
    ExitStatusLine{ExitStatus::usage, "usage"},
    ExitStatusLine{ExitStatus::unreachable, "gateway, target or record sink unreachable"},
    ExitStatusLine{ExitStatus::internal, "internal error, nothing released"},
    ExitStatusLine{ExitStatus::record_lost, "the record could not be kept"},
    ExitStatusLine{ExitStatus::approval_pending, "approval pending: resumable"},
    ExitStatusLine{ExitStatus::approval_refused, "approval rejected or expired"},
    ExitStatusLine{ExitStatus::denied, "denied by policy before the program ran"},
    ExitStatusLine{ExitStatus::configuration,
                   "configuration, or the gateway's certificate is not the pinned one"},
    ExitStatusLine{ExitStatus::login_needed, "login needed"},
    ExitStatusLine{ExitStatus::access_ended, "access expired or revoked while running"},
    ExitStatusLine{ExitStatus::not_executable, "program not executable"},
    ExitStatusLine{ExitStatus::not_found, "program not found"},
};

/// The status for an error that ends a command before a program ran.
constexpr ExitStatus exit_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage: return ExitStatus::usage;
    case ErrorCode::config: return ExitStatus::configuration;
    case ErrorCode::unauthenticated: return ExitStatus::login_needed;
    case ErrorCode::denied: return ExitStatus::denied;
    case ErrorCode::not_found:
      return ExitStatus::denied;  // one answer for "unknown" and "forbidden"
    case ErrorCode::malformed: return ExitStatus::unreachable;
    case ErrorCode::unsupported: return ExitStatus::unreachable;
    case ErrorCode::too_large: return ExitStatus::unreachable;
    case ErrorCode::upstream_unreachable: return ExitStatus::unreachable;
    case ErrorCode::upstream_refused: return ExitStatus::unreachable;
    case ErrorCode::timeout: return ExitStatus::unreachable;
    case ErrorCode::cancelled: return ExitStatus::internal;
    case ErrorCode::io: return ExitStatus::internal;
    case ErrorCode::storage: return ExitStatus::record_lost;
    case ErrorCode::integrity: return ExitStatus::configuration;
    case ErrorCode::internal: return ExitStatus::internal;
  }
  return ExitStatus::internal;
}

constexpr ExitStatus program_status(int status) { return static_cast<ExitStatus>(status); }

}  // namespace hoop::cmd
