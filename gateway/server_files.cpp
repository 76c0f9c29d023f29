// SPDX-License-Identifier: Apache-2.0
#include "gateway/server_files.h"

#include <fcntl.h>
#include <sys/file.h>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/identity/private_file.h"

namespace hoop::gateway {
namespace {

constexpr std::size_t kMaxKeyFile = 64 << 10;  // PEM chains are a few KiB

Result<SecretText> read_key_file(const std::filesystem::path& path) {
  HOOP_TRY(auto text, identity::read_private_file(path, kMaxKeyFile));
  if (!text)
    return fail(ErrorCode::config, fmt::format("'{}' is missing", path.string()),
                "'hoopctl gateway init DIR' makes a working directory");
  return std::move(*text);
}

}  // namespace

Result<Descriptor> lock_directory(const std::filesystem::path& file) {
  Descriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.is_open())
    return fail(ErrorCode::storage, fmt::format("cannot open '{}'", file.string()));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return fail(ErrorCode::config, "another gateway runs on this directory",
                "stop it first; SIGHUP is enough for a changed policy");
  return lock;
}

Result<crypto::P256Key> read_key(const std::filesystem::path& path) {
  HOOP_TRY(const auto pem, read_key_file(path));
  auto key = crypto::P256Key::from_pem(pem.reveal());
  if (!key)
    return fail(ErrorCode::config, fmt::format("'{}' is not a P-256 private key", path.string()),
                "restore it from a backup; 'hoopctl gateway init' makes one with a new directory");
  return key;
}

Result<SecretBytes> read_secret(const std::filesystem::path& path) {
  HOOP_TRY(const auto text, read_key_file(path));
  auto bytes = from_base64url(text.reveal());
  if (!bytes || bytes->size() != 32)
    return fail(ErrorCode::config, fmt::format("'{}' is not 32 bytes in base64url", path.string()),
                "restore it from a backup; 'hoopctl gateway init' makes one with a new directory");
  return SecretBytes(std::move(*bytes));
}

Result<net::TlsServer> read_certificate(const Layout& layout) {
  HOOP_TRY(const auto chain, read_key_file(layout.server_pem()));
  HOOP_TRY(auto key, read_key_file(layout.server_key()));
  return net::TlsServer::create(net::ServerCertificate{chain.reveal(), std::move(key)});
}

}  // namespace hoop::gateway
