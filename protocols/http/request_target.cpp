// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/request_target.h"

#include <algorithm>

#include "core/base/encoding.h"
#include "core/http/form.h"

namespace hoop::http_target {
namespace {

constexpr std::size_t kMostParameters = 256;

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

/// unreserved / sub-delims / ":" / "@", but for ';', which some servers cut a segment at.
bool stands_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~!$&'()*+,=:@").find(c) != std::string_view::npos;
}

/// A server that decodes twice would see another path than was judged.
bool holds_encoding(std::string_view plain) {
  for (std::size_t at = plain.find('%'); at != std::string_view::npos;
       at = plain.find('%', at + 1)) {
    if (at + 2 < plain.size() && is_hex(plain[at + 1]) && is_hex(plain[at + 2])) return true;
  }
  return false;
}

std::unexpected<Error> refuse(std::string message) {
  return fail(ErrorCode::malformed, std::move(message),
              "servers differ in how they read such a path: write it plainly");
}

Result<void> check_segment(std::string_view plain) {
  if (plain == "." || plain == "..") return refuse("the path holds a dot segment");
  if (plain.find('/') != std::string_view::npos) return refuse("the path holds an encoded slash");
  if (plain.find('\\') != std::string_view::npos) return refuse("the path holds a backslash");
  if (plain.find(';') != std::string_view::npos) return refuse("the path holds a ';'");
  if (std::ranges::any_of(plain, is_control)) return refuse("the path holds a control character");
  if (!is_utf8(plain)) return refuse("the path is not UTF-8");
  if (holds_encoding(plain)) return refuse("the path is percent-encoded twice");
  return {};
}

Result<void> read_path(std::string_view path, RequestTarget& out) {
  for (std::string_view rest = path.substr(1);;) {
    const auto slash = rest.find('/');
    const bool is_last = slash == std::string_view::npos;
    const auto plain = http::percent_decode(rest.substr(0, slash));
    HOOP_ASSERT(plain.has_value());
    if (plain->empty() && !is_last) return refuse("the path holds an empty segment");
    HOOP_CHECK(check_segment(*plain));
    out.path += '/';
    out.path += encode_segment(*plain);
    if (!plain->empty()) out.plain.append("/").append(*plain);
    if (is_last) break;
    rest.remove_prefix(slash + 1);
  }
  if (out.plain.empty()) out.plain = "/";
  return {};
}

std::string form_decoded(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  auto plain = http::percent_decode(spaced);
  HOOP_ASSERT(plain.has_value());
  return std::move(*plain);
}

/// Some servers divide parameters at ';', too, though not at one that is percent-encoded.
std::string without_semicolons(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ';') {
      out += "%3B";
    } else {
      out += c;
    }
  }
  return out;
}

Result<void> read_query(std::string_view query, RequestTarget& out) {
  for (std::string_view rest = query; !rest.empty();) {
    const auto end = std::min(rest.find('&'), rest.size());
    const std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (one.empty()) continue;
    if (out.parameters.size() == kMostParameters)
      return fail(ErrorCode::malformed, "the query has more than 256 parameters");
    const auto equals = std::min(one.find('='), one.size());
    RequestTarget::Parameter parameter;
    parameter.name = form_decoded(one.substr(0, equals));
    if (equals < one.size()) parameter.value = form_decoded(one.substr(equals + 1));
    parameter.text = without_semicolons(one);
    if (parameter.name.find('\0') != std::string::npos ||
        parameter.value.find('\0') != std::string::npos)
      return refuse("the query holds a NUL");
    out.parameters.push_back(std::move(parameter));
  }
  return {};
}

}  // namespace

std::string encode_segment(std::string_view plain) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(plain.size());
  for (const char c : plain) {
    if (stands_plain(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

std::string RequestTarget::text() const {
  std::string out = path;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    out += i == 0 ? '?' : '&';
    out += parameters[i].text;
  }
  return out;
}

Result<RequestTarget> read_request_target(std::string_view target) {
  if (!target.starts_with('/')) return fail(ErrorCode::malformed, "the request target is no path");
  RequestTarget out;
  const auto mark = std::min(target.find('?'), target.size());
  HOOP_CHECK(read_path(target.substr(0, mark), out));
  if (mark < target.size()) HOOP_CHECK(read_query(target.substr(mark + 1), out));
  return out;
}

bool is_below(std::string_view path, std::string_view base) {
  return base.empty() || path == base || (path.starts_with(base) && path[base.size()] == '/');
}

}  // namespace hoop::http_target
