// SPDX-License-Identifier: Apache-2.0
// Bodies through a BodyMasker, whole and in pieces.
#pragma once

#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/mask/body_masker.h"
#include "tests/support/catch.h"

namespace hoop::test {

/// What came out of a body.
struct MaskedBody {
  std::string text;
  std::optional<ErrorCode> failure;
  mask::HiddenCounts hidden;
  std::uint64_t rows = 0;

  bool operator==(const MaskedBody& other) const {
    return text == other.text && failure == other.failure &&
           hidden.detected == other.hidden.detected && hidden.columns == other.hidden.columns &&
           hidden.own == other.hidden.own && rows == other.rows;
  }
};

/// The masks of a session, and bodies under them.
class BodyMasks {
 public:
  explicit BodyMasks(std::vector<access::Mask> masks)
      : masker_(make(masks)), fields_(make_fields(masks)) {}

  static access::Mask fields(std::vector<std::string> paths,
                             access::MaskStrategy with = access::MaskStrategy::redact) {
    access::Mask mask;
    mask.name = "fields";
    mask.fields = std::move(paths);
    mask.with = with;
    return mask;
  }
  static access::Mask detectors(std::vector<std::string> names,
                                access::MaskStrategy with = access::MaskStrategy::redact) {
    access::Mask mask;
    mask.name = "detectors";
    mask.detectors = std::move(names);
    mask.with = with;
    return mask;
  }

  mask::BodyMasker body(mask::BodyForm form) { return {masker_, fields_, form}; }
  mask::Masker& masker() { return masker_; }

  /// In pieces, of which next answers the size.
  template <class Next>
  MaskedBody cut(mask::BodyForm form, std::string_view text, Next next) {
    mask::BodyMasker masked = body(form);
    Bytes out;
    Result<void> done;
    while (done && !text.empty()) {
      const std::size_t size = std::min<std::size_t>(next(), text.size());
      // In memory of its own, so that sanitizers see who reads behind it.
      const Bytes piece = to_bytes(text.substr(0, size));
      done = masked.take(piece, out);
      text.remove_prefix(size);
    }
    if (done) done = masked.finish(out);
    MaskedBody result;
    result.text = to_text(out);
    if (!done) {
      result.failure = done.error().code;
      CHECK_FALSE(masked.take(as_bytes("x"), out));
      CHECK_FALSE(masked.finish(out));
      CHECK(to_text(out) == result.text);
    }
    result.hidden = masked.hidden();
    result.rows = masked.rows();
    return result;
  }
  MaskedBody whole(mask::BodyForm form, std::string_view text) {
    return cut(form, text, [&] { return text.size(); });
  }

  /// The same however it is cut; answers it.
  MaskedBody however_cut(mask::BodyForm form, std::string_view text) {
    const MaskedBody one = whole(form, text);
    INFO(text.substr(0, 2000));
    const MaskedBody bytes = cut(form, text, [] { return 1; });
    CHECK(bytes.text == one.text);
    CHECK(bytes == one);
    std::mt19937 random(text.size());
    for (int round = 0; round < 20; ++round) {
      const MaskedBody pieces = cut(form, text, [&] { return 1 + random() % 40; });
      CHECK(pieces.text == one.text);
      CHECK(pieces == one);
    }
    return one;
  }

 private:
  static mask::Masker make(const std::vector<access::Mask>& masks) {
    auto masker = mask::Masker::create(masks, SecretBytes(Bytes(32, 7)));
    REQUIRE(masker);
    return std::move(*masker);
  }
  static mask::FieldMasks make_fields(const std::vector<access::Mask>& masks) {
    auto fields = mask::FieldMasks::create(masks);
    REQUIRE(fields);
    return std::move(*fields);
  }
  mask::Masker masker_;
  mask::FieldMasks fields_;
};

}  // namespace hoop::test
