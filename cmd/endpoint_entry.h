// SPDX-License-Identifier: Apache-2.0
// How programs of one protocol are let in at an endpoint: its door, and what they get through it
// by.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/random.h"
#include "core/net/tls.h"
#include "core/process/runtime_dir.h"
#include "core/session/door.h"
#include "protocols/http/door.h"
#include "protocols/kubernetes/door.h"
#include "protocols/postgres/door.h"
#include "protocols/ssh/door.h"

namespace hoop::cmd {

class EndpointEntry {
 public:
  virtual ~EndpointEntry() = default;
  /// Of the Unix socket, where the protocol's programs look for it.
  virtual std::string_view socket_name() const = 0;
  /// Makes the door, and writes what programs prove themselves by into the endpoint's private
  /// folder. Once, before anything listens.
  virtual Result<void> prepare(const process::RuntimeDir& folder, bool is_unix) = 0;
  /// What stands below the door, on one connection: TLS, where programs want it. Fails with io,
  /// timeout.
  virtual Task<net::StreamPtr> secure(net::StreamPtr stream, Deadline) {
    co_return std::move(stream);
  }
  virtual session::Door& door() = 0;
  /// Whether the door asks programs for a proof. If not, the endpoint must know by itself whose
  /// they are.
  virtual bool wants_proof() const { return true; }
};

/// A password (SCRAM), in a password file of libpq's.
class PostgresEntry final : public EndpointEntry {
 public:
  explicit PostgresEntry(Random& random) : random_(random) {}
  std::string_view socket_name() const override { return ".s.PGSQL.5432"; }
  Result<void> prepare(const process::RuntimeDir& folder, bool is_unix) override;
  session::Door& door() override { return *door_; }
  const SecretText& password() const { return password_; }

  static constexpr std::uint16_t kPort = 5432;  // the one in the socket's name
  static constexpr std::string_view kUser = "hoop";
  static constexpr std::string_view kPasswordFile = "pgpass";

 private:
  Random& random_;
  SecretText password_;
  std::unique_ptr<postgres::PostgresDoor> door_;
};

/// A key that is made for it, in a file of ssh's; and the key that the endpoint shows.
class SshEntry final : public EndpointEntry {
 public:
  explicit SshEntry(Random& random) : random_(random) {}
  std::string_view socket_name() const override { return "ssh.sock"; }
  Result<void> prepare(const process::RuntimeDir& folder, bool is_unix) override;
  session::Door& door() override { return *door_; }

  static constexpr std::string_view kKeyFile = "ssh.key";
  static constexpr std::string_view kKnownHostsFile = "ssh.known_hosts";
  /// By which the key in that file is found.
  static constexpr std::string_view kHostKeyAlias = "hoopctl-endpoint";

 private:
  Random& random_;
  std::unique_ptr<ssh::SshDoor> door_;
};

/// For one client of ssh's that is at the other end of a stream of ours already: it need prove
/// nothing more. The key that it is shown is the same each time.
class SshStreamEntry final : public EndpointEntry {
 public:
  explicit SshStreamEntry(crypto::Ed25519Key host_key)
      : door_(std::move(host_key), ssh::PublicKey{}) {}
  std::string_view socket_name() const override { return "ssh.sock"; }
  Result<void> prepare(const process::RuntimeDir&, bool) override { return {}; }
  session::Door& door() override { return door_; }

 private:
  ssh::SshDoor door_;
};

/// Nothing: programs that speak HTTP have nowhere to keep a proof, and are told a URL alone.
class HttpEntry final : public EndpointEntry {
 public:
  std::string_view socket_name() const override { return "http.sock"; }
  Result<void> prepare(const process::RuntimeDir&, bool) override { return {}; }
  session::Door& door() override { return door_; }
  bool wants_proof() const override { return false; }

 private:
  http_target::HttpDoor door_;
};

/// A token that each request carries, in a kubeconfig; and TLS with an authority of the session's
/// own, without which kubectl would not send it. Their keys are nowhere but here. The door asks
/// nothing: requests are looked at behind it, and the endpoint asks whose they are.
class KubernetesEntry final : public EndpointEntry {
 public:
  explicit KubernetesEntry(Random& random) : random_(random) {}
  std::string_view socket_name() const override { return "kubernetes.sock"; }
  Result<void> prepare(const process::RuntimeDir& folder, bool is_unix) override;
  Task<net::StreamPtr> secure(net::StreamPtr stream, Deadline deadline) override;
  session::Door& door() override { return *door_; }
  bool wants_proof() const override { return false; }
  const SecretText& token() const { return token_; }
  const std::string& authority_pem() const { return authority_pem_; }

 private:
  Random& random_;
  SecretText token_;
  std::string authority_pem_;
  std::optional<net::TlsServer> tls_;
  std::unique_ptr<kubernetes::KubernetesDoor> door_;
};

/// Null for a protocol that this version does not speak.
std::unique_ptr<EndpointEntry> make_entry(std::string_view protocol, Random& random);

}  // namespace hoop::cmd
