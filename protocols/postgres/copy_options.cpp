// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/copy_options.h"

#include <algorithm>
#include <array>

namespace hoop::postgres {
namespace {

/// As defGetString: names, strings and numbers.
std::string option_text(const SqlNode& value) {
  if (value.is("Integer")) return std::to_string(value["ival"].number());
  return std::string(string_value(value));
}

/// The server takes one byte, which cannot be the end of a line here: where a row ends would hang
/// on what stands in it.
std::optional<char> one_byte(const std::string& text) {
  if (text.size() != 1 || text[0] == '\n' || text[0] == '\r') return std::nullopt;
  return text[0];
}

struct Options {
  std::string format = "text";
  std::optional<std::string> delimiter, quote, escape, null;
};

std::optional<Options> read(const SqlNode& statement) {
  // That a COPY has a header, or which columns are always quoted, moves no field's end; and the
  // server refuses what is said twice, or is for COPY … FROM.
  constexpr auto kOfNoMatter =
      std::to_array<std::string_view>({"header", "force_quote", "encoding", "freeze",
                                       "force_not_null", "force_null", "default", "on_error"});
  Options options;
  for (const SqlNode& option : statement["options"].items()) {
    const std::string_view name = option["defname"].text();
    const SqlNode& value = option["arg"];
    if (name == "format") {
      options.format = option_text(value);
    } else if (name == "delimiter") {
      options.delimiter = option_text(value);
    } else if (name == "quote") {
      options.quote = option_text(value);
    } else if (name == "escape") {
      options.escape = option_text(value);
    } else if (name == "null") {
      options.null = option_text(value);
    } else if (std::ranges::find(kOfNoMatter, name) == kOfNoMatter.end()) {
      return std::nullopt;
    }
  }
  return options;
}

}  // namespace

std::shared_ptr<const CopyText> copy_text(const SqlNode& statement) {
  const auto options = read(statement);
  if (!options) return nullptr;
  CopyText text;
  text.csv = options->format == "csv";
  if (!text.csv && options->format != "text" && options->format != "binary") return nullptr;
  const auto delimiter = one_byte(options->delimiter.value_or(text.csv ? "," : "\t"));
  const auto quote = one_byte(options->quote.value_or("\""));
  if (!delimiter || !quote) return nullptr;
  const auto escape = one_byte(options->escape.value_or(std::string(1, *quote)));
  if (!escape) return nullptr;
  text.delimiter = *delimiter;
  text.quote = *quote;
  text.escape = *escape;
  text.null = options->null.value_or(text.csv ? "" : "\\N");
  return std::make_shared<const CopyText>(std::move(text));
}

std::optional<std::string> copy_encoding(const SqlNode& statement) {
  for (const SqlNode& option : statement["options"].items()) {
    if (option["defname"].text() == "encoding") return option_text(option["arg"]);
  }
  return std::nullopt;
}

}  // namespace hoop::postgres
