// SPDX-License-Identifier: Apache-2.0
#include "core/http/url.h"

#include <algorithm>
#include <charconv>

#include "core/http/message.h"

namespace hoop::http {
namespace {

constexpr std::size_t kMaxUrlBytes = 8192;
constexpr std::size_t kMaxHostBytes = 253;  // RFC 1035 §2.3.4, as text

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_path_character(char c) {
  return is_letter(c) || is_digit(c) ||
         std::string_view("-._~!$&'()*+,;=:@/").find(c) != std::string_view::npos;
}
// Wider than RFC 3986 by the brackets and the like that browsers leave as they are: they divide
// nothing.
bool is_query_character(char c) {
  return c > ' ' && c < 0x7f && c != '#' && c != '"' && c != '<' && c != '>' && c != '\\';
}

std::uint16_t default_port(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxHostBytes || name.front() == '.') return false;
  const bool characters = std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
  });
  return characters && name.find("..") == std::string_view::npos;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (auto& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

Result<std::uint16_t> parse_port(std::string_view digits) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || port == 0) {
    return fail(ErrorCode::malformed, "the port is not a number from 1 to 65535");
  }
  return port;
}

Result<std::string> parse_v6(std::string_view text) {
  std::error_code error;
  const auto address = asio::ip::make_address_v6(std::string(text), error);
  // A zone is this machine's own matter.
  if (error || text.find('%') != std::string_view::npos)
    return fail(ErrorCode::malformed, "the address in brackets is not an IPv6 address");
  return address.to_string();
}

}  // namespace

Result<Authority> parse_authority(std::string_view text) {
  if (!text.empty() && text.front() == '[') {
    const auto end = text.find(']');
    if (end == std::string_view::npos)
      return fail(ErrorCode::malformed, "the host has no closing bracket");
    HOOP_TRY(auto host, parse_v6(text.substr(1, end - 1)));
    const auto rest = text.substr(end + 1);
    if (rest.empty()) return Authority{std::move(host), 0};
    if (rest.front() != ':')
      return fail(ErrorCode::malformed, "the host is followed by something other than a port");
    HOOP_TRY(const auto port, parse_port(rest.substr(1)));
    return Authority{std::move(host), port};
  }
  const auto colon = text.find(':');
  const auto name = text.substr(0, colon);
  if (!is_host_name(name))
    return fail(ErrorCode::malformed, "the host is not a name or an address");
  if (colon == std::string_view::npos) return Authority{lowered(name), 0};
  HOOP_TRY(const auto port, parse_port(text.substr(colon + 1)));
  return Authority{lowered(name), port};
}

bool is_origin_form(std::string_view text) {
  if (text.empty() || text.front() != '/') return false;
  bool in_query = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
      i += 2;
    } else if (c == '?') {
      in_query = true;
    } else if (!(in_query ? is_query_character(c) : is_path_character(c))) {
      return false;
    }
  }
  return true;
}

Result<Url> parse_url(std::string_view text) {
  if (text.size() > kMaxUrlBytes)
    return fail(ErrorCode::malformed, "the URL is longer than 8192 bytes");
  const auto mark = text.find("://");
  if (mark == std::string_view::npos)
    return fail(ErrorCode::malformed, "the URL has no scheme", "it must begin with https://");
  Url url;
  url.scheme = lowered(text.substr(0, mark));
  if (url.scheme != "https" && url.scheme != "http")
    return fail(ErrorCode::unsupported, "the URL's scheme is neither https nor http");
  const auto rest = text.substr(mark + 3);
  const auto end = rest.find_first_of("/?#");
  const auto authority_text = rest.substr(0, end);
  if (authority_text.find('@') != std::string_view::npos)
    return fail(ErrorCode::malformed, "the URL holds a user name or password");
  HOOP_TRY(auto authority, parse_authority(authority_text));
  url.host = std::move(authority.host);
  url.port = authority.port == 0 ? default_port(url.scheme) : authority.port;
  url.target = end == std::string_view::npos ? "/" : std::string(rest.substr(end));
  if (url.target.front() == '?') url.target.insert(0, "/");
  if (url.target.find('#') != std::string::npos)
    return fail(ErrorCode::malformed, "the URL has a fragment (#)");
  if (!is_origin_form(url.target))
    return fail(ErrorCode::malformed,
                "the URL's path holds a character that must be percent-encoded");
  return url;
}

std::string Url::authority() const {
  auto out = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != default_port(scheme)) out += ":" + std::to_string(port);
  return out;
}

std::string Url::origin() const { return scheme + "://" + authority(); }

std::string_view Url::path() const { return std::string_view(target).substr(0, target.find('?')); }

bool Url::is_loopback() const {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  std::error_code error;
  const auto address = asio::ip::make_address(host, error);
  return !error && address.is_loopback();
}

Url Url::at(std::string other) const {
  HOOP_ASSERT(!other.empty() && other.front() == '/');
  return {scheme, host, port, std::move(other)};
}

}  // namespace hoop::http
