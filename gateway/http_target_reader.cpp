// SPDX-License-Identifier: Apache-2.0
#include "gateway/http_target_reader.h"

#include <fmt/format.h>

#include "core/access/http_names.h"
#include "gateway/http_target_parts.h"

namespace hoop::gateway {
namespace {

using config::TomlTable;

void read_encryption(const TomlTable& table, const http::Url& url, const Layout& layout,
                     ConfiguredTarget& out) {
  if (url.scheme == "https") {
    read_tls(table, layout, out);
    if (out.target.tls == access::TlsMode::disable)
      table.complain("tls", "an https:// URL has TLS", "verify-full, or verify-ca");
    return;
  }
  out.target.tls = access::TlsMode::disable;
  const auto mode = table.text("tls");
  if (mode && *mode != "disable") table.complain("tls", "an http:// URL has no TLS", "https://");
  for (const char* key : {"ca_file", "server_name"})
    if (table.has(key)) table.complain(key, "an http:// URL has no TLS", "https://");
  if (out.via == Via::agent)
    table.complain(
        "url", "what goes through an agent is encrypted by the gateway: an http:// URL cannot be",
        "https://");
  if (!out.secrets.empty() && !mode && !url.is_loopback())
    table.complain("url", "the credential would go over the network in clear",
                   "https://; or tls = \"disable\", if it may");
}

void read_url_variable(const TomlTable& table, access::Target& out) {
  out.url_variable = table.text_or("url_variable", "");
  if (!out.url_variable.empty() && !access::is_url_variable(out.url_variable))
    table.complain("url_variable",
                   fmt::format("'{}' is no variable that could hold a URL", out.url_variable),
                   "like BILLING_URL: A-Z, 0-9 and '_', and none that changes how programs run");
}

void read_unmasked_types(const TomlTable& table, access::Target& out) {
  out.unmasked_types = table.text_list("unmasked_types");
  for (std::size_t i = 0; i < out.unmasked_types.size(); ++i) {
    if (!access::is_media_range(out.unmasked_types[i]))
      table.complain("unmasked_types", i,
                     fmt::format("'{}' is no media type", out.unmasked_types[i]),
                     "like \"image/png\" or \"image/*\", in lower case");
  }
}

}  // namespace

void read_http_target(const TomlTable& table, const Layout& layout, ConfiguredTarget& out) {
  const auto url = read_base_url(table, out.target);
  read_credential(table, out);
  read_http_path(table, out);
  if (url) read_encryption(table, *url, layout, out);
  read_url_variable(table, out.target);
  read_unmasked_types(table, out.target);
}

}  // namespace hoop::gateway
