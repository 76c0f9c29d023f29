// SPDX-License-Identifier: Apache-2.0
// Strict reading of JSON documents: every member known, no member twice, every type as expected.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/secret.h"

namespace hoop::access {

/// An object of a parsed document. Copies are handles on the document, which lives as long as any
/// of them and wipes its secrets.
///
/// Getters do not fail at the call: a missing member or a wrong type is kept as the document's
/// complaint, and the getter answers an empty value. finish() answers the first complaint, so
/// callers read everything and check once.
class JsonObject {
 public:
  /// Fails with too_large above most_bytes, malformed for what is no JSON object, repeats a member,
  /// or nests deeper than 16.
  static Result<JsonObject> parse(std::string_view text, std::size_t most_bytes);

  bool has(std::string_view key) const;
  std::string text(std::string_view key) const;
  SecretText secret(std::string_view key) const;
  std::uint64_t number(std::string_view key) const;
  bool flag(std::string_view key) const;
  SystemTime time(std::string_view key) const;
  std::vector<std::string> texts(std::string_view key) const;
  JsonObject object(std::string_view key) const;
  std::vector<JsonObject> objects(std::string_view key) const;
  /// The names of all members, which then count as known.
  std::vector<std::string> keys() const;

  /// Keeps a complaint about a member.
  void complain(std::string_view key, std::string_view message) const;
  /// The document's first complaint; else an unknown member of any object that was read. Fails with
  /// malformed.
  Result<void> finish() const;

 private:
  struct Document;
  struct State;
  explicit JsonObject(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace hoop::access
