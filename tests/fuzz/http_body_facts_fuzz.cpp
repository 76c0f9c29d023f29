// SPDX-License-Identifier: Apache-2.0
// Bodies of requests: what they say is bounded, and a body that is not read to its end says
// nothing.
#include <array>
#include <cstdlib>

#include "protocols/http/request_body.h"
#include "protocols/http/returned_masks.h"

namespace {

using hoop::http_target::BodyKind;

constexpr std::array kTypes{"application/json", "application/x-www-form-urlencoded", "",
                            "text/plain; charset=utf-7", "application/json; charset=\"utf-8\""};
constexpr std::size_t kMostFields = 10'000;
constexpr std::size_t kMostBytes = std::size_t{5} << 20;

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view type = kTypes[data[0] % kTypes.size()];
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto facts = hoop::http_target::read_request_body(type, body);
  if (facts) {
    check((facts->kind == BodyKind::none) == body.empty());
    check(facts->kind != BodyKind::opaque || facts->fields.empty());
    check(facts->kind != BodyKind::json || !facts->fields.empty());
    check(facts->fields.size() <= kMostFields + 100);
    std::size_t bytes = 0;
    for (const std::string& field : facts->fields) {
      check(field.find('=') != std::string::npos);
      bytes += field.size();
    }
    check(bytes <= kMostBytes);
  }
  // A mask is found however it is cut.
  hoop::http_target::ReturnedMasks masks(type);
  bool found = false;
  for (std::size_t i = 0; i < body.size(); ++i)
    found = masks.carries_mask(hoop::as_bytes(body.substr(i, 1))) || found;
  check(found || body.find("[redacted]") == std::string_view::npos);
  return 0;
}
