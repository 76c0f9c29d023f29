// SPDX-License-Identifier: Apache-2.0
// SQL text to judged statements, once a text: classify() with what the connection's names mean now.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "core/mask/masker.h"
#include "protocols/postgres/classify.h"

namespace hoop::postgres {

/// Immutable; shared by the cache, prepared statements, portals and the replies that are still
/// expected.
struct JudgedText {
  std::string text;
  std::vector<Statement> statements;
};
using JudgedPtr = std::shared_ptr<const JudgedText>;

/// One a connection, since search_path is the connection's.
class StatementReader {
 public:
  StatementReader(NameContext names, mask::Masker& masker);

  /// Judges sql, or answers what was judged before with the same names. Action::text has passed the
  /// detectors. Fails closed: what the masker cannot clean is not quoted.
  JudgedPtr read(std::string_view sql);

  const Catalog& catalog() const { return *names_.catalog; }
  const std::shared_ptr<const Catalog>& shared_catalog() const { return names_.catalog; }
  /// The search path is the catalog's default one, unless it was forgotten.
  void set_catalog(std::shared_ptr<const Catalog> catalog);
  /// Unqualified names stand for every schema's from now on.
  void forget_search_path();
  /// Grows whenever names may mean something else: what was judged at an older version must be read
  /// again.
  std::uint64_t version() const { return version_; }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  void names_changed();
  void finish_texts(JudgedText& judged);
  using Cache = std::unordered_map<std::string, JudgedPtr, TextHash, std::equal_to<>>;
  void keep(Cache& cache, std::string key, JudgedPtr judged);
  void forget_all();
  NameContext names_;
  mask::Masker& masker_;
  Cache cache_;     // by text
  Cache patterns_;  // by number_pattern(): what does not depend on its numbers
  std::size_t cached_bytes_ = 0;
  std::uint64_t version_ = 1;
  bool path_forgotten_ = false;
};

}  // namespace hoop::postgres
