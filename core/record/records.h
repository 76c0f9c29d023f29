// SPDX-License-Identifier: Apache-2.0
// What a session log says: one struct a record type. Payloads are JSON objects;
// hoopctl-session-log(5) specifies them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/access/action.h"
#include "core/access/policy.h"
#include "core/base/clock.h"

namespace hoop::record {

enum class RecordType : std::uint8_t {
  session_start = 1,
  action = 2,       // decided, before it is released
  reply_begin = 3,  // before the first byte of a reply
  progress = 4,     // before each further 1 MiB or 1,000 rows
  reply_end = 5,    // before the completion is released
  note = 6,        // what else a reader must know: policy swapped, limit reached, connection opened
  reply_data = 7,  // an action's number, masked reply bytes; capped, at level full; may be skipped
  session_end = 8,
  seal = 9,     // written by SessionLog::seal alone
  output = 10,  // what a program at a host has said, and when; masked, capped, may be skipped
};

/// Of a program's output. Its bytes stand behind it.
struct OutputMark {
  std::uint64_t action = 0;
  /// Since the action was admitted; more than 49 days are as many as can be said.
  std::chrono::milliseconds after{0};
  bool is_error = false;  // of standard error
};

/// What runs around a session, as its client says.
struct RecordedProgram {
  std::vector<std::string> command = {};  // argv: never holds a secret of ours
  bool isolated = false;                  // it reaches its targets and no other network
  /// command is what stands after connect's "--" only: whoever knows the target's protocol makes
  /// the program of it.
  bool is_arguments = false;
};

struct SessionStart {
  std::string session;
  std::string gateway;
  std::string target;
  std::string protocol;
  std::string subject;
  std::string role;
  std::string policy_version;
  std::string path;  // "local" or "gateway"
  std::string claimed_agent;
  std::string reason;
  RecordedProgram program = {};
  SystemTime at{};
};

struct ActionRecord {
  std::uint64_t id = 0;  // counts from 1 in the session
  std::uint64_t connection = 0;
  SystemTime at{};
  const access::Action* action = nullptr;  // borrowed for the call
  const access::Decision* decision = nullptr;
};

struct ReplyBegin {
  std::uint64_t action = 0;
  std::string_view columns;  // column_members(); borrowed for the call
  std::uint64_t row_limit = 0;
};

struct Progress {
  std::uint64_t action = 0;
  std::uint64_t rows = 0;  // up to and including what is released next
  std::uint64_t bytes = 0;
};

struct ReplyEnd {
  std::uint64_t action = 0;
  SystemTime at{};  // the gate's to say
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t masked_values = 0;
  std::map<std::string, std::uint64_t> masked_by_class;
  std::string status;  // the completion's tag ("SELECT 5") or "error SQLSTATE"
};

struct Note {
  std::string event;
  std::map<std::string, std::string> fields;
};

struct SessionEnd {
  SystemTime at{};
  std::string cause;  // "program_exit", "expired", "revoked", "client_killed", "recovered", ...
  int program_status = -1;
  std::uint64_t actions = 0;
  std::uint64_t denied = 0;
  std::uint64_t masked_values = 0;
  std::uint64_t rows = 0;
};

/// What an ActionRecord says of the action alone, for Action::recorded: the members verb to digest.
std::string action_members(const access::Action& action);
/// What a ReplyBegin says of the columns alone: a statement that is executed again and again has
/// them made once.
std::string column_members(const std::vector<std::string>& columns,
                           const std::vector<std::string>& masked_columns);

/// Made in room, which is overwritten.
std::string to_json(const ActionRecord&, std::string room = {});
std::string to_json(const ReplyBegin&, std::string room = {});
std::string to_json(const Progress&, std::string room = {});
std::string to_json(const ReplyEnd&, std::string room = {});
std::string to_json(const SessionStart&);
std::string to_json(const Note&);
std::string to_json(const SessionEnd&);

}  // namespace hoop::record
