// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/field_selector.h"

#include <optional>

namespace hoop::kubernetes {
namespace {

std::unexpected<Error> no_selector() {
  return fail(ErrorCode::malformed, "the fieldSelector cannot be read",
              "like \"metadata.name=web\"");
}

/// Up to the next comma without a backslash before it; behind it, then.
std::string_view take_term(std::string_view& rest) {
  std::size_t end = 0;
  while (end < rest.size() && rest[end] != ',') end += rest[end] == '\\' ? 2U : 1U;
  end = std::min(end, rest.size());
  const std::string_view term = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return term;
}

std::optional<std::string> unescaped(std::string_view value) {
  std::string out;
  for (std::size_t at = 0; at < value.size(); ++at) {
    char c = value[at];
    if (c == ',' || c == '=') return std::nullopt;
    if (c == '\\') {
      if (++at == value.size()) return std::nullopt;
      c = value[at];
      if (c != '\\' && c != ',' && c != '=') return std::nullopt;
    }
    out += c;
  }
  return out;
}

bool is_path_name(std::string_view name) {
  return name != "." && name != ".." && name.find_first_of("/%") == std::string_view::npos;
}

}  // namespace

Result<std::string> name_of_field_selector(std::string_view selector) {
  std::optional<std::string> name;
  while (!selector.empty()) {
    const std::string_view term = take_term(selector);
    if (term.empty()) continue;
    std::size_t sign = term.find('=');
    if (sign == std::string_view::npos) return no_selector();
    const bool is_not = sign > 0 && term[sign - 1] == '!';
    const std::string_view field = term.substr(0, is_not ? sign - 1 : sign);
    if (!is_not && term.substr(sign).starts_with("==")) ++sign;
    auto value = unescaped(term.substr(sign + 1));
    if (!value) return no_selector();
    if (is_not || field != "metadata.name") continue;
    if (name && *name != *value)
      return fail(ErrorCode::malformed, "the fieldSelector names two objects");
    name = std::move(value);
  }
  return name && is_path_name(*name) ? std::move(*name) : std::string();
}

}  // namespace hoop::kubernetes
