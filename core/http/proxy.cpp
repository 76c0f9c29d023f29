// SPDX-License-Identifier: Apache-2.0
#include "core/http/proxy.h"

#include "core/base/encoding.h"
#include "core/http/form.h"

namespace hoop::http {
namespace {

constexpr std::uint16_t kDefaultProxyPort = 80;

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == ',' || c == ' ' || c == '\t') {
      if (!out.back().empty()) out.emplace_back();
    } else {
      out.back() += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
  }
  if (out.back().empty()) out.pop_back();
  return out;
}

bool names(std::string_view entry, const Url& url) {
  if (entry == "*") return true;
  const auto authority = parse_authority(entry.starts_with('.') ? entry.substr(1) : entry);
  if (!authority) return entry == url.host;  // an IPv6 address without brackets
  if (authority->port != 0 && authority->port != url.port) return false;
  return url.host == authority->host || url.host.ends_with("." + authority->host);
}

Error unreadable() {
  return {ErrorCode::config,
          "HTTPS_PROXY is not of the form http://[user:password@]host[:port]",
          "correct the variable, or unset it",
          {}};
}

}  // namespace

Result<std::optional<Proxy>> Proxy::from_environment(const ProxyEnvironment& environment) {
  std::string_view text = environment.https_proxy;
  if (text.empty()) return std::optional<Proxy>{};
  if (text.starts_with("http://")) text.remove_prefix(7);
  if (text.ends_with('/')) text.remove_suffix(1);
  Proxy proxy;
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    const auto login = percent_decode(text.substr(0, at));
    if (!login) return std::unexpected(unreadable());
    const auto whole = login->find(':') == std::string::npos ? *login + ":" : *login;
    proxy.authorization_ = SecretText("Basic " + to_base64(as_bytes(whole)));
    text.remove_prefix(at + 1);
  }
  auto authority = parse_authority(text);
  if (!authority) return std::unexpected(unreadable());
  proxy.host_ = std::move(authority->host);
  proxy.port_ = authority->port == 0 ? kDefaultProxyPort : authority->port;
  proxy.direct_ = split_list(environment.no_proxy);
  return std::optional<Proxy>(std::move(proxy));
}

bool Proxy::applies_to(const Url& url) const {
  if (url.scheme != "https" || url.is_loopback()) return false;
  for (const auto& entry : direct_) {
    if (names(entry, url)) return false;
  }
  return true;
}

}  // namespace hoop::http
