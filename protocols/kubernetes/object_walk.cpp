// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/object_walk.h"

#include <algorithm>
#include <array>

#include "core/mask/strictness.h"

namespace hoop::kubernetes {
namespace {

constexpr int kMostDocuments = 4;  // JSON in an annotation of JSON in an annotation …

/// What the server makes up, and needs as it is.
bool identifies(const JsonMember& member) {
  constexpr std::array<std::string_view, 5> kNames{"uid", "resourceVersion", "continue",
                                                   "creationTimestamp", "deletionTimestamp"};
  return member.value.is_text() && std::ranges::find(kNames, member.name) != kNames.end() &&
         std::ranges::all_of(member.value.text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("-_.:+/=").find(c) != std::string_view::npos;
         });
}

bool looks_like_document(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && (text[begin] == '{' || text[begin] == '[');
}

/// Whole objects, as tools keep them in one form or another.
bool keeps_object(std::string_view annotation) {
  return annotation.find("last-applied") != std::string_view::npos ||
         annotation.ends_with("/applied") || annotation.ends_with("/original");
}

ObjectKind kind_of(std::string_view kind, ObjectKind expected) {
  if (kind == "Secret" || kind == "SecretList") return ObjectKind::secret;
  if (kind == "ConfigMap" || kind == "ConfigMapList") return ObjectKind::config_map;
  // These say nothing of what they are of.
  const bool is_view = kind.empty() || kind == "Table" || kind.starts_with("PartialObjectMetadata");
  return is_view ? expected : ObjectKind::other;
}

std::string_view kind_in(const JsonValue& object) {
  const std::string* kind = object.text_of("kind");
  return kind == nullptr ? std::string_view() : std::string_view(*kind);
}

ObjectScope scope_of(const JsonValue& object, const ObjectScope& expected) {
  ObjectScope out{kind_of(kind_in(object), expected.kind), expected.space};
  const JsonValue* metadata = object.member("metadata");
  const std::string* space = metadata == nullptr ? nullptr : metadata->text_of("namespace");
  if (space != nullptr && !space->empty()) out.space = *space;
  return out;
}

bool is_event(const JsonValue& root) {
  return kind_in(root).empty() && root.text_of("type") != nullptr &&
         root.member("object") != nullptr;
}

}  // namespace

ObjectWalk::Place ObjectWalk::root_place(const ObjectScope& scope) const {
  Place out{&scope, States(rules_.fields().words())};
  if (!out.states.empty()) rules_.fields().document(out.states);
  return out;
}

/// name: of a member; empty for an element.
ObjectWalk::Place ObjectWalk::inside(const Place& place, std::string_view name) const {
  Place out{place.scope, States(place.states.size())};
  if (!out.states.empty())
    rules_.fields().member(place.states, rules_.fields().name_id(name), out.states);
  return out;
}

std::optional<access::MaskStrategy> ObjectWalk::strategy_at(const Place& place) const {
  return place.states.empty() ? std::nullopt : rules_.fields().strategy(place.states);
}

Result<bool> ObjectWalk::run(JsonValue& root, const ObjectScope& expected) {
  HOOP_CHECK(document(root, expected));
  return values_.apply(root);
}

Result<void> ObjectWalk::document(JsonValue& root, const ObjectScope& expected) {
  const Place place = root_place(expected);
  rows_ = 1;
  if (!root.is_object()) return value(root, {}, place);
  return is_event(root) ? event(root, place) : object(root, place);
}

Result<void> ObjectWalk::event(JsonValue& root, const Place& place) {
  for (JsonMember& one : root.members) {
    if (one.name == "object") {
      HOOP_CHECK(item(one.value, inside(place, one.name)));
    } else if (one.name != "type") {
      HOOP_CHECK(member(one, root, place));
    }
  }
  rows_ = 1;  // whatever table it holds
  return {};
}

/// An object in another document: paths lead to its parts from both.
Result<void> ObjectWalk::item(JsonValue& item, Place place) {
  if (!item.is_object()) return value(item, {}, place);
  const Place own = root_place(*place.scope);
  for (std::size_t i = 0; i < own.states.size(); ++i) place.states[i] |= own.states[i];
  return object(item, std::move(place));
}

