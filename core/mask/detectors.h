// SPDX-License-Identifier: Apache-2.0
// Finds sensitive text: payment cards, secrets, addresses. Fields are scanned in batches; spans are
// exact UTF-8 byte ranges.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/access/own_pattern.h"
#include "core/base/error.h"

namespace hoop::mask {

/// Names as in policy: detectors = ["email", "payment_card", ...].
enum class DetectorClass : std::uint8_t {
  email,
  payment_card,  // 12 to 19 digits, separators, Luhn, issuer prefix
  us_ssn,
  private_key,  // PEM and OpenSSH armour
  aws_access_key,
  aws_secret_key,
  github_token,
  slack_token,
  stripe_key,
  jwt,
  google_key,
  azure_key,
  gitlab_token,
  npm_token,
  twilio_key,
  password_hash,  // bcrypt, argon2, scrypt, crypt, PBKDF2, SCRAM verifiers
  iban,
  phone,
  connection_password,  // in URLs and in settings of connections
  assigned_secret,      // random text that is given to a name like "api_key"
  ipv4,
  ipv6,
  own,  // one of the policy's own patterns; not counted among the classes
};
inline constexpr std::size_t kDetectorClasses = 22;
std::string_view to_string(DetectorClass detector);
/// Whether the word "all" of a policy means it too: addresses of machines are rarely a secret, and
/// hidden ones make a log useless.
bool is_in_all(DetectorClass detector);
/// Whether a name that stands before it tells a secret of the class: "api_key", "aws_secret".
bool is_told_by_names(DetectorClass detector);
/// Fails with not_found; the hint names the classes.
Result<DetectorClass> parse_detector(std::string_view name);

struct Hit {
  std::uint32_t field = 0;  // index into the batch
  std::uint32_t begin = 0;  // byte offsets in that field
  std::uint32_t end = 0;
  DetectorClass detector = DetectorClass::email;
  std::uint32_t pattern = 0;  // of own: index into the set's patterns
  bool operator==(const Hit&) const = default;
};

/// Sorts the hits from first on, and joins those that overlap under the name of the longer.
void merge_overlaps(std::vector<Hit>& hits, std::size_t first);

class SecretDatabase;  // core/mask/secret_scanner.h

/// Immutable, shared among sessions; scratch space is per DetectorScan.
class DetectorSet {
 public:
  /// Without secrets, and if a class needs them, reads the pattern database that was compiled at
  /// build time; compiles anew if this CPU cannot run it.
  static Result<std::shared_ptr<const DetectorSet>> create(
      std::span<const DetectorClass> classes,
      std::shared_ptr<const SecretDatabase> secrets = nullptr,
      std::vector<access::OwnPatternFinder> patterns = {});
  ~DetectorSet();
  bool has(DetectorClass detector) const;

 private:
  friend class DetectorScan;
  struct Impl;
  explicit DetectorSet(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// One session's working memory for a set. Fails closed: a scan that cannot be made is an error,
/// not "nothing found".
class DetectorScan {
 public:
  explicit DetectorScan(std::shared_ptr<const DetectorSet> set);
  ~DetectorScan();
  DetectorScan(DetectorScan&&) noexcept;
  /// Appends the hits of all fields, by field and begin, overlaps merged (the longer wins). Fields
  /// must live during the call.
  Result<void> scan(std::span<const std::string_view> fields, std::vector<Hit>& hits);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hoop::mask
