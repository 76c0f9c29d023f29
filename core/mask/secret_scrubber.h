// SPDX-License-Identifier: Apache-2.0
// Takes known secrets out of bytes that come in pieces: what a target echoes of the credential that
// was injected.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/secret.h"
#include "core/mask/span.h"

namespace hoop::mask {

/// What is looked for: a secret as it is, in base64 and base64url at each of the three offsets,
/// percent-encoded, and as JSON escapes it. Secrets shorter than 6 bytes are left out: they would
/// be found in anything.
class KnownSecrets {
 public:
  void add(const SecretText& secret);
  bool empty() const { return needles_.empty(); }
  std::size_t longest() const { return longest_; }
  /// Each found one is overwritten by as many '*': nothing else moves. Answers how many.
  std::size_t scrub(MutableByteSpan bytes) const;

 private:
  friend class SecretScrubber;
  void add_needle(std::string needle);
  /// Appends where one stands; they may overlap.
  void find(ByteSpan bytes, std::vector<Span>& found) const;
  /// Where the first one begins that goes on behind the end; else the end.
  std::size_t open_begin(ByteSpan bytes) const;
  std::vector<SecretText> needles_;
  std::size_t longest_ = 0;
};

/// One body: secrets that are cut between two pieces are found, too.
class SecretScrubber {
 public:
  /// secrets outlives it.
  explicit SecretScrubber(const KnownSecrets& secrets) : secrets_(secrets) {}
  /// Appends to out what can hold no beginning of a secret any more: holds back what looks like
  /// one, at most longest() - 1 bytes.
  void take(ByteSpan piece, Bytes& out);
  void finish(Bytes& out);
  std::size_t found() const { return found_; }

 private:
  const KnownSecrets& secrets_;
  Bytes held_;
  std::size_t covered_ = 0;  // of held_: it is the end of a secret that was found
  std::vector<Span> spans_;
  std::size_t found_ = 0;
};

}  // namespace hoop::mask
