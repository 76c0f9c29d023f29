// SPDX-License-Identifier: Apache-2.0
#include "cmd/endpoint_entry.h"

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "protocols/ssh/private_key.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kPasswordBytes = 32;

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

std::unique_ptr<EndpointEntry> make_entry(std::string_view protocol, Random& random) {
  if (protocol == "postgres") return std::make_unique<PostgresEntry>(random);
  if (protocol == "ssh") return std::make_unique<SshEntry>(random);
  return nullptr;
}

}  // namespace hoop::cmd
