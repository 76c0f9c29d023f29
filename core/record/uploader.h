// SPDX-License-Identifier: Apache-2.0
// Delivers one spooled log to the gateway: a state machine without I/O of its own but reading the
// file. The caller makes the requests.
#pragma once

#include <string>
#include <variant>

#include "core/base/bytes.h"
#include "core/crypto/digest.h"
#include "core/record/session_log_reader.h"

namespace hoop::record {

inline constexpr std::size_t kUploadChunkBytes = 1U << 20;  // what the gateway takes in one PUT

class Uploader {
 public:
  /// HEAD: how much the gateway has; answer by offset_is().
  struct AskOffset {};
  /// PUT these bytes at offset with this digest; answer by offset_is() with what the gateway then
  /// has (a 409 tells it too).
  struct PutChunk {
    std::uint64_t offset = 0;
    Bytes bytes;
    crypto::Digest256 digest{};
  };
  /// POST finish; answer by finished().
  struct Finish {
    std::uint64_t length = 0;
    crypto::Digest256 digest{};
    bool sealed = true;
  };
  struct Done {
    std::string receipt;
  };
  using Step = std::variant<AskOffset, PutChunk, Finish, Done>;

  /// Verifies the file first: a log that is broken here is not sent (integrity, malformed). Bytes
  /// after the last whole segment (a commit that a crash cut) are left out.
  static Result<Uploader> open(const std::string& path);

  /// What to do next. Fails with io if the file cannot be read.
  Result<Step> next();
  /// Fails with integrity when the gateway claims more than the log has.
  Result<void> offset_is(std::uint64_t offset);
  void finished(std::string receipt);

  const LogSummary& summary() const { return summary_; }
  std::uint64_t sent() const { return offset_; }

 private:
  Uploader(std::string path, LogSummary summary)
      : path_(std::move(path)), summary_(std::move(summary)) {}
  std::string path_;
  LogSummary summary_;
  bool asked_ = false;
  std::uint64_t offset_ = 0;
  std::string receipt_;
};

}  // namespace hoop::record
