// SPDX-License-Identifier: Apache-2.0
#include "gateway/idp/authorization_codes.h"

#include "core/base/encoding.h"
#include "core/crypto/digest.h"

namespace hoop::gateway::idp {
namespace {

constexpr std::chrono::seconds kLife{60};

}  // namespace

Result<SecretText> AuthorizationCodes::issue(std::string_view subject,
                                             std::string_view redirect_uri,
                                             std::string_view challenge, SystemTime now,
                                             Random& random) {
  HOOP_CHECK(
      database_.run("DELETE FROM idp_authorization_codes WHERE expires_at <= ?", {to_column(now)}));
  SecretText code(to_base64url(random.bytes(32)));
  HOOP_CHECK(database_.run("INSERT INTO idp_authorization_codes VALUES (?, ?, ?, ?, ?)",
                           {crypto::sha256(as_bytes(code.reveal())), subject, redirect_uri,
                            challenge, to_column(now + kLife)}));
  return code;
}

Result<std::optional<std::string>> AuthorizationCodes::redeem(std::string_view code,
                                                              std::string_view redirect_uri,
                                                              std::string_view verifier,
                                                              SystemTime now) {
  const crypto::Digest256 id = crypto::sha256(as_bytes(code));
  // One statement, so that of two who come at once one gets it.
  HOOP_TRY(const auto row, database_.find("DELETE FROM idp_authorization_codes WHERE code = ? "
                                          "RETURNING subject, redirect_uri, challenge, expires_at",
                                          {id}));
  if (!row) return std::optional<std::string>();
  const std::string challenge = to_base64url(crypto::sha256(as_bytes(verifier)));
  const bool fits = row->text(1) == redirect_uri &&
                    equal_constant_time(as_bytes(row->text(2)), as_bytes(challenge)) &&
                    from_column(row->integer(3)) > now;
  if (!fits) return std::optional<std::string>();
  return std::optional<std::string>(row->text(0));
}

}  // namespace hoop::gateway::idp
