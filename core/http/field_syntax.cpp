// SPDX-License-Identifier: Apache-2.0
#include "core/http/field_syntax.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace hoop::http {
namespace {

bool is_token_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

constexpr std::array<std::string_view, 10> kSingletons{"host",
                                                       "content-length",
                                                       "transfer-encoding",
                                                       "authorization",
                                                       "proxy-authorization",
                                                       "content-type",
                                                       "expect",
                                                       "range",
                                                       "location",
                                                       "upgrade"};

Result<std::uint64_t> parse_length(std::string_view text) {
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(),
                                                   [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return fail(ErrorCode::malformed, "Content-Length is not a plain number");
  if (text.size() > 1 && text.front() == '0')
    return fail(ErrorCode::malformed, "Content-Length has a leading zero");
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc())
    return fail(ErrorCode::too_large, "Content-Length is beyond all bounds");
  return value;
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

Result<Header> parse_field_line(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t')
    return fail(ErrorCode::malformed, "a header line begins with a blank (folding is obsolete)");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos)
    return fail(ErrorCode::malformed, "a header line has no colon");
  const auto name = line.substr(0, colon);
  if (!is_token(name))
    return fail(ErrorCode::malformed,
                "a header name is empty or holds a character that names cannot have");
  const auto value = trimmed(line.substr(colon + 1));
  if (!is_field_value(value))
    return fail(ErrorCode::malformed, "a header value holds a control character");
  return Header{std::string(name), std::string(value)};
}

Result<std::optional<Framing>> declared_framing(const Headers& headers, Coding coding) {
  const auto lengths = headers.count("content-length");
  const auto codings = headers.count("transfer-encoding");
  if (lengths + codings == 0) return std::optional<Framing>{};
  if (lengths != 0 && codings != 0)
    return fail(ErrorCode::malformed, "Content-Length and Transfer-Encoding stand together");
  if (lengths > 1) return fail(ErrorCode::malformed, "Content-Length stands there twice");
  if (codings > 1) return fail(ErrorCode::malformed, "Transfer-Encoding stands there twice");
  if (lengths == 1) {
    HOOP_TRY(const auto length, parse_length(*headers.find("content-length")));
    return Framing{Framing::Kind::length, length};
  }
  const auto value = *headers.find("transfer-encoding");
  const bool chunked =
      coding == Coding::exact ? value == "chunked" : equal_ignoring_case(value, "chunked");
  if (!chunked) return fail(ErrorCode::unsupported, "Transfer-Encoding is not exactly 'chunked'");
  return Framing{Framing::Kind::chunked, 0};
}

Result<void> check_singletons(const Headers& headers) {
  for (const auto name : kSingletons) {
    if (headers.count(name) > 1)
      return fail(ErrorCode::malformed, fmt::format("the header '{}' stands there twice", name));
  }
  for (const auto& field : headers) {
    if (field.name.find('_') == std::string::npos) continue;
    auto dashed = field.name;
    std::replace(dashed.begin(), dashed.end(), '_', '-');
    const bool disguised = std::any_of(kSingletons.begin(), kSingletons.end(), [&](auto name) {
      return equal_ignoring_case(name, dashed);
    });
    if (disguised)
      return fail(ErrorCode::malformed, "a header name imitates another by an underscore");
  }
  return {};
}

}  // namespace hoop::http
