// SPDX-License-Identifier: Apache-2.0
// Finds the literals of kSecretPatterns in text, all in one pass by Hyperscan.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/base/error.h"

namespace hoop::mask {

/// The compiled patterns: immutable, shared.
class SecretDatabase {
 public:
  /// Reads what was compiled at build time; compiles anew if this library cannot read it. Fails
  /// with unsupported on a CPU that Hyperscan does not run on.
  static Result<std::shared_ptr<const SecretDatabase>> load();
  ~SecretDatabase();
  SecretDatabase(const SecretDatabase&) = delete;
  SecretDatabase& operator=(const SecretDatabase&) = delete;

 private:
  friend class SecretScanner;
  struct Impl;
  explicit SecretDatabase(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct LiteralHit {
  std::uint32_t pattern = 0;  // index into kSecretPatterns
  std::uint32_t begin = 0;    // of the literal
};

/// One user's working memory: not for two threads at once.
class SecretScanner {
 public:
  explicit SecretScanner(std::shared_ptr<const SecretDatabase> database);
  ~SecretScanner();
  SecretScanner(SecretScanner&&) noexcept;
  SecretScanner& operator=(SecretScanner&&) noexcept;
  /// Appends the literals in text, in no promised order. Fails with internal: then nothing is known
  /// about the text.
  Result<void> scan(std::string_view text, std::vector<LiteralHit>& hits);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hoop::mask
