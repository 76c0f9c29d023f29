// SPDX-License-Identifier: Apache-2.0
// A secret, whose length the first byte says, and text in pieces, whose size the second says: no
// secret comes out, whole or encoded, nothing moves, and the cut does not matter.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "core/base/encoding.h"
#include "core/mask/secret_scrubber.h"

using namespace hoop;
using namespace hoop::mask;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

std::string in_pieces(const KnownSecrets& known, std::string_view text, std::size_t size,
                      std::size_t& found) {
  SecretScrubber scrubber(known);
  Bytes out;
  std::size_t given = 0;
  for (std::size_t at = 0; at < text.size(); at += size) {
    const std::string_view piece = text.substr(at, size);
    scrubber.take(as_bytes(piece), out);
    given += piece.size();
    require(given - out.size() < std::max<std::size_t>(known.longest(), 1));
  }
  scrubber.finish(out);
  found = scrubber.found();
  return to_text(out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 8192) return 0;
  const std::size_t length = std::min<std::size_t>(data[0] % 48U, size - 2);
  const std::size_t piece = 1 + data[1];
  const std::string_view secret = as_text(ByteSpan(data + 2, length));
  const std::string_view rest = as_text(ByteSpan(data + 2 + length, size - 2 - length));
  KnownSecrets known;
  known.add(SecretText(std::string(secret)));
  std::string text = std::string(rest) + std::string(secret) + std::string(rest) +
                     to_base64(as_bytes("u:" + std::string(secret))) + std::string(secret);
  std::size_t whole_found = 0, pieces_found = 0;
  const std::string whole =
      in_pieces(known, text, std::max<std::size_t>(text.size(), 1), whole_found);
  const std::string pieces = in_pieces(known, text, piece, pieces_found);
  require(whole == pieces && whole_found == pieces_found && whole.size() == text.size());
  const std::size_t found =
      known.scrub({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  require(text == whole && found == whole_found);
  if (known.empty()) {
    require(found == 0);
    return 0;
  }
  // Of stars new ones could come together.
  if (secret.find('*') == std::string_view::npos)
    require(whole.find(secret) == std::string::npos && found >= 3);
  return 0;
}
