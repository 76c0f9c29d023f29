// SPDX-License-Identifier: Apache-2.0
// COPY … TO STDOUT in text or CSV: CopyData put together to rows again, and scanned by the
// detectors.
#pragma once

#include "core/mask/masker.h"
#include "protocols/postgres/messages.h"

namespace hoop::postgres {

/// One a COPY. The server sends a CopyData a row, but nothing obliges it to: what does not end in a
/// newline is held until the rest has come, so that a value cannot pass in two halves.
class CopyMasker {
 public:
  explicit CopyMasker(mask::Masker& masker) : masker_(masker) {}

  /// Appends CopyData messages with what was found replaced; may append nothing yet. Fails with
  /// too_large (a row above kMaxMessageBytes), and with what the masker fails with.
  Result<void> rewrite(const Frame& copy_data, Bytes& out, mask::HiddenCounts& counts);
  /// At CopyDone: what was held.
  Result<void> finish(Bytes& out, mask::HiddenCounts& counts);

 private:
  Result<void> release(ByteSpan row, Bytes& out, mask::HiddenCounts& counts);
  mask::Masker& masker_;
  Bytes held_;
};

}  // namespace hoop::postgres
