// SPDX-License-Identifier: Apache-2.0
// Detectors over text that comes in pieces: what they look for may begin in one and end in the
// next.
#pragma once

#include "core/base/bytes.h"
#include "core/base/error.h"
#include "core/mask/masker.h"

namespace hoop::mask {

/// One stream of text. What has no end of line yet is held back, up to a cap; who waits for
/// it (a prompt) gets it by flush(), after a moment of silence. A private key that has begun is
/// held back to its end.
class StreamMasker {
 public:
  explicit StreamMasker(Masker& masker) : masker_(masker) {}

  /// What of it all may go out now. Fails closed.
  Result<Bytes> take(ByteSpan piece);
  Result<Bytes> flush();
  /// The rest: no more comes.
  Result<Bytes> finish() { return rewrite(held_.size()); }
  /// Whether flush() would have something.
  bool holds() const;
  const HiddenCounts& hidden() const { return hidden_; }

 private:
  Result<Bytes> rewrite(std::size_t count);
  Masker& masker_;
  std::string held_;
  HiddenCounts hidden_;
};

}  // namespace hoop::mask
