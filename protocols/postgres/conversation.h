// SPDX-License-Identifier: Apache-2.0
// What the two directions of one connection know of each other, and what the connections of one
// session share.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "core/session/handler.h"
#include "protocols/postgres/cancel_keys.h"
#include "protocols/postgres/expected_reply.h"
#include "protocols/postgres/name_table.h"
#include "protocols/postgres/target_cache.h"

namespace hoop::postgres {

/// Counted over all connections, as it happens: parallel connections do not multiply a limit.
struct SessionUsage {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t reply_data = 0;  // bytes of masked replies in the log
};

/// A catalog as a connection read it outside a transaction.
struct CatalogSnapshot {
  std::shared_ptr<const Catalog> catalog;
  std::uint64_t generation = 0;  // SessionShared::schema_changes when it was asked for
};

struct SessionShared {
  session::SessionContext context;
  bool reads_catalog = false;  // the grant has column masks, or rules that name tables or functions
  std::uint64_t schema_changes =
      0;  // grows when a connection has run one, and when it has committed
  std::map<std::string, CatalogSnapshot> catalogs;  // by database
  SessionUsage usage;
  CancelKeys cancel_keys;
  std::shared_ptr<TargetCache> cache;
};

/// Wakes the coroutine that waits until something about the conversation has changed.
class Wakeup {
 public:
  explicit Wakeup(const asio::any_io_executor& executor) : timer_(executor, SteadyTime::max()) {}
  /// Comes with every message of the target's, and hardly ever does anybody wait.
  void notify() {
    if (waiting_ > 0) timer_.cancel();
  }
  asio::awaitable<void> wait() {
    ++waiting_;
    co_await timer_.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
    --waiting_;
  }

 private:
  asio::steady_timer timer_;
  std::size_t waiting_ = 0;
};

/// As whom the session logs in; empty where the grant holds nothing to log in by.
inline std::string login_of(const access::Grant& grant) {
  const auto* credential = grant.credential_as<access::PostgresCredential>();
  return credential == nullptr ? std::string() : credential->username;
}

/// How far a COPY … FROM STDIN has come.
enum class CopyIn { none, streaming };

struct Conversation {
  Conversation(SessionShared& session, std::uint64_t number_, const asio::any_io_executor& executor)
      : shared(session),
        number(number_),
        reader(NameContext{std::make_shared<const Catalog>(), std::nullopt,
                           login_of(session.context.grant), session.context.grant.database_role},
               session.context.masker),
        changed(executor) {}

  SessionShared& shared;
  std::uint64_t number;  // of the connection in the session
  std::string database;  // as it was opened
  StatementReader reader;
  Wakeup changed;

  std::deque<ExpectedReply> expected;
  NameTable<PreparedStatement> statements;
  NameTable<Portal> portals;
  TransactionStatus status = TransactionStatus::idle;
  bool has_catalog = false;  // one was read: reader has an empty one before
  /// The catalog may have been overtaken by a schema change of this connection.
  bool catalog_stale = false;
  bool schema_changed = false;           // by this connection, perhaps not committed
  std::uint64_t catalog_generation = 0;  // of the catalog that this connection judges by
  std::uint64_t first_names_version = 0;
  /// The catalog was read inside a transaction that is still open: its end, or a rollback in it,
  /// makes the catalog stale again.
  bool catalog_uncommitted = false;
  CopyIn copy_in = CopyIn::none;
  /// Syncs that the server read as part of a COPY FROM, and so did not answer; or did, if the COPY
  /// failed before it read them.
  std::uint64_t swallowed_syncs = 0;
  /// The program must send Sync before anything else counts: a reply of ours said "error" where the
  /// server did not.
  bool skip_until_sync = false;
  /// How often the target has gone on to the next reply, or the next statement of one.
  std::uint64_t turns = 0;
  /// What the target is at has run for too long, and is being cancelled. Until ReadyForQuery: what
  /// had come to its end before is told first, since the target answers a string of statements, or
  /// a pipeline, when it is through or its buffer is full.
  std::optional<Report> time_up;
  /// Cancels of ours that are on their way: nothing is sent before they have been worked off, since
  /// they would hit what comes next. PostgreSQL signals a backend twice.
  std::size_t cancelling = 0;
  /// The program's last message waits for somebody to approve it.
  bool waits_for_approval = false;
  std::function<void()> begins_to_wait = {};
  /// Tells the program's user something while it does.
  std::function<void(const std::string&)> tell = {};
  bool terminated = false;  // the program said Terminate
  bool over = false;        // one direction has ended; whoever waits stops waiting

  /// Names may mean something else than when the first statement was judged.
  bool names_moved() const { return reader.version() != first_names_version; }
  /// Rows must be described before they are released.
  bool needs_descriptions() const {
    return reader.catalog().has_masks() || shared.context.masker.has_detectors();
  }
};

}  // namespace hoop::postgres
