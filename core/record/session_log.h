// SPDX-License-Identifier: Apache-2.0
// Writes one append-only, chained, sealed session log. The format is hoopctl-session-log(5).
#pragma once

#include <memory>
#include <string>

#include "core/base/bytes.h"
#include "core/base/error.h"
#include "core/crypto/keys.h"
#include "core/record/records.h"

namespace hoop::record {

/// Where the framed bytes go: the spool on disk, or memory in tests (tests/support/memory_log.h).
class LogSink {
 public:
  virtual ~LogSink() = default;
  /// Returns when the bytes are with the operating system. Fails with storage: nothing may be
  /// released after that.
  virtual Result<void> write(ByteSpan bytes) = 0;
  /// Returns when what was written before is on the disk. May run beside a write().
  virtual Result<void> sync() = 0;
  /// Gives back the space that was kept so that a log can be closed on a full disk. Called at most
  /// once, before the end is written.
  virtual void release_reserve() {}
};

/// append() only fills a buffer; commit() hands the buffer to the sink as one segment in one write.
/// The gate commits before it releases. After one failure every later call but seal() fails: a log
/// with a hole is worse than a session that ends.
class SessionLog {
 public:
  /// Writes the header. key signs the seal; its public half is in the header.
  static Result<SessionLog> create(std::shared_ptr<LogSink> sink, crypto::Ed25519Key key,
                                   const SessionStart& start);
  ~SessionLog();
  SessionLog(SessionLog&&) noexcept;
  SessionLog& operator=(SessionLog&&) noexcept;

  Result<void> append(RecordType type, std::string_view json);
  /// reply_data: what the program was given of an action's reply.
  Result<void> append_reply_data(std::uint64_t action, ByteSpan masked);
  Result<void> append_output(const OutputMark& mark, ByteSpan masked);
  bool has_uncommitted() const;
  Result<void> commit();
  /// For who waits for the disk beside it.
  std::shared_ptr<LogSink> sink() const;
  /// What was committed may be lost, as after a failed sync: every later call but seal() fails.
  void give_up(const Error& reason);
  /// Appends end and the seal (signature over the chain's head), commits and syncs. Nothing can be
  /// appended after it.
  Result<void> seal(const SessionEnd& end);

  /// The chain's head after the last commit; after seal(), the digest that a receipt names.
  crypto::Digest256 head() const;
  std::uint64_t bytes_written() const;

 private:
  struct Impl;
  explicit SessionLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hoop::record
