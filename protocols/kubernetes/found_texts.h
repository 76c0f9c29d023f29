// SPDX-License-Identifier: Apache-2.0
// The texts of a document that detectors look at together.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "core/mask/masker.h"

namespace hoop::kubernetes {

class FoundTexts {
 public:
  /// text lives until rewrite(). name: what it is given to, which may say that it is a secret;
  /// empty if nothing is. Answers its number.
  std::size_t add(std::string_view text, std::string_view name);
  /// The same of a text that stands nowhere else.
  std::size_t keep(std::string text, std::string_view name);
  /// Those that change, by their numbers. Fails closed.
  Result<std::vector<mask::Changed>> rewrite(mask::Masker& masker, mask::HiddenCounts& hidden);

 private:
  std::vector<std::string_view> texts_;
  std::vector<mask::Naming> namings_;
  std::deque<std::string> kept_;  // does not move what is in it
  std::string_view access_key_;   // the text before, if it is the id of one
};

}  // namespace hoop::kubernetes
