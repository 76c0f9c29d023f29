// SPDX-License-Identifier: Apache-2.0
// A way through one document of the API: what in it is what, and so what rules say of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/kubernetes/masked_values.h"
#include "protocols/kubernetes/object_mask_rules.h"

namespace hoop::kubernetes {

enum class ObjectKind { other, secret, config_map };

/// An object whose parts are looked at.
struct ObjectScope {
  ObjectKind kind = ObjectKind::other;
  std::string space;  // its namespace; empty if it is in none, or nobody knows
};

class ObjectWalk {
 public:
  /// All outlive it. documents: how many this one stands in, as text of an annotation.
  ObjectWalk(mask::Masker& masker, const ObjectMaskRules& rules, mask::HiddenCounts& hidden,
             int documents = 0)
      : masker_(masker),
        rules_(rules),
        hidden_(hidden),
        documents_(documents),
        values_(masker, hidden) {}

  /// Once. Whether anything has changed. expected: of what does not say so itself.
  Result<bool> run(JsonValue& root, const ObjectScope& expected);

  std::uint64_t rows() const { return rows_; }
  std::vector<SecretText> take_secrets() { return std::move(values_.secrets); }

 private:
  using States = std::vector<std::uint64_t>;  // of a FieldMatcher

  /// Where in a document something stands.
  struct Place {
    const ObjectScope* scope;  // of the object that it is in
    States states;
  };
  Result<void> document(JsonValue& root, const ObjectScope& expected);
  Result<void> event(JsonValue& root, const Place& place);
  Result<void> item(JsonValue& item, Place place);
  Result<void> object(JsonValue& object, Place place);
  Result<void> part(JsonMember& part, const JsonValue& object, const Place& place);
  Result<void> metadata(JsonValue& metadata, const Place& place);
  Result<void> list(JsonValue& items, const Place& place);
  Result<void> table(JsonValue& rows, const Place& place);
  Result<void> row(JsonValue& row, const Place& place);
  Result<void> data(NamedValue where, Spelling spelling, JsonValue& data, const Place& place);
  Result<void> env(JsonValue& variables, const Place& place);
  Result<void> annotations(JsonValue& annotations, const Place& place);
  Result<void> annotation(const std::string& name, JsonValue& text, const Place& place);
  Result<void> member(JsonMember& member, const JsonValue& object, const Place& place);
  Result<void> value(JsonValue& value, std::string_view name, const Place& place);
  Result<void> array(JsonValue& array, std::string_view name, const Place& place);

  Place root_place(const ObjectScope& scope) const;
  Place inside(const Place& place, std::string_view name) const;
  std::optional<access::MaskStrategy> strategy_at(const Place& place) const;

  mask::Masker& masker_;
  const ObjectMaskRules& rules_;
  mask::HiddenCounts& hidden_;
  int documents_;
  MaskedValues values_;
  std::uint64_t rows_ = 0;
};

}  // namespace hoop::kubernetes
