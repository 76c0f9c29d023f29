// SPDX-License-Identifier: Apache-2.0
// Judges the certificate that a server presents against a Trust, and says in words why it is not
// accepted.
#pragma once

#include <optional>
#include <string>

#include "core/base/bytes.h"
#include "core/net/openssl_handles.h"
#include "core/net/tls.h"

namespace hoop::net {

/// One handshake's expectation, and afterwards the reason of a refusal. Attached to the SSL by
/// SSL_set_app_data.
struct CertificateCheck {
  std::string server_name;
  Trust::Names names = Trust::Names::check;
  std::optional<Bytes> pin;
  /// With a pin and no authorities, the pinned certificate is the anchor; with both, both must
  /// hold.
  bool pin_is_anchor = false;
  std::optional<Error> refusal;
  Bytes presented_authority;  // SHA-256 of the last certificate that the server sent
};

/// For SSL_CTX_set_cert_verify_callback. 1 if the chain is accepted; else 0, with the check's
/// refusal set (integrity).
int check_certificate(X509_STORE_CTX* chain, void*);

/// The authorities of pem. Fails with config if there is none or one cannot be read.
Result<StorePtr> store_from_pem(std::string_view pem);
/// The system's authorities, from the places where distributions keep them; SSL_CERT_FILE and its
/// like are not looked at. Fails with config.
Result<StorePtr> system_store();

Bytes sha256_of(X509* certificate);

}  // namespace hoop::net
