// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/reply_fields.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/http/url.h"
#include "core/mask/strictness.h"

namespace hoop::http_target {
namespace {

using Names = std::span<const std::string_view>;

// Of the connection and of framing, and what would have a browser go around the endpoint.
constexpr std::array<std::string_view, 16> kOfConnection{"connection",
                                                         "keep-alive",
                                                         "proxy-connection",
                                                         "proxy-authenticate",
                                                         "proxy-authentication-info",
                                                         "te",
                                                         "trailer",
                                                         "transfer-encoding",
                                                         "content-length",
                                                         "upgrade",
                                                         "alt-svc",
                                                         "strict-transport-security",
                                                         "public-key-pins",
                                                         "expect-ct",
                                                         "x-hoopctl-session",
                                                         "nel"};
// They vouch for bytes that are not those which the program gets.
constexpr std::array<std::string_view, 7> kOfBytes{"etag",           "content-md5", "digest",
                                                   "content-digest", "repr-digest", "accept-ranges",
                                                   "content-range"};
constexpr std::array<std::string_view, 3> kOfLogin{"www-authenticate", "authentication-info",
                                                   "authorization"};
constexpr std::array<std::string_view, 5> kWithUrl{"location", "content-location", "refresh",
                                                   "link", "sourcemap"};
// What a client frames and reads by is not a text with something in it.
constexpr std::array<std::string_view, 6> kStructural{
    "content-type", "content-encoding", "date", "content-language", "vary", "age"};

bool is_named(Names names, std::string_view name) {
  return std::ranges::any_of(
      names, [&](std::string_view one) { return http::equal_ignoring_case(one, name); });
}

bool begins_with(std::string_view name, std::string_view prefix) {
  return name.size() >= prefix.size() &&
         http::equal_ignoring_case(name.substr(0, prefix.size()), prefix);
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool ends_origin(std::string_view rest) {
  return rest.empty() ||
         std::string_view("/?#>\"'; ,").find(rest.front()) != std::string_view::npos;
}

/// Every URL of the target's origin, in whatever the field holds.
std::string led_back(std::string_view value, const ReturnRules& rules) {
  std::string out;
  for (;;) {
    const auto at = value.find(rules.target_origin);
    if (at == std::string_view::npos) break;
    const std::string_view rest = value.substr(at + rules.target_origin.size());
    out.append(value.substr(0, at));
    out.append(ends_origin(rest) ? rules.endpoint_origin : rules.target_origin);
    value = rest;
  }
  out.append(value);
  return out;
}

/// "//host/…": of the page's scheme, which is the endpoint's.
std::string local_location(std::string_view value, const ReturnRules& rules) {
  const std::string_view relative =
      std::string_view(rules.target_origin).substr(rules.target_origin.find(':') + 1);
  if (value.starts_with(relative) && ends_origin(value.substr(relative.size())))
    return rules.endpoint_origin + std::string(value.substr(relative.size()));
  return led_back(value, rules);
}

bool header_is_masked(std::string_view pattern, std::string_view name) {
  if (pattern.ends_with('*')) return begins_with(name, pattern.substr(0, pattern.size() - 1));
  return http::equal_ignoring_case(pattern, name);
}

std::optional<access::MaskStrategy> strategy_of(const std::vector<access::Mask>& masks,
                                                std::string_view name) {
  std::optional<access::MaskStrategy> out;
  for (const access::Mask& mask : masks) {
    const bool is_masked = std::ranges::any_of(
        mask.headers, [&](const std::string& pattern) { return header_is_masked(pattern, name); });
    if (is_masked) out = mask::stricter(out, mask.with);
  }
  return out;
}

}  // namespace

std::string local_cookie(std::string_view cookie) {
  std::string out(without_blanks(cookie.substr(0, cookie.find(';'))));
  for (std::size_t at = cookie.find(';'); at != std::string_view::npos;) {
    const auto next = cookie.find(';', at + 1);
    const std::string_view attribute = without_blanks(cookie.substr(
        at + 1, next == std::string_view::npos ? std::string_view::npos : next - at - 1));
    at = next;
    const std::string_view name = without_blanks(attribute.substr(0, attribute.find('=')));
    if (attribute.empty() || http::equal_ignoring_case(name, "domain") ||
        http::equal_ignoring_case(name, "secure") || http::equal_ignoring_case(name, "partitioned"))
      continue;
    // SameSite=None is for Secure ones alone.
    const bool is_none = http::equal_ignoring_case(name, "samesite") && attribute.size() >= 4 &&
                         http::equal_ignoring_case(attribute.substr(attribute.size() - 4), "none");
    if (is_none) continue;
    out.append("; ").append(attribute);
  }
  return out;
}

http::Headers returned_fields(const http::Headers& headers, const ReturnRules& rules) {
  http::Headers out;
  for (const http::Header& field : headers) {
    const std::string_view name = field.name;
    if (is_named(kOfConnection, name) || headers.lists("connection", name)) continue;
    if (begins_with(name, "access-control-")) continue;
    if (rules.has_credential && is_named(kOfLogin, name)) continue;
    if (rules.is_rewritten && (is_named(kOfBytes, name) || begins_with(name, "x-amz-checksum-")))
      continue;
    if (http::equal_ignoring_case(name, "set-cookie")) {
      out.add(field.name, local_cookie(field.value));
    } else if (is_named(kWithUrl, name)) {
      out.add(field.name, local_location(field.value, rules));
    } else {
      out.add(field.name, field.value);
    }
  }
  return out;
}

Result<void> mask_fields(http::Headers& fields, const std::vector<access::Mask>& masks,
                         mask::Masker& masker, const mask::KnownSecrets& secrets,
                         mask::HiddenCounts& hidden) {
  std::vector<std::string> values;
  std::vector<std::string_view> looked_at;
  std::vector<std::size_t> which;
  values.reserve(fields.size());
  for (const http::Header& field : fields) {
    const auto strategy = strategy_of(masks, field.name);
    if (strategy) {
      ++hidden.columns;
      values.push_back(masker.masked(*strategy, field.value).value_or(""));
      continue;
    }
    values.push_back(field.value);
    if (is_named(kStructural, field.name)) continue;
    which.push_back(values.size() - 1);
  }
  // All of them in one scan.
  for (const std::size_t at : which) looked_at.push_back(values[at]);
  std::vector<std::optional<std::string>> rewritten(looked_at.size());
  HOOP_CHECK(masker.rewrite(looked_at, rewritten, hidden));
  for (std::size_t i = 0; i < which.size(); ++i) {
    if (rewritten[i]) values[which[i]] = std::move(*rewritten[i]);
  }
  http::Headers out;
  std::size_t next = 0;
  for (const http::Header& field : fields) {
    std::string& value = values[next++];
    secrets.scrub(MutableByteSpan(reinterpret_cast<std::uint8_t*>(value.data()), value.size()));
    out.add(field.name, std::move(value));
  }
  fields = std::move(out);
  return {};
}

}  // namespace hoop::http_target
