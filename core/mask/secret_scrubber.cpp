// SPDX-License-Identifier: Apache-2.0
#include "core/mask/secret_scrubber.h"

#include <string.h>  // memmem is not in <cstring>

#include <algorithm>

#include <fmt/format.h>

#include "core/base/encoding.h"

namespace hoop::mask {
namespace {

constexpr std::size_t kShortest = 6;

/// The characters of base64 that say nothing of what stands before and behind a secret, if so many
/// bytes do before it, modulo three.
std::string base64_at(std::string_view secret, std::size_t offset, bool is_url) {
  std::string before(offset, '\0');
  before.reserve(offset + secret.size());
  before.append(secret);
  const SecretText padded(std::move(before));
  const ByteSpan bytes = as_bytes(padded.reveal());
  std::string text = is_url ? to_base64url(bytes) : to_base64(bytes);
  const std::size_t begin = (offset * 8 + 5) / 6;
  const std::size_t end = bytes.size() * 8 / 6;
  text.resize(end);
  wipe(text.data(), begin);
  text.erase(0, begin);
  return text;
}

enum class Hex { upper, lower };
enum class Blank { encoded, plus };

/// kept: what stands for itself, besides letters and digits.
std::string percent_encoded(std::string_view secret, std::string_view kept, Blank blank, Hex hex) {
  std::string out;
  out.reserve(secret.size() * 3);
  for (const char c : secret) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_alnum(c) || kept.find(c) != std::string_view::npos) {
      out += c;
    } else if (c == ' ' && blank == Blank::plus) {
      out += '+';
    } else if (hex == Hex::upper) {
      fmt::format_to(std::back_inserter(out), "%{:02X}", byte);
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02x}", byte);
    }
  }
  return out;
}

/// In what writers of JSON differ.
struct JsonHabits {
  bool slash = false;     // "\/"
  bool html = false;      // < > & as \u00XX
  bool controls = false;  // line ends and tabs as \u00XX
  bool ascii = false;     // whatever is beyond ASCII as \uXXXX
  Hex hex = Hex::lower;
};

void append_unit(std::string& out, unsigned unit, Hex hex) {
  if (hex == Hex::upper) {
    fmt::format_to(std::back_inserter(out), "\\u{:04X}", unit);
  } else {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", unit);
  }
}

/// The UTF-8 character at at, in UTF-16; answers its bytes.
std::size_t append_units(std::string& out, std::string_view text, std::size_t at, Hex hex) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const std::size_t count = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  unsigned point = byte(0) & (0xffU >> (count + 1));
  for (std::size_t i = 1; i < count; ++i) point = point << 6 | (byte(i) & 0x3fU);
  if (point >= 0x10000) {
    append_unit(out, 0xd800 + ((point - 0x10000) >> 10), hex);
    point = 0xdc00 + ((point - 0x10000) & 0x3ff);
  }
  append_unit(out, point, hex);
  return count;
}

