// SPDX-License-Identifier: Apache-2.0
// Session logs as files DIR/state/logs/<session>.hslog, 0600.
#pragma once

#include <array>
#include <mutex>

#include "gateway/session_store.h"

namespace hoop::gateway {

class DirectorySessionStore final : public SessionStore {
 public:
  explicit DirectorySessionStore(std::filesystem::path directory)
      : directory_(std::move(directory)) {}
  Result<std::uint64_t> size(const std::string& session) override;
  Result<std::uint64_t> append(const std::string& session, std::uint64_t offset,
                               ByteSpan bytes) override;
  Result<void> sync(const std::string& session) override;
  Result<void> read(const std::string& session,
                    const std::function<Result<void>(ByteSpan)>& take) override;
  std::optional<std::filesystem::path> file(const std::string& session) override;

 private:
  Result<std::filesystem::path> path_of(const std::string& session) const;
  std::mutex& mutex_of(const std::string& session);
  std::filesystem::path directory_;
  // Two uploads of one session must not interleave; different sessions should not wait for each
  // other.
  std::array<std::mutex, 16> mutexes_;
};

}  // namespace hoop::gateway
