// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/destination.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

#include <fmt/format.h>

namespace hoop::ssh {
namespace {

constexpr std::size_t kMaxHost = 255;

bool is_letter_of_host(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ||
         c == ':';
}

std::string text_of(const in_addr& address) {
  char text[INET_ADDRSTRLEN];
  return ::inet_ntop(AF_INET, &address, text, sizeof text);
}

}  // namespace

std::optional<std::string> destination_of(std::string_view host, std::uint32_t port) {
  if (port > 65535 || host.size() > kMaxHost) return std::nullopt;
  std::string name(host);
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  if (name.ends_with('.')) name.pop_back();
  if (host.empty()) return fmt::format("any:{}", port);
  if (name.empty() || !std::ranges::all_of(name, is_letter_of_host)) return std::nullopt;
  if (in6_addr v6{}; ::inet_pton(AF_INET6, name.c_str(), &v6) == 1) {
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
      in_addr v4{};
      std::copy_n(&v6.s6_addr[12], 4, reinterpret_cast<std::uint8_t*>(&v4.s_addr));
      return fmt::format("{}:{}", text_of(v4), port);
    }
    char text[INET6_ADDRSTRLEN];
    return fmt::format("[{}]:{}", ::inet_ntop(AF_INET6, &v6, text, sizeof text), port);
  }
  if (name.find(':') != std::string::npos) return std::nullopt;
  // 127.1, 0x7f000001 and 2130706433 are all one address to those who look names up.
  if (in_addr v4{}; ::inet_aton(name.c_str(), &v4) != 0)
    return fmt::format("{}:{}", text_of(v4), port);
  return fmt::format("{}:{}", name, port);
}

}  // namespace hoop::ssh
