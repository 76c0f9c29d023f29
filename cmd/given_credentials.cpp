// SPDX-License-Identifier: Apache-2.0
#include "cmd/given_credentials.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "cmd/trust_options.h"
#include "core/base/descriptor.h"
#include "core/base/encoding.h"
#include "core/identity/jwt.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kMostBytes = 64U << 10;
enum class Exposure { nobody_else, anybody };

std::unexpected<Error> unreadable(std::string_view what, std::string_view why) {
  return fail(ErrorCode::config, fmt::format("{}: {}", what, why), "check the name");
}

/// All of it, into memory that is wiped; without the end of its last line.
Result<SecretText> read_to_end(int descriptor, std::string_view what) {
  std::string text;
  text.reserve(kMostBytes + 1);  // growing would leave copies behind
  for (;;) {
    const std::size_t have = text.size();
    text.resize(kMostBytes + 1);
    const ssize_t count = ::read(descriptor, text.data() + have, text.size() - have);
    const int failure = errno;
    text.resize(have + static_cast<std::size_t>(count > 0 ? count : 0));
    if (count < 0 && failure == EINTR) continue;
    if (count < 0) {
      wipe(text.data(), text.size());
      return unreadable(what, std::strerror(failure));
    }
    if (count == 0 || text.size() > kMostBytes) break;
  }
  SecretText all(std::move(text));
  if (all.reveal().size() > kMostBytes) return unreadable(what, "it is larger than 64 KiB");
  std::string_view used = all.reveal();
  while (!used.empty() && (used.back() == '\n' || used.back() == '\r')) used.remove_suffix(1);
  if (used.empty()) return unreadable(what, "it is empty");
  return SecretText(std::string(used));
}

Result<SecretText> read_given(const std::string& file, Exposure exposure) {
  const std::string what = fmt::format("'{}'", neutralise(file, 300, Lines::escape));
  const Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (opened.get() < 0) return unreadable(what, std::strerror(errno));
  struct stat about{};
  if (::fstat(opened.get(), &about) != 0 || !S_ISREG(about.st_mode))
    return unreadable(what, "it is not a regular file");
  if (exposure == Exposure::nobody_else && (about.st_mode & S_IROTH) != 0) {
    return fail(ErrorCode::config, fmt::format("everybody on this machine may read {}", what),
                fmt::format("chmod o-rwx {}", what));
  }
  return read_to_end(opened.get(), what);
}

}  // namespace

Result<identity::ServiceClient> read_service_client(const identity::LoginMethod& login) {
  identity::ServiceClient client;
  client.client_id = login.client_id;
  HOOP_TRY(SecretText text, read_given(login.file, Exposure::nobody_else));
  if (login.kind == identity::LoginMethod::Kind::client_secret) {
    client.secret = std::move(text);
    return client;
  }
  auto key = crypto::P256Key::from_pem(text.reveal());
  if (!key) {
    return fail(
        ErrorCode::config,
        fmt::format("'{}' holds no P-256 private key", neutralise(login.file, 300, Lines::escape)),
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 makes one");
  }
  client.key = std::move(*key);
  client.key_id = login.key_id;
  return client;
}

Result<bool> take_given_trust(const Settings& settings, identity::GatewayRecord& record) {
  if (settings.ca_file.empty() && settings.ca_sha256.empty()) return false;
  if (!settings.ca_file.empty() && !settings.ca_sha256.empty())
    return fail(ErrorCode::usage, "HOOPCTL_CA_FILE and HOOPCTL_CA_SHA256 are set both", "set one");
  record.ca_pem.clear();
  record.ca_sha256.clear();
  if (settings.ca_file.empty()) {
    HOOP_TRY(record.ca_sha256, read_ca_digest(settings.ca_sha256, "HOOPCTL_CA_SHA256"));
  } else {
    HOOP_TRY(record.ca_pem, read_ca_file(settings.ca_file, "HOOPCTL_CA_FILE"));
  }
  return true;
}

Result<SecretText> read_token_file(const std::string& file) {
  return read_given(file, Exposure::anybody);
}

Result<SecretText> read_token(int descriptor) { return read_to_end(descriptor, "the token"); }

Task<identity::TokenSet> redeem(Web& gateway, std::string url, SecretText given, const Clock& clock,
                                Random& random) {
  if (!identity::is_other_token(given.reveal()))
    co_return identity::given_token(given.reveal(), clock.system_now());
  TokenRequests requests(clock, random);
  requests.make_key();  // a gateway that binds nothing passes it over
  HOOP_CO_TRY(const http::Response answer,
              co_await requests.ask(gateway, url + "/v1/workloads/token",
                                    identity::exchange_request(given)));
  co_return requests.with_key(identity::parse_exchange_answer(answer.status, answer.body));
}

}  // namespace hoop::cmd
