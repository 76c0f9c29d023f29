// SPDX-License-Identifier: Apache-2.0
// Bodies whose first byte says their form and the masks, and whose second how they are cut. However
// that is, the same comes out; what is JSON stays JSON, and is what masks make of it value by
// value; what a mask hides is nowhere in it.
#include <cstdlib>
#include <optional>
#include <random>
#include <string>

#include <nlohmann/json.hpp>

#include "core/mask/body_masker.h"

using namespace hoop;
using namespace hoop::mask;

namespace {

using Json = nlohmann::json;

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr std::string_view kPlanted = "k7Qz-planted-9Xw2";

struct Masked {
  std::string text;
  std::optional<ErrorCode> failure;
  std::uint64_t hidden = 0;
  std::uint64_t rows = 0;
  bool operator==(const Masked&) const = default;
};

class Masks {
 public:
  explicit Masks(const std::vector<access::Mask>& masks)
      : masker_(*Masker::create(masks, SecretBytes(Bytes(32, 1)))),
        fields_(*FieldMasks::create(masks)) {}

  template <class Next>
  Masked cut(BodyForm form, std::string_view text, Next next) {
    BodyMasker body(masker_, fields_, form);
    Bytes out;
    Result<void> done;
    while (done && !text.empty()) {
      const std::size_t size = std::min<std::size_t>(next(), text.size());
      const Bytes piece = to_bytes(text.substr(0, size));
      done = body.take(piece, out);
      text.remove_prefix(size);
    }
    if (done) done = body.finish(out);
    Masked result{to_text(out), std::nullopt, body.hidden().total(), body.rows()};
    if (!done) result.failure = done.error().code;
    return result;
  }
  Masked whole(BodyForm form, std::string_view text) {
    return cut(form, text, [&] { return text.size(); });
  }

 private:
  Masker masker_;
  FieldMasks fields_;
};

access::Mask field_mask() {
  access::Mask mask;
  mask.fields = {"$..ssn", "$.a.b", "$[*].c"};
  return mask;
}

access::Mask detector_mask() {
  access::Mask mask;
  mask.detectors = {"all"};
  return mask;
}

Masks& masks_of(unsigned which) {
  static Masks all[] = {Masks({}), Masks({field_mask()}), Masks({detector_mask()}),
                        Masks({field_mask(), detector_mask()})};
  return all[which % 4];
}

void hide(Json& value) {
  if (value.is_structured()) {
    for (Json& child : value) hide(child);
  } else if (!value.is_null()) {
    value = "[redacted]";
  }
}

/// The masks of field_mask(), on a tree.
void hide_ssn(Json& value) {
  if (!value.is_structured()) return;
  if (value.is_object() && value.contains("ssn")) hide(value["ssn"]);
  for (Json& child : value) hide_ssn(child);
}

void hide_fields(Json& document) {
  hide_ssn(document);
  if (document.is_object() && document.contains("a") && document["a"].is_object() &&
      document["a"].contains("b"))
    hide(document["a"]["b"]);
  if (!document.is_structured()) return;
  for (Json& child : document) {
    if (child.is_object() && child.contains("c")) hide(child["c"]);
  }
}

std::optional<Json> parsed(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;  // it would end there
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

/// nlohmann::json refuses numbers beyond a double and halves of a surrogate pair, which are JSON.
bool differs(std::string_view text) {
  if (text.size() > 300 || text.find("\\u") != std::string_view::npos) return true;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if ((text[i] == 'e' || text[i] == 'E') && text[i - 1] >= '0' && text[i - 1] <= '9') return true;
  }
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

void check_json(std::string_view text) {
  const auto tree = parsed(text);
  for (unsigned which = 0; which < 4; ++which) {
    const Masked masked = masks_of(which).whole(BodyForm::json, text);
    if (masked.failure == ErrorCode::too_large) continue;
    if (tree) require(!masked.failure && parsed(masked.text));
    if (!masked.failure && !differs(text)) require(tree.has_value());
    if (which == 0 && !masked.failure) require(masked.text == text);
    if (which == 1 && tree) {
      Json want = *tree;
      hide_fields(want);
      require(parsed(masked.text) == want);
    }
  }
}

void check_planted(BodyForm form, std::string_view text) {
  if (text.find(kPlanted) != std::string_view::npos) return;
  const std::string secret(kPlanted);
  std::string planted;
  switch (form) {
    case BodyForm::json:
      planted = "[{\"x\":0,\"s\\u0073n\":[{\"" + std::string("k\":\"") + secret + "\"}]}," +
                std::string(text) + ",{\"ssn\":\"" + secret + "\"}]";
      break;
    case BodyForm::json_lines:
      planted =
          "{\"ssn\":\"" + secret + "\"}\n" + std::string(text) + "\n{\"ssn\":\"" + secret + "\"}\n";
      break;
    case BodyForm::csv: planted = "id,ssn\n1," + secret + "\n" + std::string(text); break;
    case BodyForm::events:
      planted = "data: {\"ssn\":\"" + secret + "\"}\n\n" + std::string(text);
      break;
    case BodyForm::text: return;
  }
  const Masked masked = masks_of(1).whole(form, planted);
  require(masked.text.find(kPlanted) == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 16384) return 0;
  const auto form = static_cast<BodyForm>(data[0] % 5);
  const unsigned which = data[0] / 5U;
  std::mt19937 random(data[1]);
  const std::size_t most = 1U << (data[1] % 8U);
  const std::string_view text = as_text(ByteSpan(data + 2, size - 2));
  Masks& masks = masks_of(which);
  const Masked whole = masks.whole(form, text);
  const Masked pieces = masks.cut(form, text, [&] { return 1 + random() % most; });
  if (form != BodyForm::text) require(pieces == whole);
  if (form == BodyForm::json) check_json(text);
  check_planted(form, text);
  return 0;
}