Result<void> ObjectWalk::object(JsonValue& object, Place place) {
  if (const auto strategy = strategy_at(place)) {
    values_.hide(object, *strategy);
    return {};
  }
  const ObjectScope scope = scope_of(object, *place.scope);
  place.scope = &scope;
  const std::string kind(kind_in(object));
  for (JsonMember& one : object.members) {
    if (kind.ends_with("List") && one.name == "items" && one.value.is_array()) {
      HOOP_CHECK(list(one.value, inside(place, one.name)));
    } else if (kind == "Table" && one.name == "rows" && one.value.is_array()) {
      HOOP_CHECK(table(one.value, inside(place, one.name)));
    } else {
      HOOP_CHECK(part(one, object, place));
    }
  }
  return {};
}

Result<void> ObjectWalk::list(JsonValue& items, const Place& place) {
  rows_ = items.elements.size();
  for (JsonValue& one : items.elements) HOOP_CHECK(item(one, inside(place, {})));
  return {};
}

Result<void> ObjectWalk::part(JsonMember& part, const JsonValue& object, const Place& place) {
  const Place at = inside(place, part.name);
  const bool is_type = part.value.is_text() && (part.name == "kind" || part.name == "apiVersion");
  if (is_type && !strategy_at(at)) return {};
  if (part.name == "metadata" && part.value.is_object() && !strategy_at(at))
    return metadata(part.value, at);
  if (place.scope->kind == ObjectKind::secret && part.name == "data")
    return data(NamedValue::secrets, Spelling::base64, part.value, at);
  if (place.scope->kind == ObjectKind::secret && part.name == "stringData")
    return data(NamedValue::secrets, Spelling::plain, part.value, at);
  if (place.scope->kind == ObjectKind::config_map && part.name == "data")
    return data(NamedValue::configmaps, Spelling::plain, part.value, at);
  if (place.scope->kind == ObjectKind::config_map && part.name == "binaryData")
    return data(NamedValue::configmaps, Spelling::base64, part.value, at);
  return member(part, object, place);
}

Result<void> ObjectWalk::metadata(JsonValue& metadata_of, const Place& place) {
  for (JsonMember& one : metadata_of.members) {
    const Place at = inside(place, one.name);
    if (identifies(one) && !strategy_at(at)) continue;
    if (one.name != "ownerReferences" || !one.value.is_array() || strategy_at(at)) {
      HOOP_CHECK(member(one, metadata_of, place));
      continue;
    }
    for (JsonValue& owner : one.value.elements) {
      const Place of_owner = inside(at, {});
      HOOP_CHECK(owner.is_object() && !strategy_at(of_owner) ? metadata(owner, of_owner)
                                                             : value(owner, {}, of_owner));
    }
  }
  return {};
}

Result<void> ObjectWalk::table(JsonValue& rows, const Place& place) {
  rows_ = rows.elements.size();
  for (JsonValue& one : rows.elements) {
    const Place at = inside(place, {});
    HOOP_CHECK(one.is_object() && !strategy_at(at) ? row(one, at) : value(one, {}, at));
  }
  return {};
}

Result<void> ObjectWalk::row(JsonValue& row, const Place& place) {
  // The object first: a cell may show what is hidden in it.
  values_.forget_hidden();
  if (JsonValue* object = row.member("object")) HOOP_CHECK(item(*object, inside(place, "object")));
  if (JsonValue* cells = row.member("cells")) {
    for (JsonValue& cell : cells->elements) {
      if (cell.is_text() && values_.shows_hidden(cell.text))
        values_.hide(cell, access::MaskStrategy::redact);
    }
  }
  for (JsonMember& one : row.members) {
    if (one.name != "object") HOOP_CHECK(member(one, row, place));
  }
  return {};
}

/// The entries of a Secret or a ConfigMap.
Result<void> ObjectWalk::data(NamedValue where, Spelling spelling, JsonValue& data,
                              const Place& place) {
  const std::string& space = place.scope->space;
  const auto whole = mask::stricter(
      strategy_at(place), data.is_object() ? std::nullopt : rules_.strategy(where, space, {}));
  const bool is_secret = where == NamedValue::secrets;
  values_.begin(is_secret ? MaskedValues::Content::secret : MaskedValues::Content::other);
  if (whole) values_.hide(data, *whole, spelling);
  for (JsonMember& entry : data.members) {
    if (whole) break;
    const Place at = inside(place, entry.name);
    if (const auto strategy =
            mask::stricter(rules_.strategy(where, space, entry.name), strategy_at(at))) {
      values_.look_at_name(entry.name);
      values_.hide(entry.value, *strategy, spelling);
    } else if (spelling == Spelling::base64 && entry.value.is_text()) {
      values_.look_at_name(entry.name);
      values_.look_at(entry.value, entry.name, spelling);
    } else {
      HOOP_CHECK(member(entry, data, place));
    }
  }
  values_.begin(MaskedValues::Content::other);
  return whole || data.is_object() ? Result<void>() : value(data, {}, place);
}

