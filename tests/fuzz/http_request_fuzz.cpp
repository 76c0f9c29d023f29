// SPDX-License-Identifier: Apache-2.0
// Requests: the reader never misbehaves, and says the same of the bytes at once, one by one, and
// cut at a place that the input names.
#include <cstdlib>

#include "tests/support/http_trace.h"

namespace {

constexpr std::uint64_t kMaxBody = 4096;

std::string trace(std::string_view bytes, std::size_t first, std::size_t piece) {
  hoop::http::RequestReader reader(kMaxBody);
  std::string all;
  // Up to four pipelined requests.
  for (int i = 0; i < 4; ++i) {
    const auto one = hoop::test::Trace<hoop::http::RequestReader>::of(reader, bytes, first, piece);
    all += one.text();
    if (one.failure) all += std::to_string(reader.refusal_status());
    if (!one.done) break;
    bytes = bytes.substr(bytes.size() - one.rest.size());
    reader.restart();
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto whole = trace(bytes, bytes.size(), bytes.size());
  if (trace(bytes, 1, 1) != whole ||
      trace(bytes, 1 + data[0] % bytes.size(), bytes.size()) != whole)
    std::abort();
  return 0;
}
