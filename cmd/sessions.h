// SPDX-License-Identifier: Apache-2.0
// What the files of hoopctl sessions share.
#pragma once

#include <functional>
#include <string>

#include "cmd/environment.h"
#include "core/record/session_log_reader.h"

namespace CLI {
class App;
}

namespace hoop::cmd {

/// hoopctl sessions list.
void add_sessions_list(CLI::App& sessions, Environment& environment);
Result<void> show_session(Environment& environment, const std::string& session);
/// what: a session's id, or the path of a log. key: of the session, base64url; empty: not known.
Result<void> verify_session(Environment& environment, const std::string& what,
                            const std::string& key);

/// Reads a whole log and shows each record to visit; first its header, as record 0. Fails as
/// LogReader does, with a message that speaks of the chain.
Result<record::LogSummary> read_log(std::string_view bytes,
                                    const std::function<void(const record::Record&)>& visit);
void add_sessions_export(CLI::App& sessions, Environment& environment);
void add_sessions_replay(CLI::App& sessions, Environment& environment);

/// Whether what somebody has named is the path of a log, and not a session's id.
bool is_log_file(const std::string& what);
/// The bytes of that log: of a file, or from the session's gateway.
Result<std::string> load_log(Environment& environment, const std::string& what);

}  // namespace hoop::cmd
