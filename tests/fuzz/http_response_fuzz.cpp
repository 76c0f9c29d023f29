// SPDX-License-Identifier: Apache-2.0
// Responses to GET, HEAD and CONNECT: the reader never misbehaves, and says the same of the bytes
// however they are cut.
#include <array>
#include <cstdlib>

#include "tests/support/http_trace.h"

namespace {

constexpr std::uint64_t kMaxBody = 4096;

std::string trace(const char* method, std::string_view bytes, std::size_t first,
                  std::size_t piece) {
  hoop::http::ResponseReader reader(method, kMaxBody);
  auto text = hoop::test::Trace<hoop::http::ResponseReader>::of(reader, bytes, first, piece).text();
  text += reader.end_of_input() ? "ended" : "cut";
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  constexpr std::array kMethods{"GET", "HEAD", "CONNECT"};
  const char* method = kMethods[data[0] % kMethods.size()];
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto whole = trace(method, bytes, bytes.size(), bytes.size());
  if (trace(method, bytes, 1, 1) != whole ||
      trace(method, bytes, 1 + data[0] % bytes.size(), bytes.size()) != whole)
    std::abort();
  return 0;
}
