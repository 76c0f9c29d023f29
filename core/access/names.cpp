// SPDX-License-Identifier: Apache-2.0
#include "core/access/names.h"

#include <algorithm>
#include <cctype>

// The words of configuration, JSON and messages for the enumerations of this folder.
#include "core/access/policy.h"
#include "core/access/words.h"

namespace hoop::access {

std::string_view to_string(IdentityKind kind) {
  switch (kind) {
    case IdentityKind::person: return "person";
    case IdentityKind::ci: return "ci";
    case IdentityKind::agent: return "agent";
  }
  return "person";
}

std::string_view to_string(ApprovalState state) {
  switch (state) {
    case ApprovalState::pending: return "pending";
    case ApprovalState::approved: return "approved";
    case ApprovalState::rejected: return "rejected";
    case ApprovalState::expired: return "expired";
    case ApprovalState::spent: return "spent";
  }
  return "pending";
}

std::string_view to_string(DataPath path) {
  switch (path) {
    case DataPath::local: return "local";
    case DataPath::gateway: return "gateway";
  }
  return "gateway";
}

std::string_view to_string(TlsNegotiation negotiation) {
  switch (negotiation) {
    case TlsNegotiation::postgres: return "postgres";
    case TlsNegotiation::direct: return "direct";
  }
  return "postgres";
}

std::string_view to_string(TlsMode mode) {
  switch (mode) {
    case TlsMode::disable: return "disable";
    case TlsMode::verify_ca: return "verify-ca";
    case TlsMode::verify_full: return "verify-full";
  }
  return "verify-full";
}

std::string_view to_string(Effect effect) {
  switch (effect) {
    case Effect::allow: return "allow";
    case Effect::deny: return "deny";
    case Effect::require_approval: return "require_approval";
  }
  return "deny";
}

std::string_view to_string(MaskStrategy strategy) {
  switch (strategy) {
    case MaskStrategy::redact: return "redact";
    case MaskStrategy::partial: return "partial";
    case MaskStrategy::hash: return "hash";
    case MaskStrategy::null: return "null";
  }
  return "redact";
}

std::string_view to_string(InPredicates value) {
  switch (value) {
    case InPredicates::deny: return "deny";
    case InPredicates::equality: return "equality";
    case InPredicates::allow: return "allow";
  }
  return "deny";
}

std::string_view to_string(Derived value) {
  switch (value) {
    case Derived::deny: return "deny";
    case Derived::null: return "null";
  }
  return "deny";
}

std::string_view to_string(OnUnresolved value) {
  switch (value) {
    case OnUnresolved::deny: return "deny";
    case OnUnresolved::ignore: return "ignore";
  }
  return "deny";
}

std::string_view to_string(RecordLevel value) {
  switch (value) {
    case RecordLevel::full: return "full";
    case RecordLevel::summary: return "summary";
    case RecordLevel::none: return "none";
  }
  return "full";
}

std::string_view to_string(Durability value) {
  switch (value) {
    case Durability::os: return "os";
    case Durability::disk: return "disk";
  }
  return "os";
}

bool is_login(std::string_view name) {
  const auto fits = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= 32 && name.front() != '-' && name.front() != '.' &&
         std::ranges::all_of(name, fits);
}

}  // namespace hoop::access
