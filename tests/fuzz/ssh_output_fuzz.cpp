// SPDX-License-Identifier: Apache-2.0
// Output of a program in pieces of a size that the first byte says. What holds nothing to hide
// comes out as it went in; what a whole line holds to hide is hidden however it is cut.
#include "core/mask/stream_masker.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using namespace hoop;

mask::Masker make_masker() {
  access::Mask mask;
  mask.name = "secrets";
  mask.detectors = {"payment_card", "private_key", "github_token"};
  return std::move(*mask::Masker::create({mask}, SecretBytes(Bytes(32, 1))));
}

std::string in_pieces(mask::Masker& masker, std::string_view text, std::size_t size) {
  mask::StreamMasker output(masker);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += size) {
    const auto part = output.take(as_bytes(text.substr(at, size)));
    if (!part) __builtin_trap();
    out += to_text(*part);
  }
  const auto rest = output.finish();
  if (!rest) __builtin_trap();
  return out + to_text(*rest);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static mask::Masker masker = make_masker();
  if (size < 2 || size > 8192) return 0;
  const std::string_view text = as_text(ByteSpan(data + 1, size - 1));
  mask::HiddenCounts hidden;
  const auto whole = masker.rewrite_text(text, hidden);
  if (!whole) __builtin_trap();
  const std::string pieces = in_pieces(masker, text, std::max<std::size_t>(data[0], 1));
  if (hidden.total() == 0 && *whole == text && pieces != text) __builtin_trap();
  // Cut at another size nothing comes to light.
  // Longer numbers are none.
  if (text.find("4111111111111111") != std::string_view::npos) return 0;
  const std::string card = "\n4111111111111111 \n";
  const std::string planted = std::string(text) + card;
  if (in_pieces(masker, planted, std::max<std::size_t>(data[0], 1)).find("4111111111111111") !=
      std::string::npos)
    __builtin_trap();
  return 0;
}
