// SPDX-License-Identifier: Apache-2.0
// A private sshd for one test: a process of its own for each connection, as inetd would start it.
// Throws, which fails the test, when OpenSSH is missing.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

#include "core/base/descriptor.h"

namespace hoop::test {

class SshServer {
 public:
  /// authority: a public key's line, whose certificates let in. settings are lines of sshd_config.
  explicit SshServer(const std::string& authority, const std::vector<std::string>& settings = {});
  ~SshServer();
  SshServer(const SshServer&) = delete;
  SshServer& operator=(const SshServer&) = delete;

  /// A TCP connection with an sshd at its other end.
  Descriptor connect();
  /// "SHA256:…", as ssh-keygen says it. kind: "ed25519", "rsa".
  std::string host_key(const std::string& kind) const;
  /// Whom one may log in as: who runs the test.
  static std::string user();
  /// What sshd has logged so far.
  std::string log() const;

 private:
  std::filesystem::path directory_;
  std::vector<pid_t> servers_;
};

}  // namespace hoop::test
