// SPDX-License-Identifier: Apache-2.0
// JSON that comes in pieces, rewritten: what masks do not change goes on as it is written.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/mask/field_matcher.h"
#include "core/mask/json_text.h"
#include "core/mask/member_names.h"
#include "core/mask/text_batch.h"

namespace hoop::mask {

/// Strict (RFC 8259): what it does not take, another reader might take for something else. Of two
/// members of one name each is masked.
class JsonStream {
 public:
  enum class Documents { one, a_line };
  /// masker and fields outlive it.
  JsonStream(Masker& masker, const FieldMatcher& fields, Documents documents);

  /// Appends what may go out: all but a scalar or a name that is not whole. Fails with malformed;
  /// too_large: one of these above 1 MiB, or more than 128 values in one another.
  Result<void> take(std::string_view piece, Bytes& out);
  /// No value at all is none that is malformed.
  Result<void> finish(Bytes& out);
  /// Another document comes, as if nothing had been before.
  void restart();

  const HiddenCounts& hidden() const { return hidden_; }
  /// Elements of arrays that stand in no other array; of documents a line, documents.
  std::uint64_t rows() const { return rows_; }

 private:
  enum class Expect { value, element_or_end, name, name_or_end, colon, comma_or_end, nothing };
  enum class Token { none, name, text, number, word };
  enum class Status { on, cut, malformed, too_large, too_deep };
  static constexpr std::size_t kMostDepth = 128;
  /// Of the value at a depth that is being read: 0 is the document.
  struct Level {
    bool is_followed = false;  // its states are not all 0: a mask may be for something in it
    bool is_array = false;
    std::optional<access::MaskStrategy> mask;
  };

  Result<void> take_part(std::string_view part, Bytes& out);
  Result<void> failure(Status status) const;
  Status consume(std::string_view text);
  Status step(std::string_view text);
  Status end_of_line();
  Status open(char c);
  Status close(char c);
  Status comma();
  Status begin_token(char c);
  Status go_on(std::string_view text);
  Status text_goes_on(std::string_view token);
  Status number_goes_on(std::string_view token);
  Status word_goes_on(std::string_view token);
  Status begin_value();
  void end_value() { expect_ = depth_ == 0 ? Expect::nothing : Expect::comma_or_end; }
  void end_token(std::string_view token, std::size_t size);
  void take_name(Span place, std::string_view name);
  void take_text(Span place, std::string_view text);
  void take_number(Span place, std::string_view text);
  void hide(Span place, std::string_view text);
  std::string_view decode(std::string_view token);
  void begin_document();
  void follow(std::uint32_t name_id);
  FieldMatcher::States states(std::size_t depth) {
    return FieldMatcher::States(states_).subspan(depth * fields_.words(), fields_.words());
  }

  Masker& masker_;
  const FieldMatcher& fields_;
  const Documents documents_;
  const bool has_detectors_;
  const std::size_t least_number_;  // what is shorter no detector can mean
  TextBatch batch_;
  MemberNames names_;
  std::string name_;  // of the value that comes, where it may say that it is a secret

  std::string held_;      // the token that is not whole
  std::size_t done_ = 0;  // of the text at hand: behind all that is whole
  std::uint64_t gone_ = 0;
  Token token_ = Token::none;
  StringScan string_;
  NumberPart number_ = NumberPart::begin;
  std::size_t number_at_ = 0;

  Expect expect_ = Expect::value;
  std::size_t depth_ = 0;   // containers that are open
  std::size_t arrays_ = 0;  // of them
  std::array<Level, kMostDepth + 1> levels_;
  std::vector<std::uint64_t> states_;  // of each level, where there are masks

  std::uint64_t rows_ = 0;
  HiddenCounts hidden_;
};

}  // namespace hoop::mask
