// SPDX-License-Identifier: Apache-2.0
// Brings spooled session logs to their gateway, checks the receipts, and only then removes the
// local copies.
#pragma once

#include <functional>
#include <string>

#include "cmd/gateway_client.h"
#include "core/record/session_log_reader.h"
#include "core/record/spool.h"

namespace hoop::cmd {

/// What the gateway has confirmed.
struct Receipt {
  std::string text;  // compact JWS
  std::string received_at;
  std::uint64_t records = 0;
};

/// Checks a receipt's signature by the gateway's keys, and that it speaks of this session, digest
/// and length. Fails with integrity.
Result<Receipt> check_receipt(const std::string& receipt, const identity::KeySet& keys,
                              const identity::GatewayRecord& gateway,
                              const record::LogSummary& log);

/// A transfer that is shorter shows no bar: it would only flicker.
constexpr std::uint64_t kProgressBytes = 256U << 10;
using UploadProgress = std::function<void(std::uint64_t sent, std::uint64_t total)>;

/// Of a log that this run wrote the gateway has nothing yet, and is not asked how much.
enum class LogOrigin { this_run, earlier_run };

/// Uploads one log that the caller has claimed from where the gateway stands, and removes it from
/// the spool once the receipt is good. A log that is broken here or that the gateway refuses for
/// good is set aside. Fails with what the client fails with; integrity: set aside.
Task<Receipt> deliver_log(GatewayClient& client, record::Spool& spool, record::SpoolEntry entry,
                          LogOrigin origin, UploadProgress progress);

/// The spool of this user.
Result<record::Spool> open_spool(const Environment& environment);

}  // namespace hoop::cmd
