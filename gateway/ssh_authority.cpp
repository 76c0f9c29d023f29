// SPDX-License-Identifier: Apache-2.0
#include "gateway/ssh_authority.h"

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/identity/private_file.h"
#include "protocols/ssh/public_key.h"

namespace hoop::gateway {
namespace {

constexpr std::size_t kMaxAuthorityFile = 1024;

}  // namespace

SecretText ssh_authority_text(const crypto::Ed25519Key& key) {
  return SecretText(to_base64url(key.seed().reveal()));
}

Result<crypto::Ed25519Key> read_ssh_authority(const Layout& layout) {
  const std::string path = layout.ssh_ca_key().string();
  HOOP_TRY(const auto text, identity::read_private_file(path, kMaxAuthorityFile));
  if (!text)
    return fail(ErrorCode::config, fmt::format("'{}' is missing", path),
                fmt::format("hoopctl gateway ssh-ca create {}", layout.directory.string()));
  auto seed = from_base64url(text->reveal());
  if (seed) {
    auto key = crypto::Ed25519Key::from_seed(SecretBytes(std::move(*seed)));
    if (key) return key;
  }
  return fail(ErrorCode::config, fmt::format("'{}' is not 32 bytes in base64url", path),
              "restore it from a backup: hosts trust what it was");
}

Result<void> create_ssh_authority(const Layout& layout) {
  const std::string path = layout.ssh_ca_key().string();
  HOOP_TRY(const auto text, identity::read_private_file(path, kMaxAuthorityFile));
  if (text)
    return fail(ErrorCode::config, fmt::format("'{}' is there already", path),
                "hosts trust it; hoopctl gateway ssh-ca public-key shows what they are told");
  return identity::write_private_file(path,
                                      ssh_authority_text(crypto::Ed25519Key::generate()).reveal());
}

std::string ssh_authority_line(const crypto::Ed25519Key& key, const std::string& gateway_id) {
  return ssh::to_line(ssh::public_key(key.public_key()), "hoopctl-" + gateway_id);
}

}  // namespace hoop::gateway
