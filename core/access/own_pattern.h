// SPDX-License-Identifier: Apache-2.0
// Detectors that a policy defines by a regular expression. RE2: linear in the text, whatever the
// expression.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "core/access/policy.h"

namespace hoop::access {

/// One compiled expression. Copies share it; safe in several threads at once.
class OwnPatternFinder {
 public:
  /// Fails with config: no expression of RE2, too large, or one that fits an empty text and so
  /// everywhere.
  static Result<OwnPatternFinder> compile(std::string_view expression);

  using Range = std::pair<std::size_t, std::size_t>;
  /// Appends the byte ranges of text that it fits: leftmost, longest as the expression says, none
  /// of them empty, none overlapping.
  void find(std::string_view text, std::vector<Range>& ranges) const;

 private:
  struct Compiled;
  explicit OwnPatternFinder(std::shared_ptr<const Compiled> compiled)
      : compiled_(std::move(compiled)) {}
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace hoop::access
