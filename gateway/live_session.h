// SPDX-License-Identifier: Apache-2.0
// One session on the gateway path while it lives: who may open a stream of it, and its end. What
// serves the streams is a PinnedEngine.
#pragma once

#include <expected>
#include <memory>

#include "core/net/task_group.h"
#include "core/session/expiry_notices.h"
#include "gateway/pinned_engine.h"
#include "gateway/session_registry.h"
#include "gateway/spool_delivery.h"
#include "gateway/stream_numbers.h"

namespace hoop::gateway {

/// What a client shows to open a stream.
struct StreamProof {
  std::string session;
  SecretBytes ticket;
  std::uint64_t stream = 0;
  Bytes exporter;  // of the TLS connection that it came on
  Bytes signature;
};

/// wrong: one answer for whatever is off, an unknown session and a number that was used included.
enum class StreamRefusal { wrong, ended, too_many, stopping };

/// Why and how a session ends.
struct SessionEnding {
  std::string cause;  // as in the log's session_end
  int program_status = -1;
  std::string reason;  // for the program, in its own protocol
  std::chrono::milliseconds patience{
      0};                  // for streams to end by themselves before they are told the reason
  std::string by = {};     // the subject of the person who ended it; empty: nobody did
  std::string words = {};  // what that person gave as the reason; for the log
  bool by_client = false;  // who need not be told
};

/// What is left of a session that has ended.
struct SessionResult {
  std::string log_digest;  // hex
  std::string receipt;     // empty: the log waits in the spool
  std::string cause;       // of its ending
  session::SessionTotals totals;
};

/// On the gateway's first loop; held by the registry and by what runs in it.
class LiveSession : public std::enable_shared_from_this<LiveSession> {
 public:
  /// What every session uses; outlives it.
  struct Services {
    GrantService& grants;
    SessionRegistry& registry;
    SpoolDelivery& delivery;
    WorkerPool& workers;
    const Clock& clock;
    Log& log;
    asio::any_io_executor executor;
    std::shared_ptr<Metrics> metrics;
  };
  /// Who opens streams: whoever knows the ticket and holds the client's key.
  struct Keys {
    crypto::Digest256 ticket_digest{};
    crypto::Ed25519PublicKey client{};
  };
  /// A stream's place among those that may be open at once; given back when it goes, on whatever
  /// thread that is.
  class Place {
   public:
    explicit Place(std::shared_ptr<LiveSession> session) : session_(std::move(session)) {
      ++session_->streams_;
    }
    ~Place() {
      const auto home = session_->services_.executor;
      asio::post(home, [session = std::move(session_)] { --session->streams_; });
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    LiveSession& session() const { return *session_; }

   private:
    std::shared_ptr<LiveSession> session_;
  };
  using PlacePtr = std::shared_ptr<Place>;

  LiveSession(Services services, Keys keys, std::unique_ptr<Seat> seat,
              std::unique_ptr<session::SessionEngine> engine);

  /// Begins the time that the grant runs. Call once, before anything else.
  void start();
  /// It was renewed: it runs until then, unless it is ending already.
  void extend(SystemTime expires_at);
  /// Uses the stream's number up if it answers a place. Not for StreamRefusal::stopping.
  std::expected<PlacePtr, StreamRefusal> admit(const StreamProof& proof);
  /// Serves an admitted stream to its end, on the session's own loop.
  static void serve(PlacePtr place, net::StreamPtr stream, Bytes early);
  /// No new streams from now on; the running ones end, the log is sealed and delivered, the
  /// credential revoked. The first call counts; one without patience ends the patience of the
  /// first. Goes on by itself, as a task of this session.
  void begin_end(SessionEnding ending);
  /// Judges by this policy from now on; ends the session where it forbids it, or asks for what the
  /// session was not made for.
  void apply(const access::PolicyEngine& policy);
  /// Returns when it has ended: begin_end() was called.
  asio::awaitable<SessionResult> result();

  bool has_ended() const { return state_ == State::ended; }
  /// Until when its result is asked for.
  SystemTime forgotten_at() const;

 private:
  enum class State { open, ending, ended };
  static asio::awaitable<void> finish(std::shared_ptr<LiveSession> self, SessionEnding ending);
  static asio::awaitable<void> seal(LiveSession& self, const SessionEnding& ending,
                                    std::shared_ptr<session::SessionEngine> engine);
  static asio::awaitable<void> revoke(std::shared_ptr<LiveSession> self);
  void watch_expiry();
  void tell_end(const std::string& reason);
  void report_news();

  Services services_;
  Keys keys_;
  std::string id_;
  SystemTime expires_at_;
  access::Identity identity_;
  access::Target target_;
  std::string database_role_;
  std::vector<std::string> logins_;
  std::string policy_version_;  // what the engine judges by
  std::shared_ptr<PinnedEngine> engine_;
  State state_ = State::open;
  bool told_ = false;
  StreamNumbers numbers_;
  std::size_t streams_ = 0;
  SessionResult result_;
  asio::steady_timer expiry_;
  session::ExpiryNotices notices_;
  asio::steady_timer patience_;
  asio::steady_timer heard_;  // expires when the handlers have the reason of the end, or are late
  asio::steady_timer ended_;  // never expires; cancelled at the end
  net::TaskGroup revoking_;
  net::TaskGroup ending_;
};

}  // namespace hoop::gateway
