// SPDX-License-Identifier: Apache-2.0
// A whole PostgreSQL session in memory: gate, masker, handler, a program's end to write to, and any
// target behind a dialer.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/crypto/digest.h"
#include "core/record/session_log_reader.h"
#include "core/session/session_engine.h"
#include "protocols/postgres/handler.h"
#include "protocols/postgres/message_reader.h"
#include "protocols/postgres/message_writer.h"
#include "tests/support/catch.h"
#include "tests/support/memory_log.h"
#include "tests/support/run_task.h"

namespace hoop::test {

/// A number that every detector of cards finds.
constexpr std::string_view kCardNumber = "4111 1111 1111 1111";

inline constexpr std::string_view kRolePassword = "the-role-password";

/// One message as a test sees it.
struct Said {
  char tag = 0;
  std::string body;
  bool operator==(const Said&) const = default;
};
std::string tags(const std::vector<Said>& said);
/// The field of an ErrorResponse or NoticeResponse; empty if it is not there.
std::string field(const Said& said, char code);
/// The values of a DataRow; NULL reads "∅".
std::vector<std::string> values(const Said& row);
const Said& first(const std::vector<Said>& said, char tag);

/// Runs one coroutine for each connection that the handler dials.
class ScriptDialer final : public net::Dialer {
 public:
  using Script = std::function<asio::awaitable<void>(net::StreamPtr)>;
  ScriptDialer(asio::io_context& context, Script script)
      : context_(context), script_(std::move(script)) {}
  Task<net::StreamPtr> dial(std::string host, std::uint16_t port, Deadline deadline) override;

 private:
  asio::io_context& context_;
  Script script_;
};

/// What a test may change before it opens the session.
struct SessionSettings {
  access::PolicyDocument policy;
  access::Target target;
  std::string user = "hoop_test";
  std::string password = std::string(kRolePassword);
};
/// A policy that allows everything, with the given masks.
access::PolicyDocument allow_all(std::vector<access::Mask> masks = {});
access::Mask column_mask(std::string column,
                         access::MaskStrategy with = access::MaskStrategy::redact);
access::Mask detector_mask(std::string detector = "all");
SessionSettings scripted_settings(access::PolicyDocument policy);

class SessionUnderTest {
 public:
  SessionUnderTest(asio::io_context& context, SessionSettings settings,
                   std::unique_ptr<net::Dialer> dialer);

  /// Opens a connection; its ReadyForQuery is not read yet.
  net::StreamPtr open(session::Opening opening = {});
  session::SessionEngine& engine() { return *engine_; }
  /// Records of the log so far, as "type json".
  std::vector<std::string> records() const;
  std::size_t count_records(std::string_view containing) const;
  const std::vector<Result<void>>& outcomes() const { return outcomes_; }
  std::shared_ptr<MemoryLog> log() { return log_; }

 private:
  asio::io_context& context_;
  SystemClock clock_;
  crypto::SystemRandom random_;
  NullLog operator_log_;
  std::shared_ptr<MemoryLog> log_ = std::make_shared<MemoryLog>();
  std::unique_ptr<session::SessionEngine> engine_;
  std::vector<Result<void>> outcomes_;
};

/// The program: raw messages out, whole messages in.
class Program {
 public:
  explicit Program(net::StreamPtr stream) : stream_(std::move(stream)) {}
  asio::awaitable<void> send(Bytes bytes);
  /// Up to and including the count-th ReadyForQuery, or all until the end of the stream.
  asio::awaitable<std::vector<Said>> read(int ready = 1);
  /// One message; tag 0 at the end of the stream.
  asio::awaitable<Said> read_one();
  asio::awaitable<std::vector<Said>> ask(std::string sql);
  net::Stream& stream() { return *stream_; }
  void close() { stream_->close(); }

 private:
  net::StreamPtr stream_;
  postgres::FrameReader reader_{std::size_t{64} << 20};  // more than a session holds
};

/// Plays the server's part of a login, then answers messages as a server would: rows by text of the
/// statement, errors for what it does not know, skipping to Sync after an error.
class FakeServer {
 public:
  struct Options {
    std::size_t write_size = 0;  // bytes a write; 0: all at once
  };
  FakeServer(asio::io_context& context, Options options) : context_(context), options_(options) {}
  /// Replies (without ReadyForQuery) to a statement.
  void on(std::string sql, Bytes describes, Bytes rows) {
    answers_[std::move(sql)] = {std::move(describes), std::move(rows)};
  }
  ScriptDialer::Script script();
  /// What was read from hoopctl after the login, as tag and text: "Q:select 1".
  const std::vector<std::string>& heard() const { return heard_; }
  std::size_t cancels() const { return cancels_; }
  postgres::TransactionStatus status = postgres::TransactionStatus::idle;
  Bytes raw;             // what answers a whole pipeline, in the place of the replies
  bool hang_up = false;  // after the replies to a Query, without ReadyForQuery

 private:
  struct Answer {
    Bytes describes;
    Bytes rows;
  };
  asio::awaitable<void> serve(net::StreamPtr stream);
  asio::awaitable<bool> authenticate(net::Stream& stream, postgres::FrameReader& reader);
  asio::awaitable<Result<void>> write(net::Stream& stream, Bytes bytes);
  void answer(const postgres::Frame& frame, Bytes& out);
  void answer_text(const std::string& text, Bytes& out, bool describe);

  asio::io_context& context_;
  Options options_;
  std::map<std::string, Answer> answers_;
  std::vector<std::string> heard_;
  std::string statement_;
  bool skipping_ = false;
  std::size_t cancels_ = 0;
};

}  // namespace hoop::test
