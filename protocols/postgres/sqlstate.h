// SPDX-License-Identifier: Apache-2.0
// Our errors in PostgreSQL's words: ErrorCode to SQLSTATE, Error to Report.
#pragma once

#include <string_view>

#include "core/base/error.h"
#include "protocols/postgres/message_writer.h"

namespace hoop::postgres {

/// PostgreSQL docs, "errcodes-appendix".
std::string_view sqlstate(ErrorCode code);
/// message and hint as they are; what a remote said stays out of it: who wants to show it
/// neutralises it first.
Report to_report(const Error& error, Severity severity);

}  // namespace hoop::postgres
