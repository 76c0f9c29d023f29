// SPDX-License-Identifier: Apache-2.0
// What becomes of the values of one document: some are hidden as they are found, the others are
// looked at by detectors, all at once.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/secret.h"
#include "core/mask/masker.h"
#include "protocols/kubernetes/found_texts.h"
#include "protocols/kubernetes/json_document.h"

namespace hoop::kubernetes {

/// How a text stands in the document: data of Secrets is in base64.
enum class Spelling { plain, base64 };

class MaskedValues {
 public:
  /// Both outlive it.
  MaskedValues(mask::Masker& masker, mask::HiddenCounts& hidden)
      : masker_(masker), hidden_(hidden) {}

  /// Has detectors look at a text or a number. value does not move before apply().
  void look_at(JsonValue& value, std::string_view name, Spelling spelling = Spelling::plain);
  void look_at_name(const std::string& member);
  /// Hides a value, or all that is in it. null stays: it hides nothing.
  void hide(JsonValue& value, access::MaskStrategy strategy, Spelling spelling = Spelling::plain);
  /// value has been made another one in the meantime.
  void has_changed() { is_changed_ = true; }

  /// What hide() hides from here on.
  enum class Content { secret, other };
  void begin(Content content) { content_ = content; }
  /// The values of Secrets that were hidden, decoded; at most 256.
  std::vector<SecretText> secrets;

  /// Whether a text shows what has been hidden since forget_hidden().
  bool shows_hidden(std::string_view text) const;
  void forget_hidden() { originals_.clear(); }

  /// Puts in what detectors make of it all. Answers whether anything has changed. Fails closed.
  Result<bool> apply(JsonValue& root);

 private:
  struct Spot {
    JsonValue* value = nullptr;  // null: the name of members
    Spelling spelling = Spelling::plain;
  };
  void remember(const std::string& original);

  mask::Masker& masker_;
  mask::HiddenCounts& hidden_;
  FoundTexts texts_;
  std::vector<Spot> spots_;  // by the numbers of texts
  std::set<std::string> names_;
  std::vector<std::string> originals_;
  Content content_ = Content::other;
  bool is_changed_ = false;
};

}  // namespace hoop::kubernetes
