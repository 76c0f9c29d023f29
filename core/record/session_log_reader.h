// SPDX-License-Identifier: Apache-2.0
// Reads and verifies a session log piece by piece; never trusts a length or a type.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "core/base/bytes.h"
#include "core/base/error.h"
#include "core/crypto/digest.h"
#include "core/crypto/keys.h"
#include "core/record/records.h"

namespace hoop::record {

/// The header's facts: what the log says of itself, to be compared with the grant.
struct LogHeader {
  std::string session;
  std::string gateway;
  std::string target;
  std::string subject;
  crypto::Ed25519PublicKey key{};
  std::string json;  // all of it
};

struct Record {
  RecordType type = RecordType::note;
  std::uint64_t number = 0;  // counts from 1
  /// JSON but for reply_data and output: see reply_data_of(), output_of().
  Bytes payload;
};

struct ReplyData {
  std::uint64_t action = 0;
  ByteSpan data;  // in the record
};
/// Of a record of type reply_data.
ReplyData reply_data_of(const Record& record);

struct RecordedOutput {
  OutputMark mark;
  ByteSpan data;  // in the record
};
/// Of a record of type output.
RecordedOutput output_of(const Record& record);

/// What was proved when a log was read to its end.
struct LogSummary {
  LogHeader header;
  bool sealed = false;         // ends with a seal whose signature fits the header's key
  std::uint64_t records = 0;   // the seal included
  std::uint64_t length = 0;    // bytes of whole segments
  std::uint64_t trailing = 0;  // bytes after them: a commit that was cut
  crypto::Digest256 digest{};  // the chain's head
};

class LogReader {
 public:
  /// Appends what comes next in the file.
  void feed(ByteSpan bytes);
  /// The next record of a segment whose chain value was right, or nullopt: feed more, or it was the
  /// end. Fails with integrity (chain, signature, order), malformed (framing), too_large,
  /// unsupported (version, encoding, unknown type that may not be skipped).
  Result<std::optional<Record>> next();
  /// Call after the last feed and when next() gave nullopt. An unsealed log is not an error: the
  /// caller decides.
  Result<LogSummary> finish();
  /// Set as soon as the header has been read.
  const std::optional<LogHeader>& header() const { return header_; }

 private:
  Result<bool> take_header();
  Result<bool> take_segment();
  Result<void> take_records(ByteSpan body, bool final_segment);
  Result<void> check_seal(ByteSpan payload);
  Bytes buffer_;
  std::size_t consumed_ = 0;
  std::optional<LogHeader> header_;
  std::deque<Record> ready_;
  crypto::Digest256 head_{};
  crypto::Digest256 previous_head_{};
  std::uint64_t segments_ = 0;
  std::uint64_t records_ = 0;
  std::uint64_t length_ = 0;
  std::uint64_t length_before_segment_ = 0;
  bool ended_ = false;  // a session_end record was read
  bool sealed_ = false;
};

/// Feeds a whole file. Fails with not_found, io and what LogReader fails with.
Result<LogSummary> verify_log_file(const std::string& path);

}  // namespace hoop::record
