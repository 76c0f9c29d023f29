// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/copy_text.h"

#include <algorithm>
#include <array>
#include <utility>

namespace hoop::postgres {
namespace {

constexpr auto kControls = std::to_array<std::pair<char, char>>(
    {{'b', '\b'}, {'f', '\f'}, {'n', '\n'}, {'r', '\r'}, {'t', '\t'}, {'v', '\v'}});

/// What \c stands for. The server writes no octal and no hexadecimal escapes.
char unescaped(char letter) {
  const auto found = std::ranges::find(kControls, letter, &std::pair<char, char>::first);
  return found == kControls.end() ? letter : found->second;
}

}  // namespace

bool CopyRowEnd::feed(ByteSpan piece) {
  if (piece.empty()) return false;
  if (!format_.csv) return piece.back() == '\n';  // one in a value is \n
  for (const std::uint8_t byte : piece) {
    const char c = static_cast<char>(byte);
    if (escaped_) {
      escaped_ = false;
    } else if (quoted_ && c == format_.escape && format_.escape != format_.quote) {
      escaped_ = true;
    } else if (c == format_.quote) {
      quoted_ = !quoted_;  // a doubled one ends the quotes and begins them again
    }
  }
  return !quoted_ && piece.back() == '\n';
}

std::span<const std::string_view> CopyFields::split(std::string_view rows) {
  rows_ = rows;
  places_.clear();
  values_.clear();
  unescaped_.clear();
  // Unescaped values are no longer than the rows: what points into them stays good.
  if (format_.csv) {
    if (rows.find(format_.quote) == std::string_view::npos) {
      split_plain(rows);
    } else {
      unescaped_.reserve(rows.size());
      split_csv(rows);
    }
  } else if (rows.find('\\') == std::string_view::npos) {
    split_plain(rows);
  } else {
    unescaped_.reserve(rows.size());
    split_text(rows);
  }
  return values_;
}

void CopyFields::split_plain(std::string_view rows) {
  std::size_t begin = 0;
  do {
    const std::string_view so_far = rows.substr(0, rows.find('\n', begin));
    for (;;) {
      const std::size_t end = std::min(so_far.find(format_.delimiter, begin), so_far.size());
      places_.push_back({begin, end});
      values_.push_back(so_far.substr(begin, end - begin));
      begin = end + 1;
      if (end == so_far.size()) break;
    }
  } while (begin < rows.size());
}

bool CopyFields::is_null_at(std::string_view rows, std::size_t begin) const {
  const std::string_view rest = rows.substr(begin);
  if (!rest.starts_with(format_.null)) return false;
  if (rest.size() == format_.null.size()) return true;
  const char next = rest[format_.null.size()];
  return next == format_.delimiter || next == '\n';
}

void CopyFields::split_text(std::string_view rows) {
  std::size_t at = 0;
  for (;;) {
    const std::size_t begin = at;
    if (is_null_at(rows, begin)) {  // it is written as it is, backslashes and all
      at += format_.null.size();
      values_.push_back(rows.substr(begin, at - begin));
    } else {
      const std::size_t value = unescaped_.size();
      bool differs = false;
      for (; at < rows.size() && rows[at] != format_.delimiter && rows[at] != '\n'; ++at) {
        if (rows[at] == '\\' && at + 1 < rows.size()) {
          differs = true;
          unescaped_.push_back(unescaped(rows[++at]));
        } else {
          unescaped_.push_back(rows[at]);
        }
      }
      if (differs) {
        values_.push_back(std::string_view(unescaped_).substr(value));
      } else {
        unescaped_.resize(value);
        values_.push_back(rows.substr(begin, at - begin));
      }
    }
    places_.push_back({begin, at});
    if (at == rows.size()) return;
    if (rows[at++] == '\n' && at == rows.size()) return;
  }
}

void CopyFields::split_csv(std::string_view rows) {
  std::size_t at = 0;
  for (;;) {
    const std::size_t begin = at;
    const std::size_t value = unescaped_.size();
    bool quoted = false, had_quotes = false;
    for (; at < rows.size(); ++at) {
      const char c = rows[at];
      if (!quoted && (c == format_.delimiter || c == '\n')) break;
      const bool pair = quoted && c == format_.escape && at + 1 < rows.size() &&
                        (rows[at + 1] == format_.quote || rows[at + 1] == format_.escape);
      if (pair) {
        unescaped_.push_back(rows[++at]);
      } else if (c == format_.quote) {
        quoted = !quoted;
        had_quotes = true;
      } else {
        unescaped_.push_back(c);
      }
    }
    if (had_quotes) {
      values_.push_back(std::string_view(unescaped_).substr(value));
    } else {
      unescaped_.resize(value);
      values_.push_back(rows.substr(begin, at - begin));
    }
    places_.push_back({begin, at, had_quotes});
    if (at == rows.size()) return;
    if (rows[at++] == '\n' && at == rows.size()) return;
  }
}

void CopyFields::append_text(std::string_view value, std::string& out) const {
  for (const char c : value) {
    const auto control = std::ranges::find(kControls, c, &std::pair<char, char>::second);
    if (control != kControls.end()) {
      out.push_back('\\');
      out.push_back(control->first);
      continue;
    }
    if (c == format_.delimiter || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
}

void CopyFields::append_csv(std::string_view value, bool quoted, std::string& out) const {
  const auto needs_quotes = [this](char c) {
    return c == format_.delimiter || c == format_.quote || c == '\n' || c == '\r';
  };
  if (!quoted && value != format_.null && std::ranges::none_of(value, needs_quotes)) {
    out.append(value);
    return;
  }
  out.push_back(format_.quote);
  for (const char c : value) {
    if (c == format_.quote || c == format_.escape) out.push_back(format_.escape);
    out.push_back(c);
  }
  out.push_back(format_.quote);
}

void CopyFields::join(std::span<const std::optional<std::string>> rewritten,
                      std::string& out) const {
  std::size_t copied = 0;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (!rewritten[i]) continue;
    const Place& place = places_[i];
    out.append(rows_.substr(copied, place.begin - copied));
    if (format_.csv)
      append_csv(*rewritten[i], place.quoted, out);
    else
      append_text(*rewritten[i], out);
    copied = place.end;
  }
  out.append(rows_.substr(copied));
}

}  // namespace hoop::postgres
