// SPDX-License-Identifier: Apache-2.0
#include "core/access/field_path.h"

#include <fmt/format.h>

#include "core/base/encoding.h"

namespace hoop::access {
namespace {

// Nobody's documents are nested as deep as masks look into them.
constexpr std::size_t kMostSteps = 128;
constexpr std::size_t kMostPath = 4096;

bool is_digit_of_path(char c) { return c >= '0' && c <= '9'; }

/// RFC 9535 §2.5.1.1, name-first.
bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

class PathReader {
 public:
  explicit PathReader(std::string_view path) : path_(path), rest_(path) {}

  Result<std::vector<FieldStep>> read() {
    if (path_.size() > kMostPath)
      return fail(ErrorCode::config, fmt::format("a path of more than {} bytes", kMostPath));
    if (!is_utf8(path_)) return refuse("is not UTF-8", "");
    if (!skip("$"))
      return refuse("does not begin with '$'", "like \"$.customer.email\", or \"$..email\"");
    std::vector<FieldStep> steps;
    while (!rest_.empty()) {
      if (steps.size() == kMostSteps)
        return refuse(fmt::format("has more than {} steps", kMostSteps), "");
      HOOP_TRY(FieldStep step, next());
      steps.push_back(std::move(step));
    }
    return steps;
  }

 private:
  std::unexpected<Error> refuse(std::string_view what, std::string hint) const {
    return fail(ErrorCode::config, fmt::format("the path '{}' {}", path_, what), std::move(hint));
  }
  bool skip(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  Result<FieldStep> next() {
    FieldStep step;
    step.descends = skip("..");
    if (rest_.starts_with('[')) {
      HOOP_CHECK(bracket(step));
      return step;
    }
    if (!step.descends && !skip("."))
      return refuse("goes on without a '.' or a '['", "like \"$.customer.email\"");
    if (skip("*")) return step;
    HOOP_CHECK(name(step));
    return step;
  }

  Result<void> name(FieldStep& step) {
    const std::size_t end = std::min(rest_.find_first_of(".["), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    if (word.empty()) return refuse("has a '.' without a name", "like \"$.customer.email\"");
    bool fits = begins_name(word.front());
    for (const char c : word) fits = fits && (begins_name(c) || is_digit_of_path(c));
    if (!fits)
      return refuse(fmt::format("has the name '{}' without quotes", word),
                    word.find_first_of("'\"\\]") == std::string_view::npos
                        ? fmt::format("write ['{}'] in the place of .{}", word, word)
                        : "write it as ['name']");
    step.kind = FieldStep::Kind::name;
    step.name = word;
    rest_.remove_prefix(end);
    return {};
  }

  Result<void> bracket(FieldStep& step) {
    rest_.remove_prefix(1);
    if (skip("*]")) return {};
    const char quote = rest_.empty() ? '\0' : rest_.front();
    if (quote == '-' || is_digit_of_path(quote))
      return refuse("has the index of an element", "write [*]: a mask is for every element");
    if (quote != '\'' && quote != '"')
      return refuse("has brackets that hold neither '*' nor a name in quotes",
                    "like ['name']; filters and the like are not available");
    rest_.remove_prefix(1);
    HOOP_CHECK(quoted(step, quote));
    if (!skip("]")) return refuse("has no ']' behind a name", "one name for each pair of brackets");
    return {};
  }

  Result<void> quoted(FieldStep& step, char quote) {
    step.kind = FieldStep::Kind::name;
    while (!rest_.empty() && rest_.front() != quote) {
      if (rest_.front() == '\\') {
        rest_.remove_prefix(1);
        if (rest_.empty() || (rest_.front() != '\\' && rest_.front() != quote))
          return refuse("has a '\\' that escapes neither a quote nor a '\\'",
                        "write the character itself");
      }
      step.name += rest_.front();
      rest_.remove_prefix(1);
    }
    if (rest_.empty()) return refuse("has a name without its closing quote", "like ['name']");
    rest_.remove_prefix(1);
    return {};
  }

  std::string_view path_, rest_;
};

}  // namespace

Result<std::vector<FieldStep>> parse_field_path(std::string_view path) {
  return PathReader(path).read();
}

Result<void> check_field_path(std::string_view path) {
  HOOP_CHECK(parse_field_path(path));
  return {};
}

}  // namespace hoop::access
