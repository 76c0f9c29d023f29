// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/shared.h"

#include "core/base/encoding.h"
#include "core/http/message.h"
#include "protocols/http/request_fields.h"

namespace hoop::http_target {
namespace {

/// As whom a cluster takes the gateway (Kubernetes docs, "authentication"): no secret.
bool says_who(std::string_view header) {
  constexpr std::string_view kFamily = "impersonate-";
  return header.size() > kFamily.size() &&
         http::equal_ignoring_case(header.substr(0, kFamily.size()), kFamily);
}

/// A token may be echoed without the word before it, a password without the name (RFC 7617 §2).
void add_secret_value(mask::KnownSecrets& secrets, const SecretText& value) {
  secrets.add(value);
  const std::string_view text = value.reveal();
  const auto blank = text.find(' ');
  if (blank == std::string_view::npos) return;
  const std::string_view token = text.substr(blank + 1);
  secrets.add(SecretText(std::string(token)));
  if (!http::equal_ignoring_case(text.substr(0, blank), "basic")) return;
  auto plain = from_base64(token);
  if (!plain) return;
  const SecretBytes pair(std::move(*plain));
  const auto colon = as_text(pair.reveal()).find(':');
  if (colon != std::string_view::npos)
    secrets.add(SecretText(std::string(as_text(pair.reveal()).substr(colon + 1))));
}

}  // namespace

SessionShared::SessionShared(session::SessionContext of)
    : context(of),
      target_origin(origin_of(of.grant.target)),
      target_authority(authority_of(of.grant.target)) {
  const auto* credential = context.grant.credential_as<access::HttpCredential>();
  if (credential == nullptr) return;
  for (const auto& field : credential->headers) {
    if (!says_who(field.name)) add_secret_value(secrets, field.value);
  }
  for (const auto& field : credential->query) add_secret_value(secrets, field.value);
}

bool SessionShared::has_credential() const {
  const auto* credential = context.grant.credential_as<access::HttpCredential>();
  return credential != nullptr && (!credential->headers.empty() || !credential->query.empty());
}

Result<const net::TlsClient*> SessionShared::tls() {
  if (!tls_) {
    net::Trust trust;
    trust.ca_pem = target().tls_ca_pem;
    if (target().tls == access::TlsMode::verify_ca) trust.names = net::Trust::Names::ignore;
    HOOP_TRY(net::TlsClient client, net::TlsClient::create(std::move(trust)));
    tls_.emplace(std::move(client));
  }
  return &*tls_;
}

}  // namespace hoop::http_target
