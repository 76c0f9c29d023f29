// SPDX-License-Identifier: Apache-2.0
// Rewrites values: whole columns by strategy, and what detectors find inside text.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/access/policy.h"
#include "core/base/secret.h"
#include "core/mask/detectors.h"

namespace hoop::mask {

/// How many values were hidden, by detector class and by column mask; for ReplyEnd records and the
/// result document.
struct HiddenCounts {
  std::array<std::uint64_t, kDetectorClasses> detected{};
  std::uint64_t columns = 0;
  std::vector<std::uint64_t> own;  // by Masker::own_patterns(); shorter where none was found
  std::uint64_t total() const;
  void add(const HiddenCounts& other);
};

/// What a text was given to: its member's or its column's name, which may say that it is a secret.
struct Naming {
  std::size_t text = 0;  // index into the batch
  std::string_view name;
};
struct Changed {
  std::size_t text = 0;  // index into the batch
  std::string now;
};

/// Immutable per session part: which detectors act with which strategy, and the HMAC key.
class Masker {
 public:
  /// masks: the grant's. mask_key: 32 bytes. secrets: what detectors share with other maskers; null
  /// reads it anew. Fails with config for an unknown detector.
  static Result<Masker> create(const std::vector<access::Mask>& masks, SecretBytes mask_key,
                               std::shared_ptr<const SecretDatabase> secrets = nullptr);
  ~Masker();
  Masker(Masker&&) noexcept;
  Masker& operator=(Masker&&) noexcept;

  bool has_detectors() const;
  /// Names of the policy's own detectors.
  const std::vector<std::string>& own_patterns() const;

  /// The value that stands for text under strategy; nullopt is SQL NULL. redact: "[redacted]";
  /// partial: first letter and domain of an e-mail address, last four of anything longer than
  /// eight, else as redact; hash: "hmac:" and 32 hex digits.
  std::optional<std::string> masked(access::MaskStrategy strategy, std::string_view text) const;

  /// Scans the fields as one batch and calls nothing back: rewritten[i] is set where field i
  /// changed. A field that is JSON stays valid JSON (spans inside strings are replaced by text that
  /// needs no escape). Fails closed.
  Result<void> rewrite(std::span<const std::string_view> fields,
                       std::span<std::optional<std::string>> rewritten, HiddenCounts& counts);
  /// The same for batches of which little is named and little changes: appends what does, in order.
  /// namings: in order, at most one for a text.
  Result<void> rewrite(std::span<const std::string_view> texts, std::span<const Naming> namings,
                       std::vector<Changed>& changed, HiddenCounts& counts);
  /// One text, for messages, statement text and notices.
  Result<std::string> rewrite_text(std::string_view text, HiddenCounts& counts);

 private:
  struct Impl;
  explicit Masker(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hoop::mask
