// SPDX-License-Identifier: Apache-2.0
#include "core/config/client_config.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "core/config/toml_reader.h"

namespace hoop::config {

Result<ClientConfig> parse_client_config(std::string_view name, std::string_view text) {
  HOOP_TRY(const TomlTable table, TomlTable::parse(name, text));
  ClientConfig out;
  out.gateway = table.text_or("gateway", "");
  if (!out.gateway.empty() && !out.gateway.starts_with("https://")) {
    table.complain("gateway", "the gateway's address must start with https://",
                   "gateway = \"https://gw.example:8443\"");
  }
  if (const auto format = table.text("output")) {
    if (*format == "text")
      out.output = OutputFormat::text;
    else if (*format == "json")
      out.output = OutputFormat::json;
    else
      table.complain("output", fmt::format("'{}' is not an output format", *format),
                     "use text or json");
  }
  out.quiet = table.boolean("quiet").value_or(false);
  HOOP_CHECK(table.finish());
  return out;
}

Result<ClientConfig> load_client_config(const std::string& path, Missing missing) {
  constexpr std::size_t kMaxConfigBytes =
      1U << 20;  // a configuration is a page; more is a mistake in the path
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    if (missing == Missing::is_empty && errno == ENOENT) return ClientConfig{};
    return fail(ErrorCode::config, fmt::format("open '{}': {}", path, std::strerror(errno)));
  }
  std::string text(kMaxConfigBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || file.gcount() < 0)
    return fail(ErrorCode::config, fmt::format("'{}' cannot be read", path));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxConfigBytes)
    return fail(ErrorCode::config, fmt::format("'{}' is larger than a configuration can be", path));
  return parse_client_config(path, text);
}

}  // namespace hoop::config
