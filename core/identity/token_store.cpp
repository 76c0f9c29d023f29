// SPDX-License-Identifier: Apache-2.0
#include "core/identity/token_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "core/base/encoding.h"
#include "core/identity/discovery.h"
#include "core/identity/json.h"
#include "core/identity/private_file.h"

namespace hoop::identity {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxRecordBytes = std::size_t{256} << 10;  // a CA bundle
constexpr std::size_t kMaxTokensBytes = std::size_t{64} << 10;
constexpr std::chrono::milliseconds kLockPoll{50};

struct LoginKindName {
  LoginMethod::Kind kind;
  std::string_view name;
};
constexpr std::array<LoginKindName, 3> kLoginKinds{{
    {LoginMethod::Kind::client_secret, "client_secret"},
    {LoginMethod::Kind::client_key, "client_key"},
    {LoginMethod::Kind::token_file, "token_file"},
}};

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += out.empty() ? '{' : ',';
  append_json_string(out, name);
  out += ':';
  append_json_string(out, value);
}

Result<std::string> text_member(const Json& json, std::string_view name, const fs::path& file) {
  const std::string* text = json.text(name);
  if (text == nullptr)
    return fail(ErrorCode::storage, "'" + file.string() + "' has no '" + std::string(name) + "'");
  return *text;
}

Result<SystemTime> time_member(const Json& json, std::string_view name, const fs::path& file) {
  HOOP_TRY(const std::string text, text_member(json, name, file));
  const auto time = parse_rfc3339(text);
  if (!time)
    return fail(ErrorCode::storage,
                "'" + file.string() + "': '" + std::string(name) + "' is not a time");
  return *time;
}

/// nullopt if there is no such file.
Result<std::optional<Json>> read_json(const fs::path& file, std::size_t max_bytes) {
  HOOP_TRY(const std::optional<SecretText> text, read_private_file(file, max_bytes));
  if (!text) return std::optional<Json>();
  auto json = parse_json(text->reveal(), JsonCaps{.bytes = max_bytes, .depth = 4, .values = 256});
  if (!json)
    return fail(ErrorCode::storage, "'" + file.string() + "': " + json.error().message,
                "run `hoopctl login`");
  return std::optional<Json>(std::move(*json));
}

Result<std::optional<StoredTokens>> read_tokens(const fs::path& file) {
  HOOP_TRY(const std::optional<Json> json, read_json(file, kMaxTokensBytes));
  if (!json) return std::optional<StoredTokens>();
  StoredTokens out;
  HOOP_TRY(std::string access, text_member(*json, "access", file));
  HOOP_TRY(std::string refresh, text_member(*json, "refresh", file));
  out.access = SecretText(std::move(access));
  out.refresh = SecretText(std::move(refresh));
  HOOP_TRY(out.obtained_at, time_member(*json, "obtained_at", file));
  HOOP_TRY(out.expires_at, time_member(*json, "expires_at", file));
  HOOP_TRY(out.subject, text_member(*json, "subject", file));
  HOOP_TRY(out.issuer, text_member(*json, "issuer", file));
  if (json->find("key") != nullptr) {
    HOOP_TRY(std::string key, text_member(*json, "key", file));
    out.key = SecretText(std::move(key));
  }
  return std::optional<StoredTokens>(std::move(out));
}

}  // namespace

bool StoredTokens::wants_refresh(SystemTime now) const {
  return now < obtained_at || now >= obtained_at + (expires_at - obtained_at) * 2 / 3;
}

TokenLock::~TokenLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<TokenStore> TokenStore::open(const fs::path& state) {
  HOOP_CHECK(make_private_directory(state));
  HOOP_CHECK(make_private_directory(state / "gateways"));
  return TokenStore(state);
}

Result<fs::path> TokenStore::directory_of(std::string_view url) const {
  HOOP_TRY(const HttpsUrl parsed, parse_https_url(url));
  if (parsed.path != "/")
    return fail(ErrorCode::usage, "a gateway's URL has no path",
                "write it like https://gateway.example:8443");
  return state_ / "gateways" / (parsed.host + "_" + std::to_string(parsed.port));
}

Result<void> TokenStore::save_gateway(const GatewayRecord& record) {
  HOOP_TRY(const fs::path dir, directory_of(record.url));
  HOOP_CHECK(make_private_directory(dir));
  std::string text;
  append_member(text, "url", record.url);
  append_member(text, "ca_pem", record.ca_pem);
  append_member(text, "ca_sha256", record.ca_sha256);
  append_member(text, "issuer", record.issuer);
  append_member(text, "client_id", record.client_id);
  append_member(text, "audience", record.audience);
  append_member(text, "gateway", record.gateway);
  append_member(text, "issuer_ca_pem", record.issuer_ca_pem);
  append_member(text, "approving_scope", record.approving_scope);
  text += ",\"login_parameters\":{";
  for (const auto& [name, value] : record.login_parameters) {
    if (text.back() != '{') text += ',';
    append_json_string(text, name);
    text += ':';
    append_json_string(text, value);
  }
  text += '}';
  if (record.login.kind != LoginMethod::Kind::person) {
    text += ",\"login\":";
    std::string login;
    const auto kind = std::ranges::find(kLoginKinds, record.login.kind, &LoginKindName::kind);
    append_member(login, "kind", kind->name);
    append_member(login, "client_id", record.login.client_id);
    append_member(login, "file", record.login.file);
    append_member(login, "key_id", record.login.key_id);
    text += login + '}';
  }
  text += "}\n";
  return write_private_file(dir / "gateway.json", text);
}

