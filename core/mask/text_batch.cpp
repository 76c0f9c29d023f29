// SPDX-License-Identifier: Apache-2.0
#include "core/mask/text_batch.h"

#include <algorithm>
#include <functional>

#include "core/mask/secret_names.h"

namespace hoop::mask {
namespace {

void append_text(Bytes& out, std::string_view text) {
  const ByteSpan bytes = as_bytes(text);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

std::size_t TextBatch::add_plain(Span place, std::string_view text) {
  const std::size_t number = texts_.size();
  const bool is_decoded = !text.empty() && text.data() == arena_.data() + decoded_at_;
  if (is_decoded) decoded_.push_back({number, {decoded_at_, decoded_at_ + text.size()}});
  places_.push_back(place);
  texts_.push_back(text);
  if (is_access_key_id(text)) {
    // Detectors would take the next text of the batch for what belongs to it: which one that is
    // depends on where the document was cut.
    places_.push_back(place);
    texts_.emplace_back();
  }
  return number;
}

void TextBatch::add(Span place, std::string_view text, std::string_view name) {
  const std::size_t number = add_plain(place, text);
  // Before the arena moves, in which text may stand.
  std::string access_key;
  if (texts_.size() > number + 1) access_key = text;
  const std::size_t begin = arena_.size();
  arena_.append(access_key_);
  if (!access_key_.empty() && !name.empty()) arena_.push_back(' ');
  arena_.append(name);
  if (arena_.size() > begin) names_.push_back({number, {begin, arena_.size()}});
  access_key_ = std::move(access_key);
}

Result<void> TextBatch::look(HiddenCounts& hidden) {
  changed_.clear();
  if (texts_.empty()) return {};
  const auto stored = [this](Span span) {
    return std::string_view(arena_).substr(span.begin, span.end - span.begin);
  };
  for (const auto& [number, span] : decoded_) texts_[number] = stored(span);
  namings_.clear();
  for (const auto& [number, span] : names_) namings_.push_back({number, stored(span)});
  HOOP_CHECK(masker_.rewrite(texts_, namings_, changed_, hidden));
  const std::size_t before = edits_.size();
  for (const Changed& changed : changed_) {
    std::string text;
    spell_(text, changed.now);
    edits_.push_back({places_[changed.text], std::move(text)});
  }
  if (before != 0 && before != edits_.size())
    std::ranges::sort(edits_, {}, [](const Edit& edit) { return edit.place.begin; });
  return {};
}

Result<void> TextBatch::release(std::string_view buffer, std::size_t count, Bytes& out,
                                HiddenCounts& hidden) {
  HiddenCounts found;
  const auto looked = look(found);
  if (looked) {
    hidden.add(found);
    std::size_t copied = 0;
    for (const Edit& edit : edits_) {
      append_text(out, buffer.substr(copied, edit.place.begin - copied));
      append_text(out, edit.text);
      copied = edit.place.end;
    }
    append_text(out, buffer.substr(copied, count - copied));
  }
  places_.clear();
  texts_.clear();
  edits_.clear();
  arena_.clear();
  decoded_at_ = 0;
  decoded_.clear();
  names_.clear();
  return looked;
}

bool TextBatch::has_changed(std::size_t number) const {
  return std::ranges::binary_search(changed_, number, {}, &Changed::text);
}

}  // namespace hoop::mask
