// SPDX-License-Identifier: Apache-2.0
// What the files of hoopctl sessions share.
#pragma once

#include <functional>
#include <string>

#include "cmd/environment.h"
#include "core/identity/json.h"
#include "core/record/session_log_reader.h"

namespace CLI {
class App;
}

namespace hoop::cmd {

/// hoopctl sessions list.
void add_sessions_list(CLI::App& sessions, Environment& environment);
Result<void> show_session(Environment& environment, const std::string& session);
/// what: a session's id, or the path of a log.
Result<void> verify_session(Environment& environment, const std::string& what);

/// Reads a whole log and shows each record to visit. Fails as LogReader does, with a message that
/// speaks of the chain.
Result<record::LogSummary> read_log(std::string_view bytes,
                                    const std::function<void(const record::Record&)>& visit);
/// A record's payload; null where it is not JSON.
identity::Json payload_of(const record::Record& record);

}  // namespace hoop::cmd
