// SPDX-License-Identifier: Apache-2.0
// What a login leaves on the client's disk: which gateway, how it is trusted, and the tokens.
//
//   STATE/gateway                            the current gateway's URL
//   STATE/gateways/<host>_<port>/gateway.json  GatewayRecord
//   STATE/gateways/<host>_<port>/tokens.json   StoredTokens, 0600
//   STATE/gateways/<host>_<port>/lock          flock: held from reading the tokens to writing the
//   refreshed ones
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/identity/token_request.h"

namespace hoop::identity {

/// How a token is obtained again without a person: see service_login.h.
struct LoginMethod {
  enum class Kind { person, client_secret, client_key, token_file };
  Kind kind = Kind::person;
  std::string client_id = {};
  std::string file = {};    // absolute: the secret, the key in PEM, or the token
  std::string key_id = {};  // of client_key
  bool operator==(const LoginMethod&) const = default;
};

struct GatewayRecord {
  std::string url;        // "https://host:port"
  std::string ca_pem;     // one of these two, or neither for the system store
  std::string ca_sha256;  // hex
  std::string issuer;
  std::string client_id;
  std::string audience;
  std::string gateway;  // the gateway's id
  // Of an issuer that is not the gateway itself.
  RequestParameters login_parameters = {};
  std::string issuer_ca_pem = {};
  LoginMethod login = {};
  std::string approving_scope = "approve";  // as the gateway's document has it
  bool operator==(const GatewayRecord&) const = default;
};

struct StoredTokens {
  SecretText access;
  SecretText refresh;  // empty if the issuer gave none
  SystemTime obtained_at{};
  SystemTime expires_at{};  // of the access token, by this machine's clock
  std::string subject;
  std::string issuer;
  SecretText key = {};  // PEM, of tokens that are bound to it (dpop.h); empty: bearer tokens

  /// True at two thirds of the access token's life, and when the clock has gone back behind
  /// obtained_at.
  bool wants_refresh(SystemTime now) const;
  bool expired(SystemTime now) const { return now >= expires_at; }
};

/// Held: no other process reads tokens to refresh them. Two parallel refreshes with one token would
/// end the login.
class TokenLock {
 public:
  TokenLock(TokenLock&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), dir_(std::move(other.dir_)) {}
  TokenLock& operator=(TokenLock&&) = delete;
  ~TokenLock();

 private:
  friend class TokenStore;
  TokenLock(int descriptor, std::filesystem::path dir)
      : descriptor_(descriptor), dir_(std::move(dir)) {}
  int descriptor_;
  std::filesystem::path dir_;
};

class TokenStore {
 public:
  /// state: $XDG_STATE_HOME/hoopctl. Makes it. Fails with storage if others may look into it.
  static Result<TokenStore> open(const std::filesystem::path& state);

  Result<void> save_gateway(const GatewayRecord& record);
  /// Fails with not_found if there was no login to that gateway.
  Result<GatewayRecord> load_gateway(std::string_view url) const;

  /// The gateway of the last login, for commands that name none. nullopt if there is none.
  Result<std::optional<std::string>> current_gateway() const;
  Result<void> set_current_gateway(std::string_view url);

  /// nullopt while another process holds it. Tries once.
  Result<std::optional<TokenLock>> try_lock(std::string_view url);
  /// Blocks the thread until it is free. Fails with timeout.
  Result<TokenLock> lock(std::string_view url, std::chrono::milliseconds longest_wait);

  /// nullopt: not logged in. Without a lock only for tokens that need no refresh.
  Result<std::optional<StoredTokens>> load_tokens(std::string_view url) const;
  Result<std::optional<StoredTokens>> load_tokens(const TokenLock& lock) const;
  /// On disk when it returns: use the new access token only after that.
  Result<void> save_tokens(const TokenLock& lock, const StoredTokens& tokens);
  /// True if there were any.
  Result<bool> remove_tokens(const TokenLock& lock);

 private:
  explicit TokenStore(std::filesystem::path state) : state_(std::move(state)) {}
  Result<std::filesystem::path> directory_of(std::string_view url) const;
  std::filesystem::path state_;
};

}  // namespace hoop::identity
