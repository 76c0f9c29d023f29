// SPDX-License-Identifier: Apache-2.0
// The words and SQLSTATEs in which hoopctl says no, and the poison that makes the server say no at
// the same place.
#pragma once

#include "core/session/gate.h"
#include "protocols/postgres/message_writer.h"

namespace hoop::postgres {

/// Cannot be parsed by any server, names nobody's data, and tells a DBA who reads the server's log
/// where it came from.
inline constexpr std::string_view kPoisonText = "hoopctl refused";
/// Not "": a failed Parse of the unnamed statement would take the program's own with it.
inline constexpr std::string_view kPoisonStatement = "hoopctl refused";

/// SQLSTATE 42501, the rule's message and hint, stable code in detail.
Report report_of(const session::Refusal& refusal);
/// FATAL, for an error that ends the connection. Never quotes Error.remote.
Report report_of(const Error& error);
/// A decision of effect deny for what masks or the protocol forbid, whatever policy says.
access::Decision fixed_denial(std::string rule, std::string message, std::string hint = {});

/// For what comes in a pipeline behind a schema change: what its names mean is not known yet.
Report behind_report();

}  // namespace hoop::postgres
