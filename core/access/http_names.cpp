// SPDX-License-Identifier: Apache-2.0
#include "core/access/http_names.h"

#include <algorithm>
#include <array>
#include <string>

#include "core/base/encoding.h"

namespace hoop::access {
namespace {

constexpr std::size_t kMostHttpNameBytes = 128;
constexpr std::size_t kMostBasePathBytes = 512;

constexpr std::array<std::string_view, 16> kNoCredentialHeaders{"host",
                                                                "content-length",
                                                                "transfer-encoding",
                                                                "connection",
                                                                "keep-alive",
                                                                "upgrade",
                                                                "te",
                                                                "trailer",
                                                                "expect",
                                                                "http2-settings",
                                                                "range",
                                                                "if-range",
                                                                "accept",
                                                                "content-encoding",
                                                                "accept-encoding",
                                                                "content-type"};

// A '*' at the end stands for anything.
constexpr std::array<std::string_view, 26> kNoUrlVariables{
    "PATH",   "HOME",       "SHELL",    "IFS",        "ENV",         "BASH*",     "LD_*",
    "DYLD_*", "GCONV_PATH", "PYTHON*",  "NODE_*",     "PERL*",       "RUBY*",     "GIT_*",
    "SSH_*",  "PG*",        "HOOPCTL*", "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY",
    "JAVA_*", "XDG_*",      "SSL_*",    "NO_PROXY",   "TMPDIR"};

bool is_decimal(char c) { return c >= '0' && c <= '9'; }
bool is_upper_letter(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter_or_decimal(char c) {
  return is_decimal(c) || is_upper_letter(c) || (c >= 'a' && c <= 'z');
}

bool is_http_name_character(char c) {
  return is_letter_or_decimal(c) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_base_path_segment(std::string_view segment) {
  const auto fits = [](char c) {
    return is_letter_or_decimal(c) ||
           std::string_view("-._~:@+,=").find(c) != std::string_view::npos;
  };
  return !segment.empty() && segment != "." && segment != ".." &&
         std::ranges::all_of(segment, fits);
}

}  // namespace

bool is_http_name(std::string_view name) {
  return !name.empty() && name.size() <= kMostHttpNameBytes &&
         std::ranges::all_of(name, is_http_name_character);
}

bool is_http_value(std::string_view text) {
  const auto is_control = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  };
  return !text.empty() && text.front() != ' ' && text.back() != ' ' &&
         std::ranges::none_of(text, is_control) && is_utf8(text);
}

bool is_credential_header(std::string_view name) {
  if (!is_http_name(name)) return false;
  std::string plain(name);
  std::ranges::transform(plain, plain.begin(), [](char c) {
    if (c == '_') return '-';
    return is_upper_letter(c) ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return !plain.starts_with("proxy-") && !plain.starts_with("sec-") &&
         std::ranges::find(kNoCredentialHeaders, plain) == kNoCredentialHeaders.end();
}

bool is_base_path(std::string_view path) {
  if (path.size() > kMostBasePathBytes) return false;
  while (!path.empty()) {
    if (path.front() != '/') return false;
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    if (!is_base_path_segment(path.substr(0, end))) return false;
    path.remove_prefix(end);
  }
  return true;
}

bool is_url_variable(std::string_view name) {
  const auto fits = [](char c) { return is_upper_letter(c) || is_decimal(c) || c == '_'; };
  if (name.empty() || name.size() > kMostHttpNameBytes || is_decimal(name.front()) ||
      !std::ranges::all_of(name, fits))
    return false;
  return std::ranges::none_of(kNoUrlVariables, [&](std::string_view refused) {
    if (refused.ends_with('*')) return name.starts_with(refused.substr(0, refused.size() - 1));
    return name == refused;
  });
}

bool is_media_range(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || std::ranges::any_of(text, is_upper_letter)) return false;
  const std::string_view type = text.substr(0, slash), subtype = text.substr(slash + 1);
  const auto is_name = [](std::string_view name) {
    return is_http_name(name) && name.find('*') == std::string_view::npos;
  };
  return is_name(type) && (subtype == "*" || is_name(subtype));
}

}  // namespace hoop::access
