// SPDX-License-Identifier: Apache-2.0
// The way back from a word of configuration or JSON to its enumerator: the inverse of to_string.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/access/approval.h"
#include "core/access/policy.h"

namespace hoop::access {

std::string_view to_string(InPredicates value);
std::string_view to_string(Derived value);
std::string_view to_string(OnUnresolved value);
std::string_view to_string(RecordLevel value);
std::string_view to_string(Durability value);

inline constexpr std::array kDataPaths{DataPath::local, DataPath::gateway};
inline constexpr std::array kTlsModes{TlsMode::disable, TlsMode::verify_ca, TlsMode::verify_full};
inline constexpr std::array kTlsNegotiations{TlsNegotiation::postgres, TlsNegotiation::direct};
inline constexpr std::array kIdentityKinds{IdentityKind::person, IdentityKind::ci,
                                           IdentityKind::agent};
inline constexpr std::array kEffects{Effect::allow, Effect::deny, Effect::require_approval};
inline constexpr std::array kApprovalStates{ApprovalState::pending, ApprovalState::approved,
                                            ApprovalState::rejected, ApprovalState::expired,
                                            ApprovalState::spent};
inline constexpr std::array kMaskStrategies{MaskStrategy::redact, MaskStrategy::partial,
                                            MaskStrategy::hash, MaskStrategy::null};
inline constexpr std::array kInPredicates{InPredicates::deny, InPredicates::equality,
                                          InPredicates::allow};
inline constexpr std::array kDerived{Derived::deny, Derived::null};
inline constexpr std::array kOnUnresolved{OnUnresolved::deny, OnUnresolved::ignore};
inline constexpr std::array kRecordLevels{RecordLevel::full, RecordLevel::summary,
                                          RecordLevel::none};
inline constexpr std::array kDurabilities{Durability::os, Durability::disk};

template <class Enum, std::size_t N>
std::optional<Enum> from_word(const std::array<Enum, N>& all, std::string_view word) {
  for (const Enum value : all) {
    if (to_string(value) == word) return value;
  }
  return std::nullopt;
}

template <class Enum, std::size_t N>
std::vector<std::string> words_of(const std::array<Enum, N>& all) {
  std::vector<std::string> out;
  for (const Enum value : all) out.emplace_back(to_string(value));
  return out;
}

}  // namespace hoop::access
