// SPDX-License-Identifier: Apache-2.0
// The texts of a document that detectors look at together, and what takes their places in it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/bytes.h"
#include "core/mask/masker.h"
#include "core/mask/span.h"

namespace hoop::mask {

/// Of one buffer of a document, which lives until release() and does not move; added from front to
/// back. Nothing is copied that need not change. What comes out is the same however the document's
/// texts are divided into batches.
class TextBatch {
 public:
  /// How a text is written in the document: in quotes in JSON, as a cell in CSV.
  using Spell = void (*)(std::string& out, std::string_view text);
  TextBatch(Masker& masker, Spell spell) : masker_(masker), spell_(spell) {}

  /// Where a text is decoded to that does not stand in the buffer as it is: appended to, between
  /// start_decoded() and add().
  std::string& start_decoded() {
    decoded_at_ = arena_.size();
    return arena_;
  }
  std::string_view decoded() const { return std::string_view(arena_).substr(decoded_at_); }

  /// Has detectors look at a value, and what they make of it written at place. text: in the buffer,
  /// or decoded(). name: see Naming; empty if it has none.
  void add(Span place, std::string_view text, std::string_view name);
  /// The same of what is no value by itself: a name, a number. Answers its number, for
  /// has_changed().
  std::size_t add_plain(Span place, std::string_view text);
  /// Has text written at place as it is.
  void replace(Span place, std::string text) { edits_.push_back({place, std::move(text)}); }

  /// Appends the first count bytes of buffer as they are to be. Fails closed: then nothing.
  Result<void> release(std::string_view buffer, std::size_t count, Bytes& out,
                       HiddenCounts& hidden);
  /// Of the texts of the last release().
  bool has_changed(std::size_t number) const;

 private:
  struct Edit {
    Span place;
    std::string text;
  };
  Result<void> look(HiddenCounts& hidden);

  Masker& masker_;
  Spell spell_;
  std::vector<Span> places_;
  std::vector<std::string_view> texts_;
  std::vector<Edit> edits_;
  std::string arena_;  // decoded texts and names; it moves as it grows
  std::size_t decoded_at_ = 0;
  std::vector<std::pair<std::size_t, Span>> decoded_;  // number of the text; in the arena
  std::vector<std::pair<std::size_t, Span>> names_;
  std::string access_key_;  // the value before, if it is the id of one
  std::vector<Naming> namings_;
  std::vector<Changed> changed_;
};

}  // namespace hoop::mask