/// name and value, as containers have them wherever they are described.
Result<void> ObjectWalk::env(JsonValue& variables, const Place& place) {
  for (JsonValue& variable : variables.elements) {
    const Place at = inside(place, {});
    const std::string* name = variable.text_of("name");
    const auto strategy = name == nullptr || strategy_at(at)
                              ? std::nullopt
                              : rules_.strategy(NamedValue::env, at.scope->space, *name);
    if (!strategy) {
      HOOP_CHECK(value(variable, {}, at));
      continue;
    }
    for (JsonMember& one : variable.members) {
      if (one.name == "value") {
        values_.hide(one.value, *strategy);
      } else {
        HOOP_CHECK(member(one, variable, at));
      }
    }
  }
  return {};
}

Result<void> ObjectWalk::annotations(JsonValue& annotations, const Place& place) {
  for (JsonMember& one : annotations.members) {
    const Place at = inside(place, one.name);
    const auto named = rules_.strategy(NamedValue::annotations, at.scope->space, one.name);
    if (const auto strategy = mask::stricter(named, strategy_at(at))) {
      values_.look_at_name(one.name);
      values_.hide(one.value, *strategy);
    } else if (one.value.is_text() &&
               (keeps_object(one.name) || looks_like_document(one.value.text))) {
      values_.look_at_name(one.name);
      HOOP_CHECK(annotation(one.name, one.value, at));
    } else {
      HOOP_CHECK(member(one, annotations, place));
    }
  }
  return {};
}

/// Inside the JSON of it: without the annotation kubectl apply would lose what it knows.
Result<void> ObjectWalk::annotation(const std::string& name, JsonValue& text, const Place& place) {
  auto document = documents_ < kMostDocuments
                      ? parse_json(text.text)
                      : fail(ErrorCode::too_large, "documents nest too deep");
  if (!document || !(document->is_object() || document->is_array())) {
    // What is hidden in the object may stand in it, and nobody can read it.
    if (keeps_object(name)) {
      values_.hide(text, access::MaskStrategy::redact);
    } else {
      values_.look_at(text, name);
    }
    return {};
  }
  ObjectWalk inner(masker_, rules_, hidden_, documents_ + 1);
  HOOP_TRY(const bool is_changed, inner.run(*document, *place.scope));
  for (SecretText& secret : inner.values_.secrets) values_.secrets.push_back(std::move(secret));
  if (!is_changed) return {};
  const bool ends_line = text.text.ends_with('\n');
  text.text = write_json(*document) + (ends_line ? "\n" : "");
  values_.has_changed();
  return {};
}

Result<void> ObjectWalk::member(JsonMember& member, const JsonValue& object, const Place& place) {
  values_.look_at_name(member.name);
  const Place at = inside(place, member.name);
  if (!strategy_at(at)) {
    if (member.name == "env" && member.value.is_array()) return env(member.value, at);
    if (member.name == "annotations" && member.value.is_object())
      return annotations(member.value, at);
  }
  const std::string* name = member.name == "value" ? object.text_of("name") : nullptr;
  return value(member.value, name != nullptr ? *name : member.name, at);
}

Result<void> ObjectWalk::value(JsonValue& value, std::string_view name, const Place& place) {
  if (const auto strategy = strategy_at(place)) {
    values_.hide(value, *strategy);
    return {};
  }
  switch (value.kind) {
    case JsonValue::Kind::word: break;
    case JsonValue::Kind::number:
    case JsonValue::Kind::text: values_.look_at(value, name); break;
    case JsonValue::Kind::array: return array(value, name, place);
    case JsonValue::Kind::object:
      // One within another, as a manifest in a manifest.
      if (value.text_of("apiVersion") != nullptr && !kind_in(value).empty()) {
        const ObjectScope other{ObjectKind::other, place.scope->space};
        return object(value, {&other, place.states});
      }
      for (JsonMember& one : value.members) HOOP_CHECK(member(one, value, place));
      break;
  }
  return {};
}

Result<void> ObjectWalk::array(JsonValue& array, std::string_view name, const Place& place) {
  std::string_view option;
  for (JsonValue& element : array.elements) {
    HOOP_CHECK(value(element, option.empty() ? name : option, inside(place, {})));
    // --password, and behind it what it is.
    const std::string_view text = element.is_text() ? std::string_view(element.text) : "";
    option = text.starts_with('-') ? text.substr(std::min(text.find_first_not_of('-'), text.size()))
                                   : std::string_view();
  }
  return {};
}

}  // namespace hoop::kubernetes
