// SPDX-License-Identifier: Apache-2.0
#include "core/http/message.h"

#include <algorithm>
#include <array>

#include "core/base/encoding.h"

namespace hoop::http {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

void Headers::set(std::string name, std::string value) {
  remove(name);
  add(std::move(name), std::move(value));
}

void Headers::remove(std::string_view name) {
  std::erase_if(fields_,
                [&](const Header& field) { return equal_ignoring_case(field.name, name); });
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (const auto& field : fields_) {
    if (equal_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::optional<std::string_view> Headers::only(std::string_view name) const {
  return count(name) == 1 ? find(name) : std::nullopt;
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(fields_.begin(), fields_.end(),
                    [&](const Header& field) { return equal_ignoring_case(field.name, name); }));
}

bool Headers::lists(std::string_view name, std::string_view element) const {
  for (const auto& field : fields_) {
    if (!equal_ignoring_case(field.name, name)) continue;
    std::string_view rest = field.value;
    for (;;) {
      const auto comma = rest.find(',');
      if (equal_ignoring_case(trimmed(rest.substr(0, comma)), element)) return true;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

std::string_view Request::path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

std::string_view Request::query() const {
  const auto mark = target.find('?');
  return mark == std::string::npos ? std::string_view{} : std::string_view(target).substr(mark + 1);
}

std::string_view reason_phrase(int status) {
  struct Reason {
    int status;
    std::string_view phrase;
  };
  static constexpr std::array kReasons{
      Reason{100, "Continue"},
      Reason{101, "Switching Protocols"},
      Reason{200, "OK"},
      Reason{201, "Created"},
      Reason{202, "Accepted"},
      Reason{204, "No Content"},
      Reason{206, "Partial Content"},
      Reason{301, "Moved Permanently"},
      Reason{302, "Found"},
      Reason{303, "See Other"},
      Reason{304, "Not Modified"},
      Reason{307, "Temporary Redirect"},
      Reason{308, "Permanent Redirect"},
      Reason{400, "Bad Request"},
      Reason{401, "Unauthorized"},
      Reason{403, "Forbidden"},
      Reason{404, "Not Found"},
      Reason{405, "Method Not Allowed"},
      Reason{406, "Not Acceptable"},
      Reason{408, "Request Timeout"},
      Reason{409, "Conflict"},
      Reason{410, "Gone"},
      Reason{411, "Length Required"},
      Reason{412, "Precondition Failed"},
      Reason{413, "Content Too Large"},
      Reason{414, "URI Too Long"},
      Reason{415, "Unsupported Media Type"},
      Reason{417, "Expectation Failed"},
      Reason{421, "Misdirected Request"},
      Reason{422, "Unprocessable Content"},
      Reason{425, "Too Early"},
      Reason{426, "Upgrade Required"},
      Reason{428, "Precondition Required"},
      Reason{429, "Too Many Requests"},
      Reason{431, "Request Header Fields Too Large"},
      Reason{500, "Internal Server Error"},
      Reason{501, "Not Implemented"},
      Reason{502, "Bad Gateway"},
      Reason{503, "Service Unavailable"},
      Reason{504, "Gateway Timeout"},
      Reason{505, "HTTP Version Not Supported"},
      Reason{507, "Insufficient Storage"},
  };
  for (const auto& reason : kReasons) {
    if (reason.status == status) return reason.phrase;
  }
  return "Unknown";
}

Response json_response(int status, std::string json) {
  return {status, {{"Content-Type", "application/json"}}, std::move(json)};
}

Response problem_response(int status, std::string_view code, std::string_view detail) {
  std::string json = R"({"type":"about:blank","title":)";
  append_json_string(json, reason_phrase(status));
  json += R"(,"status":)" + std::to_string(status) + R"(,"detail":)";
  append_json_string(json, detail);
  json += R"(,"code":)";
  append_json_string(json, code);
  json += "}";
  return {status, {{"Content-Type", "application/problem+json"}}, std::move(json)};
}

Response method_not_allowed(std::string_view allowed) {
  Response out = problem_response(405, "method", "this method is not for this path");
  out.headers.set("Allow", std::string(allowed));
  return out;
}

}  // namespace hoop::http
