// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/media_type.h"

#include <algorithm>
#include <array>

#include "core/http/field_syntax.h"

namespace hoop::http_target {
namespace {

using mask::BodyForm;

struct KnownType {
  std::string_view name;
  BodyForm form;
};
constexpr std::array kKnownTypes{
    KnownType{"application/json", BodyForm::json},
    KnownType{"text/json", BodyForm::json},
    KnownType{"application/x-ndjson", BodyForm::json_lines},
    KnownType{"application/ndjson", BodyForm::json_lines},
    KnownType{"application/jsonl", BodyForm::json_lines},
    KnownType{"application/x-jsonlines", BodyForm::json_lines},
    KnownType{"application/json-seq", BodyForm::text},
    KnownType{"text/csv", BodyForm::csv},
    KnownType{"text/event-stream", BodyForm::events},
    KnownType{"application/javascript", BodyForm::text},
    KnownType{"application/xml", BodyForm::text},
    KnownType{"application/yaml", BodyForm::text},
    KnownType{"application/x-yaml", BodyForm::text},
    KnownType{"application/toml", BodyForm::text},
    KnownType{"application/graphql", BodyForm::text},
    KnownType{"application/sql", BodyForm::text},
    KnownType{"application/x-www-form-urlencoded", BodyForm::text},
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

/// What stands behind "charset": '=' and the name of one, and nothing that is still of the name.
bool names_readable_set(std::string_view rest) {
  rest = trimmed(rest);
  if (!rest.starts_with('=')) return false;
  rest = trimmed(rest.substr(1));
  const bool is_quoted = rest.starts_with('"');
  if (is_quoted) rest.remove_prefix(1);
  const std::string_view name = trimmed(rest.substr(0, rest.find_first_of("\";")));
  return name == "utf-8" || name == "utf8" || name == "us-ascii" || name.starts_with("iso-8859-") ||
         name.starts_with("windows-125");
}

}  // namespace

std::string media_type(std::string_view content_type) {
  const std::string out = lower(trimmed(content_type.substr(0, content_type.find(';'))));
  const auto slash = out.find('/');
  const bool is_one = slash != std::string::npos &&
                      http::is_token(std::string_view(out).substr(0, slash)) &&
                      http::is_token(std::string_view(out).substr(slash + 1));
  return is_one ? out : std::string();
}

std::optional<mask::BodyForm> body_form(std::string_view media_type) {
  const auto known = std::ranges::find(kKnownTypes, media_type, &KnownType::name);
  if (known != kKnownTypes.end()) return known->form;
  if (media_type.ends_with("+json")) return BodyForm::json;
  if (media_type.ends_with("+xml") || media_type.starts_with("text/")) return BodyForm::text;
  return std::nullopt;
}

bool is_one_of_types(const std::vector<std::string>& patterns, std::string_view media_type) {
  return std::ranges::any_of(patterns, [&](std::string_view pattern) {
    if (pattern.ends_with("/*"))
      return media_type.starts_with(pattern.substr(0, pattern.size() - 1));
    return pattern == media_type;
  });
}

bool has_header_line(std::string_view content_type) {
  std::string text = lower(content_type);
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '"'; });
  return text.find("header=absent") == std::string::npos;
}

bool is_readable_text(std::string_view content_type) {
  constexpr std::string_view kName = "charset";
  const std::string text = lower(content_type);
  for (auto at = text.find(kName); at != std::string::npos; at = text.find(kName, at + 1)) {
    if (!names_readable_set(std::string_view(text).substr(at + kName.size()))) return false;
  }
  return true;
}

bool is_encoded(const http::Headers& headers) {
  return std::ranges::any_of(headers, [](const http::Header& field) {
    return http::equal_ignoring_case(field.name, "content-encoding") && !field.value.empty() &&
           !http::equal_ignoring_case(field.value, "identity");
  });
}

}  // namespace hoop::http_target
