// SPDX-License-Identifier: Apache-2.0
#include "core/mask/events_stream.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/mask/span.h"

namespace hoop::mask {
namespace {

constexpr std::size_t kMostEvent = 1U << 20;
constexpr std::string_view kMark = "\xef\xbb\xbf";

std::size_t line_end(std::string_view text, std::size_t at) {
  return run_end(text, at, [](char c) { return c != '\r' && c != '\n'; });
}

void append_all(Bytes& out, std::string_view text) {
  const ByteSpan bytes = as_bytes(text);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

Error too_long() {
  return {ErrorCode::too_large,
          fmt::format("an event is longer than {} MiB", kMostEvent >> 20),
          {},
          {}};
}

}  // namespace

EventsStream::EventsStream(Masker& masker, const FieldMatcher& fields)
    : masker_(masker),
      has_fields_(!fields.empty()),
      json_(masker, fields, JsonStream::Documents::one) {}

Result<void> EventsStream::take(std::string_view piece, Bytes& out) {
  while (!piece.empty()) {
    if (after_cr_ && piece.front() == '\n') {
      after_cr_ = false;
      if (is_out_) {
        out.push_back('\n');
      } else {
        event_ += '\n';
      }
      piece.remove_prefix(1);
      continue;
    }
    after_cr_ = false;
    const std::size_t end = line_end(piece, 0);
    if (end == piece.size()) {
      line_.append(piece);
      break;
    }
    after_cr_ = piece[end] == '\r';
    const std::string_view ending = piece.substr(end, 1);
    if (line_.empty()) {
      HOOP_CHECK(end_line(piece.substr(0, end), ending, out));
    } else {
      line_.append(piece.substr(0, end));
      HOOP_CHECK(end_line(line_, ending, out));
      line_.clear();
    }
    piece.remove_prefix(end + 1);
  }
  if (event_.size() + line_.size() > kMostEvent) return std::unexpected(too_long());
  return {};
}

Result<void> EventsStream::end_line(std::string_view line, std::string_view ending, Bytes& out) {
  if (event_.size() + line.size() > kMostEvent) return std::unexpected(too_long());
  if (is_first_ && line.starts_with(kMark)) {
    append_all(out, kMark);
    line.remove_prefix(kMark.size());
  }
  is_first_ = false;
  is_out_ = line.empty() || line.front() == ':';
  if (!is_out_) {
    event_.append(line).append(ending);
    return {};
  }
  if (line.empty()) {
    HOOP_CHECK(release(out));
    if (has_data_) ++rows_;
    has_data_ = false;
  } else {
    HOOP_TRY(const std::string comment, masker_.rewrite_text(line, hidden_));
    append_all(out, comment);
  }
  append_all(out, ending);
  return {};
}

Result<void> EventsStream::flush(Bytes& out) {
  // Of a private key each line would be none.
  if (has_fields_ || event_.find("-----BEGIN ") != std::string::npos) return {};
  return release(out);
}

Result<void> EventsStream::finish(Bytes& out) {
  if (!line_.empty()) {
    const std::string last = std::move(line_);
    line_.clear();
    HOOP_CHECK(end_line(last, {}, out));
  }
  HOOP_CHECK(release(out));
  if (has_data_) ++rows_;
  has_data_ = false;
  return {};
}

void EventsStream::read_lines() {
  lines_.clear();
  const std::string_view text = event_;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = line_end(text, at);
    const std::size_t size = text.substr(end).starts_with("\r\n") ? 2 : end < text.size() ? 1 : 0;
    Line line{text.substr(at, end - at), text.substr(end, size), {}, false};
    const std::size_t colon = std::min(line.whole.find(':'), line.whole.size());
    line.is_data = line.whole.substr(0, colon) == "data";
    if (line.is_data && colon < line.whole.size()) line.data = line.whole.substr(colon + 1);
    if (line.data.starts_with(' ')) line.data.remove_prefix(1);
    lines_.push_back(line);
    at = end + size;
  }
}

/// Writes the event that is held as it is to be.
Result<void> EventsStream::release(Bytes& out) {
  if (event_.empty()) return {};
  read_lines();
  std::string joined;
  bool has_data = false;
  for (const Line& line : lines_) {
    if (!line.is_data) continue;
    if (has_data) joined += '\n';
    joined += line.data;
    has_data = true;
  }
  has_data_ = has_data_ || has_data;
  HOOP_TRY(const std::string data, rewrite_data(joined));
  HOOP_CHECK(rewrite_others());
  const bool stays = data == joined && std::ranges::none_of(rewritten_, [](const auto& other) {
                       return other.has_value();
                     });
  if (stays) {
    append_all(out, event_);
  } else {
    write(data, out);
  }
  event_.clear();
  return {};
}

Result<std::string> EventsStream::rewrite_data(std::string_view joined) {
  std::string out;
  HOOP_TRY(const bool is_json, rewrite_json(joined, out));
  if (is_json) return out;
  const auto is_structure = [](std::string_view line) {
    const auto first = line.find_first_not_of(" \t");
    return first != std::string_view::npos && (line[first] == '{' || line[first] == '[');
  };
  out.clear();
  bool any = false;
  for (std::size_t at = 0; at <= joined.size();) {
    const std::size_t end = std::min(joined.find('\n', at), joined.size());
    const std::string_view line = joined.substr(at, end - at);
    if (at > 0) out += '\n';
    const std::size_t before = out.size();
    bool is_document = false;
    if (is_structure(line)) {
      HOOP_TRY(is_document, rewrite_json(line, out));
    }
    if (!is_document) out.replace(before, std::string::npos, line);
    any = any || is_document;
    at = end + 1;
  }
  // With what JSON there was masked: whatever else stands there may go over several lines.
  return masker_.rewrite_text(any ? std::string_view(out) : joined, hidden_);
}

/// Appends the document as it is to be. False if it is none: then it is text, and what has been
/// appended is worth nothing.
Result<bool> EventsStream::rewrite_json(std::string_view text, std::string& out) {
  json_.restart();
  Bytes bytes;
  auto taken = json_.take(text, bytes);
  if (taken) taken = json_.finish(bytes);
  if (!taken && taken.error().code != ErrorCode::malformed)
    return std::unexpected(std::move(taken).error());
  if (!taken) return false;
  hidden_.add(json_.hidden());
  out.append(as_text(bytes));
  return true;
}

Result<void> EventsStream::rewrite_others() {
  others_.clear();
  for (const Line& line : lines_) {
    if (!line.is_data) others_.push_back(line.whole);
  }
  rewritten_.assign(others_.size(), std::nullopt);
  if (others_.empty()) return {};
  return masker_.rewrite(others_, rewritten_, hidden_);
}

/// All data where the first line of it stood.
void EventsStream::write(std::string_view data, Bytes& out) const {
  std::size_t other = 0;
  bool is_written = false;
  for (const Line& line : lines_) {
    if (!line.is_data) {
      append_all(out, rewritten_[other] ? std::string_view(*rewritten_[other]) : line.whole);
      append_all(out, line.ending);
      ++other;
      continue;
    }
    if (is_written) continue;
    is_written = true;
    // The one line that has no end is the last one of the event.
    const std::string_view between = line.ending.empty() ? std::string_view("\n") : line.ending;
    for (std::size_t at = 0; at <= data.size();) {
      const std::size_t end = std::min(data.find('\n', at), data.size());
      append_all(out, "data: ");
      append_all(out, data.substr(at, end - at));
      append_all(out, end == data.size() ? line.ending : between);
      at = end + 1;
    }
  }
}

}  // namespace hoop::mask
