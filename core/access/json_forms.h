// SPDX-License-Identifier: Apache-2.0
// What the JSON forms of policy and grant share.
#pragma once

#include "core/access/json_object.h"
#include "core/access/policy.h"
#include "core/access/words.h"

namespace hoop::access {

/// The policy that stands in a larger document. Complaints are kept in it, as with every getter.
PolicyDocument read_policy(const JsonObject& from);

template <class Enum, std::size_t N>
Enum read_word(const JsonObject& from, std::string_view key, const std::array<Enum, N>& all) {
  const auto value = from_word(all, from.text(key));
  if (!value) from.complain(key, "is none of the words we know");
  return value.value_or(all.front());
}

}  // namespace hoop::access
