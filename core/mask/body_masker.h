// SPDX-License-Identifier: Apache-2.0
// Masks over documents that come in pieces: values by their place, and what detectors find in any
// of them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/bytes.h"
#include "core/mask/masker.h"

namespace hoop::mask {

class FieldMatcher;  // core/mask/field_matcher.h

/// The places of values that masks name: see core/access/field_path.h. A mask of an object or an
/// array is one of every scalar in it. Where several masks are about a value, the strictest counts.
/// Immutable, shared by the bodies of a session.
class FieldMasks {
 public:
  /// Fails with config for a path that is none.
  static Result<FieldMasks> create(const std::vector<access::Mask>& masks);
  ~FieldMasks();
  FieldMasks(FieldMasks&&) noexcept;
  FieldMasks& operator=(FieldMasks&&) noexcept;
  bool empty() const;

 private:
  friend class BodyMasker;
  explicit FieldMasks(std::shared_ptr<const FieldMatcher> matcher);
  std::shared_ptr<const FieldMatcher> matcher_;
};

enum class BodyForm {
  json,        // one value
  json_lines,  // one a line (NDJSON); masks see each as a document of its own
  csv,         // RFC 4180 with a header line: an array of objects, "$[*].email"
  events,      // text/event-stream: data that is JSON, as such; all else as text
  text,        // detectors only
};

/// One body. What it has not seen whole (a value, a line) is held back, up to a cap. However the
/// body is cut, the same comes out of it; but for text with lines above 16 KiB, and for flush().
class BodyMasker {
 public:
  /// masker outlives it.
  BodyMasker(Masker& masker, const FieldMasks& fields, BodyForm form);
  ~BodyMasker();
  BodyMasker(BodyMasker&&) noexcept;

  /// Appends to out what may go out now. Fails with malformed (it is not of its form), too_large (a
  /// value or a line is longer than can be held); what was appended until then may go out, and
  /// every further call fails likewise.
  Result<void> take(ByteSpan piece, Bytes& out);
  /// After a moment of silence: what of a text or of events somebody may be waiting for.
  Result<void> flush(Bytes& out);
  /// The end. Fails with malformed if it is not one; no byte at all is a body of any form.
  Result<void> finish(Bytes& out);

  /// Values masked by their place count as columns.
  const HiddenCounts& hidden() const;
  /// What limits count as rows so far: elements of arrays that stand in no other array, lines of
  /// json_lines, records of csv, events.
  std::uint64_t rows() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hoop::mask
