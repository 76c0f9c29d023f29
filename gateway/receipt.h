// SPDX-License-Identifier: Apache-2.0
// Checks an uploaded session log against its grant and signs the receipt for it.
#pragma once

#include <string>

#include "core/base/clock.h"
#include "core/crypto/keys.h"
#include "gateway/session_store.h"
#include "gateway/store.h"

namespace hoop::gateway {

/// What the client says that it has delivered.
struct LogClaim {
  std::uint64_t length = 0;
  std::string digest;  // hex, the chain's head
  bool sealed = true;  // false: the client was killed, its key is gone, the log has no seal
};

/// Who receipts: the gateway's id and base URL, and its receipt key.
struct ReceiptSigner {
  std::string gateway;
  std::string issuer;
  const crypto::P256Key& key;
};

/// Reads the kept log to its end: chain, seal, and that header and key are the grant's. Blocking.
/// Fails with integrity, malformed, too_large, unsupported, not_found, storage.
Result<FinishedLog> receive_log(SessionStore& logs, const SessionRecord& record,
                                const LogClaim& claim, const ReceiptSigner& signer, SystemTime now);

}  // namespace hoop::gateway
