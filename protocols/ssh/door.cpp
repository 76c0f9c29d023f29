// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/door.h"

#include "core/base/encoding.h"

namespace hoop::ssh {
namespace {

constexpr std::string_view kHostKey = "host_key";
constexpr std::string_view kClientKey = "client_key";
constexpr std::size_t kMostKeyBytes = 1024;
constexpr std::size_t kMostWords = 200;

}  // namespace

session::Opening opening_of(const DoorKeys& keys) {
  session::Opening out;
  out.parameters = {{std::string(kHostKey), to_base64url(keys.host_key.reveal())},
                    {std::string(kClientKey), to_base64url(keys.client_key)}};
  return out;
}

Result<DoorKeys> keys_of(const session::Opening& opening) {
  const auto& given = opening.parameters;
  if (opening.kind != session::Opening::Kind::session || given.size() != 2 ||
      given[0].first != kHostKey || given[1].first != kClientKey)
    return fail(ErrorCode::malformed, "the opening is not one of SSH");
  auto host_key = from_base64url(given[0].second);
  auto client_key = from_base64url(given[1].second);
  if (!host_key || host_key->size() != 32 || !client_key || client_key->size() > kMostKeyBytes)
    return fail(ErrorCode::malformed, "the opening has no keys of SSH");
  return DoorKeys{SecretBytes(std::move(*host_key)), std::move(*client_key)};
}

Task<session::Opening> SshDoor::open(net::Stream&, Deadline) {
  const DoorKeys keys{host_key_.seed(), client_key_};
  co_return opening_of(keys);
}

Task<void> SshDoor::refuse(net::Stream& downstream, const Error& error) {
  const std::string line =
      "hoopctl: " + neutralise(error.message, kMostWords, Lines::escape) + "\r\n";
  co_return co_await downstream.write_all(as_bytes(line));
}

}  // namespace hoop::ssh
