// SPDX-License-Identifier: Apache-2.0
// Reads TOML so that every complaint names its file, line and column: typed getters, required keys,
// unknown keys.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"

namespace hoop::config {

/// A table of a parsed file. Copies are handles on the same document, which lives as long as any of
/// them.
///
/// Getters never fail at the call: a wrong type or a missing required key is kept as the document's
/// complaint, and the getter answers an empty value. finish() answers the first complaint, so
/// callers read all keys and check once.
class TomlTable {
 public:
  /// name is what messages call the file. Fails with config: "name:line:column: message".
  static Result<TomlTable> parse(std::string_view name, std::string_view text);

  bool has(std::string_view key) const;
  std::optional<std::string> text(std::string_view key) const;
  std::string text_or(std::string_view key, std::string_view fallback) const;
  /// Missing or empty is a complaint.
  std::string required_text(std::string_view key) const;
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least,
                                      std::int64_t most) const;
  std::optional<bool> boolean(std::string_view key) const;
  /// A text like "90s", "30m", "2h", "1d".
  std::optional<std::chrono::seconds> duration(std::string_view key) const;
  /// Empty when missing.
  std::vector<std::string> text_list(std::string_view key) const;
  /// An array of strings, or one string as an array of one. Empty when missing.
  std::vector<std::string> text_or_list(std::string_view key) const;
  std::map<std::string, std::string> text_map(std::string_view key) const;
  std::optional<TomlTable> table(std::string_view key) const;
  /// [[key]]; empty when missing.
  std::vector<TomlTable> tables(std::string_view key) const;
  /// An array of tables, or one table as an array of one. Empty when missing.
  std::vector<TomlTable> table_or_tables(std::string_view key) const;
  /// All keys of the table; each must still be read or ignored.
  std::vector<std::string> keys() const;
  /// Says that somebody else reads this key.
  void ignore(std::string_view key) const;

  /// Keeps a complaint about the value of key, or about the table itself when key is not in it.
  void complain(std::string_view key, std::string_view message, std::string hint = {}) const;
  /// The same about one element of the array at key.
  void complain(std::string_view key, std::size_t element, std::string_view message,
                std::string hint = {}) const;
  /// "gateway.toml:3:8", of the key's value or of the table.
  std::string place_of(std::string_view key) const;
  /// The same of one element of the array at key; of the value where it is no array.
  std::string place_of(std::string_view key, std::size_t element) const;

  /// The document's first complaint. For a reader that shares a file with another, who knows the
  /// other keys.
  Result<void> complaint() const;
  /// complaint(); else an unknown key of any table that was read, with the nearest known key as the
  /// hint.
  Result<void> finish() const;

 private:
  struct Document;
  struct State;
  explicit TomlTable(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

/// The candidate that is most like word, if any is near enough to have been meant.
std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string>& candidates);

}  // namespace hoop::config
