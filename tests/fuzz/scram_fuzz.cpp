// SPDX-License-Identifier: Apache-2.0
// Both sides of SCRAM against a peer that says anything: two messages, separated by a newline.
// Nobody gets through by guessing.
#include <array>

#include "protocols/postgres/scram.h"

namespace {

using namespace hoop;
using namespace hoop::postgres;

constexpr std::string_view kNonce = "rOprNGfwEbeRWgbNEkqO";

void against_client(std::string_view first, std::string_view last, Bytes end_point) {
  constexpr std::array<std::string_view, 2> kOffered = {kScramSha256, kScramSha256Plus};
  auto client = ScramClient::start(kOffered, SecretText("a password that nobody guesses"),
                                   {std::move(end_point), std::string(kNonce), {}});
  HOOP_ASSERT(client.has_value());
  // Real iteration counts would spend the fuzzer's time on hashing.
  if (const auto at = first.find(",i="); at != std::string_view::npos && first.size() > at + 5)
    return;
  static_cast<void>(client->answer(first));
  HOOP_ASSERT(!client->verify(last) && !client->verified());
}

void against_server(std::string_view first, std::string_view last) {
  static const ScramVerifier verifier =
      make_scram_verifier(SecretText("a password that nobody guesses"), Bytes(16, 3), 1);
  ScramServer server(verifier, "servernonce");
  static_cast<void>(server.first(first));
  HOOP_ASSERT(!server.finish(last));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  const std::size_t newline = text.find('\n');
  const std::string_view first = text.substr(0, newline);
  const std::string_view last =
      newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
  against_client(first, last, {});
  against_client(first, last, Bytes(32, 9));
  against_server(first, last);
  return 0;
}
