// SPDX-License-Identifier: Apache-2.0
// Device authorization requests (RFC 8628) from the moment they are made until their tokens are
// fetched.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/base/secret.h"
#include "core/crypto/digest.h"
#include "gateway/idp/settings.h"
#include "gateway/sqlite.h"

namespace hoop::gateway::idp {

/// What the approval page shows.
struct DeviceRequest {
  crypto::Digest256 id{};  // SHA-256 of the device code
  std::string client_id;
  std::string client_host;  // what the requester calls itself; may be empty, proves nothing
  std::string address;
  SystemTime requested_at{};
  std::optional<std::string> subject;  // who has signed in
  std::optional<SystemTime> signed_in_at;
  Bytes browser;  // of whom; empty if nobody has
  std::string scope{kLoginScope};
};

struct IssuedCodes {
  SecretText device_code;
  std::string user_code;  // "XXXX-XXXX"
};

/// The letters of a typed code in capitals, in groups as it is shown; nullopt if it cannot be one.
/// Blanks and dashes do not count.
std::optional<std::string> normalise_user_code(std::string_view typed);

class DeviceRequests {
 public:
  explicit DeviceRequests(Database& database) : database_(database) {}

  Result<IssuedCodes> issue(const DeviceRequest& request, std::chrono::seconds life,
                            std::chrono::seconds interval, Random& random);
  /// The request that waits for a decision under this (normalised) code.
  Result<std::optional<DeviceRequest>> find_pending(std::string_view user_code, SystemTime now);
  /// Replaces who has signed in before: the decision is the last one's.
  Result<void> sign_in(const DeviceRequest& request, std::string_view subject, ByteSpan browser,
                       SystemTime now);
  enum class Verdict { approve, deny };
  /// False if the request has been decided, has expired, or another browser has signed in
  /// meanwhile.
  Result<bool> decide(const DeviceRequest& request, Verdict verdict, ByteSpan browser,
                      SystemTime now);

  struct Poll {
    enum class State { unknown, pending, slow_down, denied, expired, approved };
    State state = State::unknown;
    // Of an approved one.
    std::string subject = {};
    std::string scope = {};
    SystemTime signed_in_at = {};
  };
  /// One question of the client. An approved request is gone after it: a code gives tokens once.
  Result<Poll> poll(std::string_view device_code, std::string_view client_id, SystemTime now);

  Result<std::int64_t> count();
  Result<void> purge(SystemTime now);

 private:
  Database& database_;
};

}  // namespace hoop::gateway::idp
