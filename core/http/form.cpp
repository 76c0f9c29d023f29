// SPDX-License-Identifier: Apache-2.0
#include "core/http/form.h"

#include <fmt/format.h>

#include "core/base/encoding.h"

namespace hoop::http {
namespace {

constexpr std::size_t kMaxFields = 100;
constexpr std::size_t kMaxFieldBytes = 64 * 1024;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> decode_field(std::string_view text) {
  if (text.size() > kMaxFieldBytes)
    return fail(ErrorCode::too_large, "a form field is longer than 64 KiB");
  std::string plus(text);
  for (auto& c : plus) c = c == '+' ? ' ' : c;
  auto out = percent_decode(plus);
  if (!out)
    return fail(ErrorCode::malformed, "a form field has a '%' without two hexadecimal digits");
  if (out->find('\0') != std::string::npos || !is_utf8(*out))
    return fail(ErrorCode::malformed, "a form field is not text in UTF-8");
  return std::move(*out);
}

}  // namespace

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool unreserved = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                            (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

Result<Form> Form::parse(std::string_view text) {
  Form form;
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto field = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (field.empty()) continue;
    if (form.fields_.size() == kMaxFields)
      return fail(ErrorCode::too_large, "the form has more than 100 fields");
    const auto equals = field.find('=');
    HOOP_TRY(auto name, decode_field(field.substr(0, equals)));
    HOOP_TRY(auto value, decode_field(equals == std::string_view::npos ? std::string_view{}
                                                                       : field.substr(equals + 1)));
    if (form.find(name)) return fail(ErrorCode::malformed, "a form field comes twice");
    form.add(std::move(name), std::move(value));
  }
  return form;
}

std::optional<std::string_view> Form::find(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::string Form::encode() const {
  std::string out;
  for (const auto& [name, value] : fields_) {
    if (!out.empty()) out += '&';
    out += percent_encode(name) + '=' + percent_encode(value);
  }
  return out;
}

}  // namespace hoop::http