Result<GatewayRecord> TokenStore::load_gateway(std::string_view url) const {
  HOOP_TRY(const fs::path dir, directory_of(url));
  const fs::path file = dir / "gateway.json";
  HOOP_TRY(const std::optional<Json> json, read_json(file, kMaxRecordBytes));
  if (!json) {
    return fail(ErrorCode::not_found, "no login to '" + std::string(url) + "' on this machine",
                "run `hoopctl login --gateway " + std::string(url) + "`");
  }
  GatewayRecord out;
  HOOP_TRY(out.url, text_member(*json, "url", file));
  HOOP_TRY(out.ca_pem, text_member(*json, "ca_pem", file));
  HOOP_TRY(out.ca_sha256, text_member(*json, "ca_sha256", file));
  HOOP_TRY(out.issuer, text_member(*json, "issuer", file));
  HOOP_TRY(out.client_id, text_member(*json, "client_id", file));
  HOOP_TRY(out.audience, text_member(*json, "audience", file));
  HOOP_TRY(out.gateway, text_member(*json, "gateway", file));
  // Records of before have none.
  if (const Json* parameters = json->find("login_parameters")) {
    HOOP_TRY(out.login_parameters, read_request_parameters(*parameters));
    HOOP_TRY(out.issuer_ca_pem, text_member(*json, "issuer_ca_pem", file));
  }
  if (json->find("approving_scope") != nullptr) {
    HOOP_TRY(out.approving_scope, text_member(*json, "approving_scope", file));
  }
  if (const Json* login = json->find("login")) {
    HOOP_TRY(const std::string kind, text_member(*login, "kind", file));
    const auto named = std::ranges::find(kLoginKinds, kind, &LoginKindName::name);
    if (named == kLoginKinds.end())
      return fail(ErrorCode::storage, "'" + file.string() + "' names an unknown way to log in",
                  "run `hoopctl login`");
    out.login.kind = named->kind;
    HOOP_TRY(out.login.client_id, text_member(*login, "client_id", file));
    HOOP_TRY(out.login.file, text_member(*login, "file", file));
    HOOP_TRY(out.login.key_id, text_member(*login, "key_id", file));
  }
  return out;
}

Result<std::optional<std::string>> TokenStore::current_gateway() const {
  HOOP_TRY(const std::optional<SecretText> text, read_private_file(state_ / "gateway", 4096));
  if (!text) return std::optional<std::string>();
  std::string url = text->reveal();
  while (!url.empty() && url.back() == '\n') url.pop_back();
  return std::optional<std::string>(std::move(url));
}

Result<void> TokenStore::set_current_gateway(std::string_view url) {
  HOOP_CHECK(directory_of(url));
  return write_private_file(state_ / "gateway", std::string(url) + "\n");
}

Result<std::optional<TokenLock>> TokenStore::try_lock(std::string_view url) {
  HOOP_TRY(fs::path dir, directory_of(url));
  HOOP_CHECK(make_private_directory(dir));
  const fs::path file = dir / "lock";
  // A file of its own, never replaced: a lock on tokens.json would be on the inode that the rename
  // throws away.
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return fail(ErrorCode::storage, "open '" + file.string() + "': " + std::strerror(errno));
  TokenLock lock(descriptor, std::move(dir));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return std::optional<TokenLock>(std::move(lock));
  if (errno == EWOULDBLOCK || errno == EINTR) return std::optional<TokenLock>();
  return fail(ErrorCode::storage, "lock '" + file.string() + "': " + std::strerror(errno));
}

Result<TokenLock> TokenStore::lock(std::string_view url, std::chrono::milliseconds longest_wait) {
  const auto end = std::chrono::steady_clock::now() + longest_wait;
  while (true) {
    HOOP_TRY(std::optional<TokenLock> held, try_lock(url));
    if (held) return std::move(*held);
    if (std::chrono::steady_clock::now() >= end) {
      return fail(ErrorCode::timeout, "another hoopctl has been refreshing the login for too long",
                  "try again");
    }
    std::this_thread::sleep_for(kLockPoll);
  }
}

Result<std::optional<StoredTokens>> TokenStore::load_tokens(std::string_view url) const {
  HOOP_TRY(const fs::path dir, directory_of(url));
  return read_tokens(dir / "tokens.json");
}

Result<std::optional<StoredTokens>> TokenStore::load_tokens(const TokenLock& lock) const {
  return read_tokens(lock.dir_ / "tokens.json");
}

Result<void> TokenStore::save_tokens(const TokenLock& lock, const StoredTokens& tokens) {
  // Room for all of it from the start, so that growing leaves no copy behind.
  std::string text;
  text.reserve(1024 + 2 * (tokens.access.reveal().size() + tokens.refresh.reveal().size() +
                           tokens.key.reveal().size()));
  append_member(text, "access", tokens.access.reveal());
  append_member(text, "refresh", tokens.refresh.reveal());
  append_member(text, "obtained_at", to_rfc3339(tokens.obtained_at));
  append_member(text, "expires_at", to_rfc3339(tokens.expires_at));
  append_member(text, "subject", tokens.subject);
  append_member(text, "issuer", tokens.issuer);
  if (!tokens.key.empty()) append_member(text, "key", tokens.key.reveal());
  text += "}\n";
  const SecretText secret(std::move(text));
  return write_private_file(lock.dir_ / "tokens.json", secret.reveal());
}

Result<bool> TokenStore::remove_tokens(const TokenLock& lock) {
  return remove_private_file(lock.dir_ / "tokens.json");
}

}  // namespace hoop::identity
