// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/found_texts.h"

#include "core/mask/secret_names.h"

namespace hoop::kubernetes {

std::size_t FoundTexts::add(std::string_view text, std::string_view name) {
  const std::size_t number = texts_.size();
  texts_.push_back(text);
  // The secret key stands behind the id of the access key, in a file as in the environment.
  const bool is_told = mask::may_name_secret(name);
  if (!access_key_.empty()) {
    kept_.push_back(std::string(access_key_) + " " + std::string(name));
    namings_.push_back({number, kept_.back()});
  } else if (is_told) {
    kept_.emplace_back(name);
    namings_.push_back({number, kept_.back()});
  }
  access_key_ = mask::is_access_key_id(text) ? text : std::string_view();
  return number;
}

std::size_t FoundTexts::keep(std::string text, std::string_view name) {
  kept_.push_back(std::move(text));
  return add(kept_.back(), name);
}

Result<std::vector<mask::Changed>> FoundTexts::rewrite(mask::Masker& masker,
                                                       mask::HiddenCounts& hidden) {
  std::vector<mask::Changed> changed;
  HOOP_CHECK(masker.rewrite(texts_, namings_, changed, hidden));
  return changed;
}

}  // namespace hoop::kubernetes
