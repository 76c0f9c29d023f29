// SPDX-License-Identifier: Apache-2.0
// What the target still owes: one entry for each message sent that it will answer, in order.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/session/gate.h"
#include "protocols/postgres/message_writer.h"
#include "protocols/postgres/row_masker.h"
#include "protocols/postgres/statement_reader.h"

namespace hoop::postgres {

/// What the target said of a portal's columns, and what was made of it: drivers ask anew for every
/// execution, and the answer seldom differs.
struct PortalDescription {
  Bytes said;
  Bytes told;  // to the program
  std::shared_ptr<const Catalog> catalog;
  std::shared_ptr<RowMasker> rows;
};

struct PreparedStatement {
  JudgedPtr judged;
  std::uint64_t names_version = 0;          // StatementReader::version() at the time
  std::optional<session::Admitted> parsed;  // proof for Parse and for the Binds and Describes that
                                            // name it; none if the text is empty
  /// The first Execute in the segment of the Parse is the act that the Parse's record stands for;
  /// later ones are admitted anew.
  std::uint64_t unspent_in_segment = 0;
  /// A rule wants an approval for it: each Bind asks for one, for its values.
  bool asks = false;
  std::vector<Oid> parameter_types = {};         // as the program has declared them
  std::unique_ptr<PortalDescription> described;  // of the newest portal of it
};

struct Portal {
  std::string name;
  JudgedPtr judged;  // when it was bound: that is when the server planned it
  std::shared_ptr<PreparedStatement> prepared;
  /// Somebody has approved it, for one Execute.
  std::optional<session::Admitted> approved = std::nullopt;
  bool was_approved = false;
  std::shared_ptr<RowMasker> rows;  // from the newest Describe of the portal
  std::uint64_t released_rows =
      0;  // over all its Executes: fetching in small steps does not stretch a limit
  std::uint64_t released_bytes = 0;
};

/// A statement that was admitted and forwarded.
struct RunningStatement {
  JudgedPtr judged;
  std::size_t index = 0;
  session::Admitted admitted;
  const Statement& statement() const { return judged->statements[index]; }
};

/// The rows of one catalog query, as they come.
struct CatalogAnswers {
  std::vector<Catalog::Rows> answers;
  bool failed = false;
};

/// The kinds are bits, so that a reply's rule can name several.
enum class ReplyKind : std::uint16_t {
  parse = 1,
  bind = 2,
  describe_statement = 4,
  describe_portal = 8,
  execute = 16,
  close = 32,
  sync = 64,
  query = 128,
  copy_end = 256,  // CopyDone or CopyFail, sent before the COPY was known to have begun: has no
                   // reply of its own
};

/// Who the replies are for.
enum class ReplyFor : std::uint8_t {
  program,
  ourselves,  // swallowed: our Describe
  refusal,    // the poison's ErrorResponse, in whose place the program reads ours
  catalog,    // collected
};

struct ExpectedReply {
  ReplyKind kind = ReplyKind::sync;
  ReplyFor audience = ReplyFor::program;
  std::string name;  // parse, bind, close: whose meaning changes
  Named named = Named::statement;
  JudgedPtr judged;  // what the replies may quote; nullptr if that cannot be told
  std::shared_ptr<PreparedStatement> prepared;  // parse
  std::shared_ptr<Portal> portal;               // bind, describe_portal, execute
  std::vector<RunningStatement> running;        // query, execute
  std::size_t current = 0;                      // the statement of running that is being answered
  std::uint64_t units_before = 0;               // executes sent before this one in its segment
  std::shared_ptr<const Report> refusal;
  std::shared_ptr<CatalogAnswers> collected;
  std::size_t collected_index = 0;

  bool takes_copy_data() const {
    for (std::size_t i = current; i < running.size(); ++i) {
      if (running[i].statement().copy == CopyDirection::in) return true;
    }
    return false;
  }
};

}  // namespace hoop::postgres
