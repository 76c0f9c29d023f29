// SPDX-License-Identifier: Apache-2.0
#include "gateway/toml_parts.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

namespace hoop::gateway {
namespace {

// Nobody writes more by hand; a wrong file is told apart from a big one.
constexpr std::size_t kMaxFileBytes = 4U << 20;

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return fail(ErrorCode::config, fmt::format("cannot read '{}'", path.string()),
                "'hoopctl gateway init DIR' makes a working directory");
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (in.bad()) return fail(ErrorCode::config, fmt::format("cannot read '{}'", path.string()));
  if (text.size() > kMaxFileBytes)
    return fail(ErrorCode::config, fmt::format("'{}' is longer than 4 MiB", path.string()));
  return text;
}

bool is_name(std::string_view text, std::size_t most) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= most && std::all_of(text.begin(), text.end(), fits) &&
         text.front() != '-' && text.front() != '.';
}

void read_ca(const config::TomlTable& table, std::string_view key, const Layout& layout,
             std::string& pem, std::string* path) {
  const auto file = table.text(key);
  if (!file) return;
  const std::filesystem::path found = layout.directory / *file;  // an absolute one stays as it is
  auto text = read_file(found);
  if (!text) {
    table.complain(key, fmt::format("cannot read '{}'", found.string()));
  } else if (text->find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
    table.complain(key, fmt::format("'{}' holds no PEM certificate", found.string()));
  } else if (text->find("PRIVATE KEY-----") != std::string::npos) {
    table.complain(key, fmt::format("'{}' holds a private key", found.string()),
                   "clients are given this file: put the authorities alone into it");
  } else {
    pem = std::move(*text);
  }
  if (path != nullptr) *path = found.string();
}

}  // namespace hoop::gateway
