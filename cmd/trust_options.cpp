// SPDX-License-Identifier: Apache-2.0
#include "cmd/trust_options.h"

#include <algorithm>

#include <fmt/format.h>

#include "cmd/console.h"
#include "cmd/read_file.h"
#include "core/base/encoding.h"
#include "core/net/tls.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kMaxCaBytes = 1U << 20;

}  // namespace

Result<std::string> read_ca_digest(std::string text, std::string_view from) {
  std::erase(text, ':');
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto raw = from_hex(text);
  if (!raw || raw->size() != 32)
    return fail(ErrorCode::usage, fmt::format("{} takes 64 hexadecimal digits", from),
                "'hoopctl gateway init' prints them");
  return text;
}

Result<std::string> read_ca_file(const std::string& path, std::string_view from) {
  auto text = read_file(path, kMaxCaBytes);
  if (!text) return std::unexpected(std::move(text).error().within(std::string(from)));
  if (!net::certificate_sha256(*text)) {
    return fail(ErrorCode::usage,
                fmt::format("{} '{}' holds no certificate", from, remote_text(path)),
                "it must be in PEM form");
  }
  return text;
}

}  // namespace hoop::cmd
