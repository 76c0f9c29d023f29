// SPDX-License-Identifier: Apache-2.0
#include "core/mask/secret_names.h"

#include <algorithm>
#include <array>

#include "core/mask/secret_confirm.h"
#include "core/mask/secret_patterns.h"

namespace hoop::mask {
namespace {

constexpr char lower_letter(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr bool is_of_name(const SecretPattern& pattern) {
  return pattern.anchor == Anchor::assigned_secret ||
         pattern.anchor == Anchor::aws_secret_context ||
         pattern.anchor == Anchor::azure_account_key || pattern.anchor == Anchor::twilio_context;
}

constexpr std::size_t kWordCount =
    static_cast<std::size_t>(std::ranges::count_if(kSecretPatterns, is_of_name));

/// Without the '=' that stands between name and value anyway.
constexpr auto kWords = [] {
  std::array<std::string_view, kWordCount> words{};
  std::size_t count = 0;
  for (const SecretPattern& pattern : kSecretPatterns) {
    if (!is_of_name(pattern)) continue;
    std::string_view word = pattern.literal;
    if (word.ends_with('=')) word.remove_suffix(1);
    words[count++] = word;
  }
  return words;
}();

constexpr auto kFirstLetters = [] {
  std::array<bool, 256> first{};
  for (const std::string_view word : kWords) {
    const char c = lower_letter(word.front());
    first[static_cast<unsigned char>(c)] = true;
    first[static_cast<unsigned char>(c - 'a' + 'A')] = true;
  }
  return first;
}();

bool begins_with_word(std::string_view text) {
  return std::ranges::any_of(kWords, [&](std::string_view word) {
    return text.size() >= word.size() &&
           std::ranges::equal(text.substr(0, word.size()), word,
                              [](char a, char b) { return lower_letter(a) == lower_letter(b); });
  });
}

}  // namespace

bool may_name_secret(std::string_view name) {
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (kFirstLetters[static_cast<unsigned char>(name[at])] && begins_with_word(name.substr(at)))
      return true;
  }
  return is_access_key_id(name);
}

bool is_access_key_id(std::string_view text) {
  constexpr std::size_t kSize = 20;
  return text.size() == kSize && text.front() == 'A' &&
         confirm_aws_access_key(text, 0) == Span{0, kSize};
}

}  // namespace hoop::mask
