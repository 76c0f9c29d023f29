// SPDX-License-Identifier: Apache-2.0
// COPY … TO STDOUT: CopyData put together to rows again, their fields unescaped and scanned by the
// detectors.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/mask/masker.h"
#include "protocols/postgres/binary_copy.h"
#include "protocols/postgres/copy_text.h"
#include "protocols/postgres/messages.h"

namespace hoop::postgres {

/// One a COPY. The server sends a CopyData a row, but nothing obliges it to: what does not end with
/// a row is held until the rest has come, so that a value cannot pass in two halves. In the binary
/// format nobody says the fields' types: one in which something is found becomes NULL.
class CopyMasker {
 public:
  /// text says how rows are written that are not binary.
  CopyMasker(mask::Masker& masker, Format format, std::shared_ptr<const CopyText> text)
      : masker_(masker),
        format_(format),
        text_(std::move(text)),
        row_end_(*text_),
        fields_(*text_) {}

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
  std::shared_ptr<const CopyText> text_;
  CopyRowEnd row_end_;
  CopyFields fields_;
  std::vector<std::optional<std::string>> rewritten_;  // room of the row before
  Bytes held_;
  BinaryCopyReader binary_;
};

}  // namespace hoop::postgres
