// SPDX-License-Identifier: Apache-2.0
// Request targets: whatever stands in one, it is refused or has one spelling, which reads the same
// again and leads nowhere else.
#include <cstdlib>

#include "core/http/url.h"
#include "protocols/http/request_target.h"
#include "protocols/http/returned_masks.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void check_path(const hoop::http_target::RequestTarget& target) {
  const std::string& plain = target.plain;
  check(plain.starts_with('/') && (plain == "/" || !plain.ends_with('/')));
  const std::string closed = plain + "/";
  for (const char* part : {"//", "/./", "/../"})
    check(plain == "/" || closed.find(part) == std::string::npos);
  check(plain.find_first_of("\\;") == std::string::npos);
  check(target.path.find_first_of("\\;?#\"<> ") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // The codec lets no other pass.
  if (!hoop::http::is_origin_form(text)) return 0;
  const auto once = hoop::http_target::read_request_target(text);
  if (!once) return 0;
  check_path(*once);
  const std::string written = once->text();
  check(hoop::http::is_origin_form(written));
  const auto twice = hoop::http_target::read_request_target(written);
  check(twice.has_value());
  check(twice->text() == written && twice->plain == once->plain && twice->path == once->path);
  check(twice->parameters.size() == once->parameters.size());
  for (std::size_t i = 0; i < once->parameters.size(); ++i)
    check(twice->parameters[i].name == once->parameters[i].name &&
          twice->parameters[i].value == once->parameters[i].value);
  check(hoop::http_target::carries_mask(*twice) == hoop::http_target::carries_mask(*once));
  return 0;
}
