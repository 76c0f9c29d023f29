// SPDX-License-Identifier: Apache-2.0
#include "core/mask/stream_masker.h"

#include <algorithm>

#include "core/mask/span.h"

namespace hoop::mask {
namespace {

// A line longer than this goes out before its end, but for its last part, which is longer than
// anything that a detector looks for, keys aside.
constexpr std::size_t kMostHeld = std::size_t{16} << 10;
constexpr std::size_t kKeptBack = std::size_t{4} << 10;

// Of a private key: one of 16,384 bits has 13 KiB.
constexpr std::size_t kMostKey = std::size_t{32} << 10;
constexpr std::string_view kKeyBegins = "-----BEGIN ";
constexpr std::string_view kKeyEnds = "-----END ";

/// Where a private key has begun whose last line is not there yet; else the end.
std::size_t open_key(std::string_view held) {
  const std::size_t begins = held.rfind(kKeyBegins);
  if (begins == std::string_view::npos || held.size() - begins > kMostKey) return held.size();
  const std::size_t ends = held.find(kKeyEnds, begins);
  const bool is_whole =
      ends != std::string_view::npos && held.find_first_of("\n\r", ends) != std::string_view::npos;
  return is_whole ? held.size() : begins;
}

/// The beginning of a key may itself be cut.
std::size_t partial_key(std::string_view held) {
  const std::size_t dashes = held.find_last_of('\n');
  const std::size_t line = dashes == std::string_view::npos ? 0 : dashes + 1;
  const std::string_view last = held.substr(line);
  return !last.empty() && kKeyBegins.starts_with(last) ? line : held.size();
}

/// Up to where it can be cut: behind the last end of line; else, when too much is held, before the
/// last part, between two characters and two escape sequences.
std::size_t cut_of(std::string_view held) {
  const std::size_t most = open_key(held);
  const std::size_t end = held.substr(0, most).find_last_of("\n\r");
  if (most < held.size() || held.size() <= kMostHeld ||
      (end != std::string_view::npos && held.size() - end <= kMostHeld))
    return most < held.size() ? most : end == std::string_view::npos ? 0 : end + 1;
  std::size_t at = held.size() - kKeptBack;
  if (const std::size_t escape = held.rfind('\x1b', at);
      escape != std::string_view::npos && at - escape < 64)
    at = escape;
  while (at > 0 && continues_character(held[at])) --at;
  return at;
}

}  // namespace

Result<Bytes> StreamMasker::rewrite(std::size_t count) {
  if (count == 0) return Bytes();
  HOOP_TRY(const std::string text,
           masker_.rewrite_text(std::string_view(held_).substr(0, count), hidden_));
  held_.erase(0, count);
  return to_bytes(text);
}

Result<Bytes> StreamMasker::take(ByteSpan piece) {
  if (!masker_.has_detectors()) return Bytes(piece.begin(), piece.end());
  held_.append(as_text(piece));
  return rewrite(cut_of(held_));
}

bool StreamMasker::holds() const {
  return !held_.empty() && std::min(open_key(held_), partial_key(held_)) > 0;
}

Result<Bytes> StreamMasker::flush() {
  return rewrite(std::min(open_key(held_), partial_key(held_)));
}

}  // namespace hoop::mask
