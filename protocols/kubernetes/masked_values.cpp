// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/masked_values.h"

#include <algorithm>
#include <map>

#include "core/base/encoding.h"

namespace hoop::kubernetes {
namespace {

constexpr std::size_t kLeastDigits = 12;  // no detector means a shorter number
constexpr std::size_t kLeastName = 6;
constexpr std::size_t kLeastPart =
    6;  // shorter texts stand in many that have nothing to do with them
constexpr std::size_t kMostOriginals = 1024;
constexpr std::size_t kMostSecrets = 256;

using NewNames = std::map<std::string, std::string, std::less<>>;

/// Two names that become one must not become one member.
void rename_members(JsonValue& value, const NewNames& names) {
  for (JsonValue& element : value.elements) rename_members(element, names);
  for (JsonMember& member : value.members) {
    rename_members(member.value, names);
    const auto found = names.find(member.name);
    if (found == names.end()) continue;
    std::string name = found->second;
    for (int number = 2; value.member(name) != nullptr; ++number)
      name = found->second + "-" + std::to_string(number);
    member.name = std::move(name);
  }
}

std::string plain_text(const std::string& text, Spelling spelling) {
  const auto bytes = spelling == Spelling::base64 ? from_base64(text) : std::nullopt;
  return bytes ? to_text(*bytes) : text;
}

std::string spelled(std::string text, Spelling spelling) {
  return spelling == Spelling::base64 ? to_base64(as_bytes(text)) : std::move(text);
}

}  // namespace

void MaskedValues::look_at(JsonValue& value, std::string_view name, Spelling spelling) {
  if (value.kind == JsonValue::Kind::number && value.text.size() < kLeastDigits) return;
  if (value.text.empty()) return;
  if (spelling == Spelling::plain) {
    texts_.add(value.text, name);
  } else {
    const auto bytes = from_base64(value.text);
    // A picture, say.
    if (!bytes || !is_utf8(as_text(*bytes))) return;
    texts_.keep(to_text(*bytes), name);
  }
  spots_.push_back({&value, spelling});
}

void MaskedValues::look_at_name(const std::string& member) {
  if (member.size() >= kLeastName) names_.insert(member);
}

void MaskedValues::remember(const std::string& original) {
  if (originals_.size() < kMostOriginals) originals_.push_back(original);
  if (content_ == Content::secret && secrets.size() < kMostSecrets) secrets.emplace_back(original);
}

void MaskedValues::hide(JsonValue& value, access::MaskStrategy strategy, Spelling spelling) {
  for (JsonValue& element : value.elements) hide(element, strategy, spelling);
  for (JsonMember& member : value.members) {
    look_at_name(member.name);
    hide(member.value, strategy, spelling);
  }
  if (value.is_null() || value.is_array() || value.is_object()) return;
  const std::string original = plain_text(value.text, spelling);
  remember(original);
  if (auto shown = masker_.masked(strategy, original)) {
    value = JsonValue::of_text(spelled(std::move(*shown), spelling));
  } else {
    value = JsonValue();
  }
  ++hidden_.columns;
  is_changed_ = true;
}

bool MaskedValues::shows_hidden(std::string_view text) const {
  return std::ranges::any_of(originals_, [&](const std::string& hidden) {
    return !hidden.empty() && (text == hidden || (hidden.size() >= kLeastPart &&
                                                  text.find(hidden) != std::string_view::npos));
  });
}

Result<bool> MaskedValues::apply(JsonValue& root) {
  std::vector<const std::string*> names;
  const std::size_t first_name = spots_.size();
  for (const std::string& name : names_) {
    texts_.add(name, {});
    spots_.emplace_back();
    names.push_back(&name);
  }
  HOOP_TRY(const std::vector<mask::Changed> changed, texts_.rewrite(masker_, hidden_));
  NewNames renamed;
  for (const mask::Changed& one : changed) {
    const Spot& spot = spots_[one.text];
    if (spot.value == nullptr) {
      renamed.emplace(*names[one.text - first_name], one.now);
    } else {
      *spot.value = JsonValue::of_text(spelled(one.now, spot.spelling));
    }
  }
  if (!renamed.empty()) rename_members(root, renamed);
  return is_changed_ || !changed.empty();
}

}  // namespace hoop::kubernetes
