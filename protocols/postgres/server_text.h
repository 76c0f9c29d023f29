// SPDX-License-Identifier: Apache-2.0
// What the target says besides rows: errors, notices, notifications and column names, cleaned
// before the program reads them.
#pragma once

#include "core/mask/masker.h"
#include "protocols/postgres/message_writer.h"

namespace hoop::postgres {

/// withhold: the statement refers to masked data, so the target's words may quote it (an UPDATE
/// that breaks a constraint prints the whole row); SQLSTATE and severity stay. scan: detectors read
/// every field.
enum class Wording { withhold, scan };

/// Borrows the masker. Every function takes one whole message and appends it as the program may see
/// it; fails with malformed and with what the masker fails with.
class ServerText {
 public:
  explicit ServerText(mask::Masker& masker) : masker_(masker) {}

  Result<void> append_error(const Frame& frame, Wording wording, Bytes& out,
                            mask::HiddenCounts& counts);
  Result<void> append_notice(const Frame& frame, Wording wording, Bytes& out,
                             mask::HiddenCounts& counts);
  Result<void> append_notification(const Frame& frame, Bytes& out, mask::HiddenCounts& counts);
  /// Column names: `select 1 as "4111 1111 1111 1111"` says what a value could.
  Result<void> append_row_description(const Frame& frame, const RowDescription& description,
                                      Bytes& out, mask::HiddenCounts& counts);

 private:
  using Append = void (*)(Bytes&, std::span<const ErrorField>);
  Result<void> append_fields(const Frame& frame, const ErrorFields& fields, Wording wording,
                             Append append, Bytes& out, mask::HiddenCounts& counts);
  mask::Masker& masker_;
};

}  // namespace hoop::postgres
