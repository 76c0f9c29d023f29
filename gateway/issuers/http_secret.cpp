// SPDX-License-Identifier: Apache-2.0
#include "gateway/issuers/http_secret.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/access/http_names.h"
#include "core/base/encoding.h"

namespace hoop::gateway {
namespace {

// Servers take 8 KiB of one field, and many less.
constexpr std::size_t kMostSecretBytes = 8U << 10;

std::string place_words(const ConfiguredSecret& secret) {
  switch (secret.place) {
    case SecretPlace::header: return fmt::format("header '{}'", secret.name);
    case SecretPlace::bearer: return "the bearer token";
    case SecretPlace::basic: return fmt::format("the password of '{}'", secret.name);
    case SecretPlace::parameter: return fmt::format("parameter '{}'", secret.name);
  }
  return "a secret";
}

/// In a basic login blanks may stand anywhere: it is encoded.
bool fits_its_place(const ConfiguredSecret& secret, std::string_view value) {
  switch (secret.place) {
    case SecretPlace::header:
    case SecretPlace::parameter: return access::is_http_value(value);
    case SecretPlace::bearer:
      return access::is_http_value(value) && value.find(' ') == std::string_view::npos;
    case SecretPlace::basic: break;
  }
  const auto is_control = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  };
  return !value.empty() && std::ranges::none_of(value, is_control) && is_utf8(value);
}

Result<void> check_secret_value(const ConfiguredSecret& secret, std::string_view value) {
  if (value.size() > kMostSecretBytes)
    return fail(ErrorCode::config, fmt::format("{}: the secret is too long", place_words(secret)),
                "at most 8 KiB: is it the right file?");
  if (!fits_its_place(secret, value))
    return fail(ErrorCode::config,
                fmt::format("{}: the secret holds what no field can", place_words(secret)),
                "one line of text, without blanks around it");
  return {};
}

/// All of it at once and on the heap: what grows, or is moved out of the object itself, leaves a
/// copy behind.
SecretText joined_secret(std::initializer_list<std::string_view> parts) {
  std::size_t bytes = 0;
  for (const std::string_view part : parts) bytes += part.size();
  std::string out;
  out.reserve(std::max<std::size_t>(bytes, 64));
  for (const std::string_view part : parts) out += part;
  return SecretText(std::move(out));
}

/// RFC 7617 §2. Padding is apart: the encoder would grow for it.
SecretText basic_login(std::string_view user, std::string_view password) {
  const SecretText plain = joined_secret({user, ":", password});
  const std::string_view all = plain.reveal();
  const std::size_t whole = all.size() - all.size() % 3;
  const SecretText most(to_base64(as_bytes(all.substr(0, whole))));
  const SecretText rest(to_base64(as_bytes(all.substr(whole))));
  return joined_secret({"Basic ", most.reveal(), rest.reveal()});
}

void put_in_place(const ConfiguredSecret& secret, const SecretText& value,
                  access::HttpCredential& out) {
  switch (secret.place) {
    case SecretPlace::header:
      out.headers.push_back({secret.name, joined_secret({value.reveal()})});
      break;
    case SecretPlace::bearer:
      out.headers.push_back({"Authorization", joined_secret({"Bearer ", value.reveal()})});
      break;
    case SecretPlace::basic:
      out.headers.push_back({"Authorization", basic_login(secret.name, value.reveal())});
      break;
    case SecretPlace::parameter:
      out.query.push_back({secret.name, joined_secret({value.reveal()})});
      break;
  }
}

}  // namespace

Result<access::HttpCredential> read_http_secrets(const std::vector<ConfiguredSecret>& secrets,
                                                 const ReadSecret& read) {
  access::HttpCredential out;
  for (const ConfiguredSecret& secret : secrets) {
    HOOP_TRY(const SecretText value, read(secret.value));
    HOOP_CHECK(check_secret_value(secret, value.reveal()));
    put_in_place(secret, value, out);
  }
  return out;
}

std::string HttpSecretIssuer::name_for(const std::string&) const { return "secret:" + target_; }

Result<access::Credential> HttpSecretIssuer::issue(const access::Authorization& authorization,
                                                   const std::string&) {
  const bool leaves = authorization.path() == access::DataPath::local && !secrets_.empty();
  if (leaves && hand_out_ == HandOut::never)
    return fail(ErrorCode::internal, "a secret of the gateway's does not leave it");
  HOOP_TRY(access::HttpCredential out, read_http_secrets(secrets_, read_));
  out.expires_at = authorization.valid_until();
  return out;
}

Result<void> HttpSecretIssuer::extend(const access::Authorization& authorization,
                                      const std::string& name) {
  if (auto again = issue(authorization, name); !again)
    return std::unexpected(std::move(again).error());
  return {};
}

}  // namespace hoop::gateway
