// SPDX-License-Identifier: Apache-2.0
// What a program may ask for in its StartupMessage, judged and brought into one form.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "protocols/postgres/message_writer.h"
#include "protocols/postgres/messages.h"

namespace hoop::postgres {

struct Startup {
  /// user, database, then settings: names in lower case, each once; client_encoding is UTF8.
  ParameterPairs parameters;
  /// `_pq_.` options, none of which we know.
  std::vector<std::string> unknown_options;
  /// Such options, or a version above 3.0: NegotiateProtocolVersion is due.
  bool needs_negotiation = false;
};

/// Takes `options` apart ("-c name=value", "--name=value") so that each setting stands by itself
/// and is judged like one that was named. Fails with malformed (a parameter twice, no user, not
/// UTF-8), denied (a setting that is not on the list), unsupported (replication, an encoding other
/// than UTF8).
Result<Startup> judge_startup(const StartupMessage& message);

/// A setting that a program may make when it connects: it changes neither what SQL text means nor
/// who runs it. Lower case.
bool is_session_setting(std::string_view name);

}  // namespace hoop::postgres
