// SPDX-License-Identifier: Apache-2.0
#include "core/mask/json_stream.h"

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/mask/strictness.h"

namespace hoop::mask {
namespace {

// design "Rules", 6: what is held back of a stranger's bytes has a cap. A page of text is a
// hundredth of it; of a file in base64 it would be most of a picture.
constexpr std::size_t kMostScalar = 1U << 20;
// What detectors look at together: fits the second-level cache.
constexpr std::size_t kPart = 128U << 10;
// Of the detectors of our own only cards can be a number.
constexpr std::size_t kLeastCard = 12;

void spell_string(std::string& out, std::string_view text) { append_json_string(out, text); }

std::string_view word_of(char c) { return c == 't' ? "true" : c == 'f' ? "false" : "null"; }

}  // namespace

JsonStream::JsonStream(Masker& masker, const FieldMatcher& fields, Documents documents)
    : masker_(masker),
      fields_(fields),
      documents_(documents),
      has_detectors_(masker.has_detectors()),
      least_number_(masker.own_patterns().empty() ? kLeastCard : 1),
      batch_(masker, &spell_string),
      names_(fields),
      states_(fields.words() * (kMostDepth + 1)) {
  begin_document();
}

void JsonStream::begin_document() {
  expect_ = Expect::value;
  levels_[0] = {};
  if (fields_.empty()) return;
  fields_.document(states(0));
  levels_[0].is_followed = true;
  levels_[0].mask = fields_.strategy(states(0));
}

void JsonStream::restart() {
  held_.clear();
  gone_ = 0;
  token_ = Token::none;
  depth_ = arrays_ = 0;
  name_.clear();
  rows_ = 0;
  hidden_ = {};
  begin_document();
}

Result<void> JsonStream::take(std::string_view piece, Bytes& out) {
  for (; piece.size() > kPart; piece.remove_prefix(kPart))
    HOOP_CHECK(take_part(piece.substr(0, kPart), out));
  return take_part(piece, out);
}

Result<void> JsonStream::take_part(std::string_view part, Bytes& out) {
  const bool is_held = !held_.empty();
  if (is_held) held_.append(part);
  const std::string_view text = is_held ? std::string_view(held_) : part;
  const Status status = consume(text);
  HOOP_CHECK(batch_.release(text, done_, out, hidden_));
  names_.learn(batch_);
  gone_ += done_;
  if (status != Status::on && status != Status::cut) return failure(status);
  if (is_held) {
    held_.erase(0, done_);
  } else {
    held_.assign(part.substr(done_));
  }
  return {};
}

Result<void> JsonStream::failure(Status status) const {
  switch (status) {
    case Status::too_large:
      return fail(ErrorCode::too_large,
                  fmt::format("a value or a name of the JSON at byte {} is longer than {} MiB",
                              gone_, kMostScalar >> 20));
    case Status::too_deep:
      return fail(ErrorCode::too_large,
                  fmt::format("the JSON at byte {} is nested deeper than {}", gone_, kMostDepth));
    case Status::on:
    case Status::cut:
    case Status::malformed: break;
  }
  return fail(ErrorCode::malformed, fmt::format("what stands at byte {} is not JSON", gone_));
}

Result<void> JsonStream::finish(Bytes& out) {
  if (token_ == Token::number && ends_number(number_)) {
    done_ = 0;
    end_token(held_, held_.size());
    HOOP_CHECK(batch_.release(held_, done_, out, hidden_));
    gone_ += done_;
  }
  const bool is_whole = expect_ == Expect::nothing || (expect_ == Expect::value && depth_ == 0);
  if (token_ == Token::none && is_whole) return {};
  return fail(ErrorCode::malformed, fmt::format("the JSON breaks off at byte {}", gone_));
}

JsonStream::Status JsonStream::consume(std::string_view text) {
  done_ = 0;
  Status status = token_ == Token::none || text.empty() ? Status::on : go_on(text);
  while (status == Status::on && done_ < text.size()) status = step(text);
  return status;
}

JsonStream::Status JsonStream::step(std::string_view text) {
  const char c = text[done_];
  Status status = Status::on;
  switch (c) {
    case ' ':
    case '\t':
    case '\r': break;
    case '\n': status = end_of_line(); break;
    case '{':
    case '[': status = open(c); break;
    case '}':
    case ']': status = close(c); break;
    case ',': status = comma(); break;
    case ':':
      status = expect_ == Expect::colon ? Status::on : Status::malformed;
      expect_ = Expect::value;
      break;
    default: status = begin_token(c); return status == Status::on ? go_on(text) : status;
  }
  if (status == Status::on) ++done_;
  return status;
}

JsonStream::Status JsonStream::end_of_line() {
  if (documents_ == Documents::one) return Status::on;
  if (expect_ == Expect::nothing) {
    begin_document();
    return Status::on;
  }
  return expect_ == Expect::value && depth_ == 0 ? Status::on : Status::malformed;
}

JsonStream::Status JsonStream::begin_value() {
  if (expect_ != Expect::value && expect_ != Expect::element_or_end) return Status::malformed;
  const bool is_row =
      documents_ == Documents::a_line ? depth_ == 0 : arrays_ == 1 && levels_[depth_ - 1].is_array;
  if (is_row) ++rows_;
  return Status::on;
}

JsonStream::Status JsonStream::open(char c) {
  if (begin_value() != Status::on) return Status::malformed;
  if (depth_ == kMostDepth) return Status::too_deep;
  const bool is_array = c == '[';
  levels_[depth_++].is_array = is_array;
  if (!is_array) {
    expect_ = Expect::name_or_end;
    return Status::on;
  }
  ++arrays_;
  follow(FieldMatcher::kUnnamed);
  expect_ = Expect::element_or_end;
  return Status::on;
}

JsonStream::Status JsonStream::close(char c) {
  if (depth_ == 0) return Status::malformed;
  const bool is_array = levels_[depth_ - 1].is_array;
  const bool may_end = expect_ == Expect::comma_or_end ||
                       expect_ == (is_array ? Expect::element_or_end : Expect::name_or_end);
  if (!may_end || is_array != (c == ']')) return Status::malformed;
  --depth_;
  if (is_array) --arrays_;
  name_.clear();
  end_value();
  return Status::on;
}

JsonStream::Status JsonStream::comma() {
  if (expect_ != Expect::comma_or_end) return Status::malformed;
  expect_ = levels_[depth_ - 1].is_array ? Expect::value : Expect::name;
  return Status::on;
}

JsonStream::Status JsonStream::begin_token(char c) {
  string_ = {1, false};
  if (c == '"' && (expect_ == Expect::name || expect_ == Expect::name_or_end)) {
    token_ = Token::name;
    return Status::on;
  }
  if (c == '"') {
    token_ = Token::text;
  } else if (c == '-' || is_digit(c)) {
    token_ = Token::number;
    number_ = NumberPart::begin;
    number_at_ = 0;
  } else if (c == 't' || c == 'f' || c == 'n') {
    token_ = Token::word;
  } else {
    return Status::malformed;
  }
  return begin_value();
}

/// With the token that begins at done_.
JsonStream::Status JsonStream::go_on(std::string_view text) {
  const std::string_view token = text.substr(done_);
  Status status = Status::on;
  switch (token_) {
    case Token::none: return Status::on;
    case Token::name:
    case Token::text: status = text_goes_on(token); break;
    case Token::number: status = number_goes_on(token); break;
    case Token::word: status = word_goes_on(token); break;
  }
  if (status == Status::cut && token.size() > kMostScalar) return Status::too_large;
  return status;
}

JsonStream::Status JsonStream::text_goes_on(std::string_view token) {
  switch (scan_string(token, string_)) {
    case StringScan::Is::open: return Status::cut;
    case StringScan::Is::malformed: return Status::malformed;
    case StringScan::Is::closed: break;
  }
  if (string_.at > kMostScalar) return Status::too_large;
  end_token(token, string_.at);
  return Status::on;
}

JsonStream::Status JsonStream::number_goes_on(std::string_view token) {
  for (; number_at_ < token.size(); ++number_at_) {
    const NumberPart next = next_part(number_, token[number_at_]);
    if (next == NumberPart::stop) break;
    number_ = next;
  }
  if (number_at_ == token.size()) return Status::cut;
  if (!ends_number(number_)) return Status::malformed;
  if (number_at_ > kMostScalar) return Status::too_large;
  end_token(token, number_at_);
  return Status::on;
}

JsonStream::Status JsonStream::word_goes_on(std::string_view token) {
  const std::string_view word = word_of(token.front());
  if (token.size() < word.size()) return word.starts_with(token) ? Status::cut : Status::malformed;
  if (!token.starts_with(word)) return Status::malformed;
  end_token(token, word.size());
  return Status::on;
}

/// The token has size bytes, and is whole.
void JsonStream::end_token(std::string_view token, std::size_t size) {
  const Span place{done_, done_ + size};
  const std::string_view whole = token.substr(0, size);
  done_ += size;
  switch (std::exchange(token_, Token::none)) {
    case Token::none: return;
    case Token::name: return take_name(place, decode(whole));
    case Token::text: take_text(place, decode(whole)); break;
    case Token::number: take_number(place, whole); break;
    case Token::word:
      if (levels_[depth_].mask && whole != "null") hide(place, whole);
      break;
  }
  end_value();
}

std::string_view JsonStream::decode(std::string_view token) {
  const std::string_view inside = token.substr(1, token.size() - 2);
  if (!string_.is_escaped) return inside;
  decode_string(inside, batch_.start_decoded());
  return batch_.decoded();
}

/// What masks say of the value that comes, in the container at hand.
void JsonStream::follow(std::uint32_t name_id) {
  const Level& parent = levels_[depth_ - 1];
  Level& child = levels_[depth_];
  child.mask = parent.mask;
  child.is_followed = false;
  if (!parent.is_followed) return;
  fields_.member(states(depth_ - 1), name_id, states(depth_));
  child.is_followed = FieldMatcher::goes_on(states(depth_));
  child.mask = stricter(parent.mask, fields_.strategy(states(depth_)));
}

void JsonStream::take_name(Span place, std::string_view name) {
  expect_ = Expect::colon;
  name_.clear();
  if (!has_detectors_ && !levels_[depth_ - 1].is_followed) return follow(FieldMatcher::kUnnamed);
  const MemberNames::Facts& facts = names_.of(name);
  follow(facts.field_id);
  if (!has_detectors_) return;
  if (facts.may_name_secret) name_ = name;
  if (!facts.is_clean) names_.is_looked_at(batch_.add_plain(place, name));
}

void JsonStream::take_text(Span place, std::string_view text) {
  if (levels_[depth_].mask) {
    hide(place, text);
  } else if (has_detectors_) {
    batch_.add(place, text, name_);
  }
}

void JsonStream::take_number(Span place, std::string_view text) {
  if (levels_[depth_].mask) return hide(place, text);
  // What is found in it is a string then, in which the sign has no meaning.
  if (has_detectors_ && text.size() >= least_number_)
    batch_.add_plain(place, text.substr(text.front() == '-' ? 1 : 0));
}

void JsonStream::hide(Span place, std::string_view text) {
  ++hidden_.columns;
  std::string hidden;
  if (const auto shown = masker_.masked(*levels_[depth_].mask, text)) {
    spell_string(hidden, *shown);
  } else {
    hidden = "null";
  }
  batch_.replace(place, std::move(hidden));
}

}  // namespace hoop::mask
