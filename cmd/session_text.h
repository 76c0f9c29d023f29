// SPDX-License-Identifier: Apache-2.0
// Records of session logs as people and as machines read them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cmd/body_text.h"
#include "core/base/clock.h"
#include "core/identity/json.h"
#include "core/record/session_log_reader.h"
#include "protocols/postgres/recorded_reply.h"

namespace hoop::cmd {

/// A record's payload; null where it is not JSON.
identity::Json payload_of(const record::Record& record);

/// When it was written, of records that say so.
std::optional<SystemTime> moment_of(const identity::Json& payload);

/// {"number":1,"type":"action","record":{…}}; of reply data the bytes in base64.
std::string json_line(const record::Record& record);

/// The records of one log, one after the other, as lines for people.
class SessionText {
 public:
  /// Whether what the program was given is shown, as far as the log has kept it.
  enum class Rows { hidden, shown };
  explicit SessionText(Rows rows) : rows_(rows) {}
  /// None for a record that says nothing to people.
  std::vector<std::string> lines(const record::Record& record);

 private:
  void add_reply(const record::ReplyData& reply, std::vector<std::string>& out);
  void add_output(std::uint64_t action, ByteSpan bytes, std::vector<std::string>& out);
  Rows rows_;
  std::string protocol_;
  // Of actions that are being answered.
  std::map<std::uint64_t, postgres::RecordedReply> replies_;
  std::map<std::uint64_t, BodyText> bodies_;
  std::map<std::uint64_t, std::string> begun_lines_;
  std::map<std::uint64_t, SystemTime> decided_;
};

}  // namespace hoop::cmd
