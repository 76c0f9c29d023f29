// SPDX-License-Identifier: Apache-2.0
#include "cmd/exit_status.h"

#include <set>

#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::cmd;

TEST_CASE("every error code has a status of the table") {
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    const ExitStatus status = exit_status(static_cast<ErrorCode>(code));
    INFO(to_string(static_cast<ErrorCode>(code)));
    bool listed = false;
    for (const ExitStatusLine& line : kExitStatuses) listed = listed || line.status == status;
    CHECK(listed);
  }
}

TEST_CASE("the table is frozen") {
  std::vector<int> numbers;
  for (const ExitStatusLine& line : kExitStatuses) numbers.push_back(static_cast<int>(line.status));
  CHECK(numbers == std::vector<int>{64, 69, 70, 74, 75, 76, 77, 78, 79, 80, 126, 127});
  CHECK(exit_status(ErrorCode::usage) == ExitStatus::usage);
  CHECK(exit_status(ErrorCode::unauthenticated) == ExitStatus::login_needed);
  CHECK(exit_status(ErrorCode::denied) == ExitStatus::denied);
  CHECK(exit_status(ErrorCode::config) == ExitStatus::configuration);
  CHECK(exit_status(ErrorCode::storage) == ExitStatus::record_lost);
  CHECK(exit_status(ErrorCode::upstream_unreachable) == ExitStatus::unreachable);
  CHECK(exit_status(ErrorCode::internal) == ExitStatus::internal);
}
