// SPDX-License-Identifier: Apache-2.0
// COPY … TO STDOUT: CopyData put together to rows again, and scanned by the detectors.
#pragma once

#include "core/mask/masker.h"
#include "protocols/postgres/binary_copy.h"
#include "protocols/postgres/messages.h"

namespace hoop::postgres {

/// One a COPY. The server sends a CopyData a row, but nothing obliges it to: what does not end in a
/// newline is held until the rest has come, so that a value cannot pass in two halves. In the
/// binary format nobody says the fields' types: one in which something is found becomes NULL.
class CopyMasker {
 public:
  CopyMasker(mask::Masker& masker, Format format) : masker_(masker), format_(format) {}

  /// Appends CopyData messages with what was found replaced; may append nothing yet. Fails with
  /// too_large (a row above kMaxMessageBytes), malformed (of the binary format), and with what the
  /// masker fails with.
  Result<void> rewrite(const Frame& copy_data, Bytes& out, mask::HiddenCounts& counts);
  /// At CopyDone: what was held. Fails with malformed too: a binary COPY that ends inside a row.
  Result<void> finish(Bytes& out, mask::HiddenCounts& counts);

 private:
  Result<void> release(ByteSpan row, Bytes& out, mask::HiddenCounts& counts);
  Result<void> rewrite_binary(ByteSpan data, Bytes& out, mask::HiddenCounts& counts);
  Result<void> append_tuple(const BinaryCopyReader::Unit& tuple, Bytes& text,
                            mask::HiddenCounts& counts);
  mask::Masker& masker_;
  Format format_;
  Bytes held_;
  BinaryCopyReader binary_;
};

}  // namespace hoop::postgres
