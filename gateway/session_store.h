// SPDX-License-Identifier: Apache-2.0
// Where uploaded session logs lie. An interface: a directory here, object storage for several
// gateways.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/error.h"

namespace hoop::gateway {

/// A log that is longer was not made by one session of ours.
inline constexpr std::uint64_t kMaxLogBytes = std::uint64_t{16} << 30;

/// "s_" and 26 characters of lower-case base32. Everything that names a file is checked by this
/// first.
bool is_session_id(std::string_view text);

/// Everything blocks: call it on the worker pool. Safe from several threads at once. session must
/// be a session id: all else fails with not_found.
class SessionStore {
 public:
  virtual ~SessionStore() = default;
  /// How many bytes are kept; 0 for a session without a log.
  virtual Result<std::uint64_t> size(const std::string& session) = 0;
  /// Appends if size is offset, and answers the size after it: when that is not offset +
  /// bytes.size(), nothing was written and it is where the next chunk must begin. Fails with
  /// storage, too_large.
  virtual Result<std::uint64_t> append(const std::string& session, std::uint64_t offset,
                                       ByteSpan bytes) = 0;
  /// Returns when all of it is on the disk.
  virtual Result<void> sync(const std::string& session) = 0;
  /// Gives the bytes piece by piece; stops early when take answers an error.
  virtual Result<void> read(const std::string& session,
                            const std::function<Result<void>(ByteSpan)>& take) = 0;
  /// The file, for streaming it out; nullopt when there is none.
  virtual std::optional<std::filesystem::path> file(const std::string& session) = 0;
};

}  // namespace hoop::gateway
