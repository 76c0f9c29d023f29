// SPDX-License-Identifier: Apache-2.0
// What an agent keeps between starts: which gateway, how it is trusted, its name and its keys.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "core/base/clock.h"
#include "core/base/secret.h"
#include "core/crypto/keys.h"
#include "core/net/tls.h"

namespace hoop::agent {

using KeyPtr = std::shared_ptr<const crypto::Ed25519Key>;

struct AgentIdentity {
  std::string gateway;  // origin: "https://host:port"
  std::string name;     // empty: it has not joined yet
  KeyPtr key;
  KeyPtr next_key;  // made, and maybe registered: until it was used once both are kept
  SystemTime key_since{};
  net::Trust trust;
};

/// DIR/agent.json, 0600 in a directory 0700, held under a lock: two agents with one key would push
/// each other out. Resource.
class AgentFile {
 public:
  /// Makes the directory. Fails with storage, config (another agent runs on it).
  static Result<AgentFile> open(const std::filesystem::path& directory);
  ~AgentFile();
  AgentFile(AgentFile&& other) noexcept;
  AgentFile& operator=(AgentFile&&) = delete;

  /// nullopt: there is none yet. Fails with storage, malformed.
  Result<std::optional<AgentIdentity>> load() const;
  /// Returns when it is on disk.
  Result<void> save(const AgentIdentity& identity) const;

 private:
  AgentFile(std::filesystem::path file, int lock) : file_(std::move(file)), lock_(lock) {}
  std::filesystem::path file_;
  int lock_ = -1;
};

}  // namespace hoop::agent