std::string json_escaped(std::string_view secret, JsonHabits habits) {
  constexpr std::string_view kMeant = "\b\f\n\r\t", kKinds = "bfnrt";
  const bool is_text = is_utf8(secret);
  std::string out;
  out.reserve(secret.size() * 6);
  for (std::size_t at = 0; at < secret.size();) {
    const char c = secret[at];
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 && habits.ascii && is_text) {
      at += append_units(out, secret, at, habits.hex);
      continue;
    }
    ++at;
    const auto kind = kMeant.find(c);
    const bool is_html = habits.html && (c == '<' || c == '>' || c == '&');
    if (c == '"' || c == '\\' || (c == '/' && habits.slash)) {
      out += '\\';
      out += c;
    } else if (kind != std::string_view::npos && !habits.controls) {
      out += '\\';
      out += kKinds[kind];
    } else if (byte < 0x20 || is_html) {
      append_unit(out, byte, habits.hex);
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

void KnownSecrets::add(const SecretText& secret) {
  const std::string_view text = secret.reveal();
  if (text.size() < kShortest) return;
  add_needle(std::string(text));
  for (const std::size_t offset : {0U, 1U, 2U}) {
    for (const bool is_url : {false, true}) add_needle(base64_at(text, offset, is_url));
  }
  for (const Hex hex : {Hex::upper, Hex::lower}) {
    // As RFC 3986 has it, a browser's encodeURIComponent and encodeURI, and forms.
    for (const std::string_view kept : {"-._~", "-._~!*'()", "-._~!*'();,/?:@&=+$#"})
      add_needle(percent_encoded(text, kept, Blank::encoded, hex));
    add_needle(percent_encoded(text, "-._*", Blank::plus, hex));
  }
  for (unsigned habits = 0; habits < 32; ++habits) {
    const auto has = [&](unsigned bit) { return (habits >> bit & 1) != 0; };
    add_needle(
        json_escaped(text, {has(0), has(1), has(2), has(3), has(4) ? Hex::upper : Hex::lower}));
  }
}

void KnownSecrets::add_needle(std::string needle) {
  SecretText kept(std::move(needle));
  const std::string& text = kept.reveal();
  const bool is_known = std::ranges::any_of(
      needles_, [&](const SecretText& known) { return known.reveal() == text; });
  if (is_known || text.size() < kShortest) return;
  longest_ = std::max(longest_, text.size());
  needles_.push_back(std::move(kept));
}

void KnownSecrets::find(ByteSpan bytes, std::vector<Span>& found) const {
  for (const SecretText& secret : needles_) {
    const std::string& needle = secret.reveal();
    for (std::size_t from = 0; from < bytes.size();) {
      const void* at =
          ::memmem(bytes.data() + from, bytes.size() - from, needle.data(), needle.size());
      if (at == nullptr) break;
      const auto begin =
          static_cast<std::size_t>(static_cast<const std::uint8_t*>(at) - bytes.data());
      found.push_back({begin, begin + needle.size()});
      from = begin + 1;
    }
  }
}

std::size_t KnownSecrets::open_begin(ByteSpan bytes) const {
  const std::string_view text = as_text(bytes);
  std::size_t first = text.size();
  for (const SecretText& secret : needles_) {
    const std::string_view needle = secret.reveal();
    std::size_t at = text.size() - std::min(text.size(), needle.size() - 1);
    for (at = text.find(needle.front(), at); at < first; at = text.find(needle.front(), at + 1)) {
      if (needle.starts_with(text.substr(at))) first = at;
    }
  }
  return first;
}

std::size_t KnownSecrets::scrub(MutableByteSpan bytes) const {
  std::vector<Span> found;
  find(bytes, found);
  for (const Span& span : found)
    std::ranges::fill(bytes.subspan(span.begin, span.end - span.begin), std::uint8_t{'*'});
  return found.size();
}

void SecretScrubber::take(ByteSpan piece, Bytes& out) {
  if (secrets_.empty()) {
    out.insert(out.end(), piece.begin(), piece.end());
    return;
  }
  const std::size_t known = held_.size();
  const bool is_held = known != 0;
  if (is_held) held_.insert(held_.end(), piece.begin(), piece.end());
  const ByteSpan text = is_held ? ByteSpan(held_) : piece;
  spans_.clear();
  secrets_.find(text, spans_);
  found_ += static_cast<std::size_t>(
      std::ranges::count_if(spans_, [&](const Span& span) { return span.end > known; }));
  const std::size_t open = secrets_.open_begin(text);
  const std::size_t out_at = out.size();
  out.insert(out.end(), text.begin(), text.begin() + static_cast<std::ptrdiff_t>(open));
  std::size_t covered = covered_;
  std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(out_at), std::min(covered, open),
              std::uint8_t{'*'});
  for (const Span& span : spans_) {
    if (span.begin >= open) continue;  // it will be found again
    covered = std::max(covered, span.end);
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(out_at + span.begin),
              out.begin() + static_cast<std::ptrdiff_t>(out_at + std::min(span.end, open)),
              std::uint8_t{'*'});
  }
  covered_ = covered > open ? covered - open : 0;
  Bytes rest(text.begin() + static_cast<std::ptrdiff_t>(open), text.end());
  held_ = std::move(rest);
}

void SecretScrubber::finish(Bytes& out) {
  secrets_.scrub(held_);  // they are counted
  std::fill_n(held_.begin(), covered_, std::uint8_t{'*'});
  out.insert(out.end(), held_.begin(), held_.end());
  held_.clear();
  covered_ = 0;
}

}  // namespace hoop::mask
