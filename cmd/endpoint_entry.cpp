// SPDX-License-Identifier: Apache-2.0
#include "cmd/endpoint_entry.h"

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "protocols/ssh/private_key.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kPasswordBytes = 32;
constexpr std::size_t kTokenBytes = 32;

}  // namespace

Result<void> PostgresEntry::prepare(const process::RuntimeDir& folder, bool is_unix) {
  using Behind = postgres::PostgresDoor::Behind;
  password_ = SecretText(to_base64url(random_.bytes(kPasswordBytes)));
  door_ = std::make_unique<postgres::PostgresDoor>(password_, random_,
                                                   is_unix ? Behind::unix_socket : Behind::tcp);
  return folder.write_secret(kPasswordFile, SecretText("*:*:*:*:" + password_.reveal() + "\n"));
}

Result<void> SshEntry::prepare(const process::RuntimeDir& folder, bool) {
  const crypto::Ed25519Key client = crypto::Ed25519Key::generate();
  door_ = std::make_unique<ssh::SshDoor>(crypto::Ed25519Key::generate(),
                                         ssh::public_key(client.public_key()));
  HOOP_CHECK(folder.write_secret(kKeyFile, ssh::openssh_private_key(client, random_)));
  return folder.write_secret(
      kKnownHostsFile,
      SecretText(fmt::format("{} {}\n", kHostKeyAlias, ssh::to_line(door_->host_key()))));
}

Result<void> KubernetesEntry::prepare(const process::RuntimeDir&, bool) {
  token_ = SecretText(to_base64url(random_.bytes(kTokenBytes)));
  net::GeneratedPki pki = net::generate_pki("hoopctl session", {"127.0.0.1", "localhost"});
  HOOP_TRY(net::TlsServer tls,
           net::TlsServer::create({pki.server_pem, std::move(pki.server_key_pem)}));
  tls_.emplace(std::move(tls));
  authority_pem_ = std::move(pki.ca_pem);
  door_ = std::make_unique<kubernetes::KubernetesDoor>(token_);
  return {};
}

Task<net::StreamPtr> KubernetesEntry::secure(net::StreamPtr stream, Deadline deadline) {
  co_return co_await tls_->handshake(std::move(stream), deadline);
}

std::unique_ptr<EndpointEntry> make_entry(std::string_view protocol, Random& random) {
  if (protocol == "postgres") return std::make_unique<PostgresEntry>(random);
  if (protocol == "ssh") return std::make_unique<SshEntry>(random);
  if (protocol == "http") return std::make_unique<HttpEntry>();
  if (protocol == "kubernetes") return std::make_unique<KubernetesEntry>(random);
  return nullptr;
}

}  // namespace hoop::cmd
