// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/relay_frames.h"

#include "tests/support/catch.h"

namespace hoop::ssh {

TEST_CASE("relay frames: what is written is what is read, and nothing else is") {
  const std::vector<FromRelay> from{RelayReady{"ann", "SHA256:x", "SSH-2.0-x"},
                                    RelayFailed{Error{ErrorCode::integrity, "m", "h", "r"}},
                                    RelayAsk{7, 1, RelayAct::pty, "xterm", "", 80, 24},
                                    RelayOutput{8, 1, RelayStream::err, {1, 2, 3}},
                                    RelayResized{1, 100, 30},
                                    RelayTyped{1, {'l', 's'}},
                                    RelayEnded{1, true, 3, "TERM", 10, 20}};
  for (const FromRelay& frame : from) {
    const Bytes bytes = encode(frame);
    CHECK(decode_from_relay(bytes) == frame);
    for (std::size_t at = 0; at < bytes.size(); ++at)
      CHECK_FALSE(decode_from_relay(ByteSpan(bytes).first(at)));
    Bytes longer = bytes;
    longer.push_back(0);
    CHECK_FALSE(decode_from_relay(longer));
    CHECK_FALSE(decode_to_relay(bytes));
  }
  const auto verdict = decode_to_relay(encode(ToRelay(RelayVerdict{7, false, "no"})));
  REQUIRE(verdict);
  CHECK(std::get<RelayVerdict>(*verdict) == RelayVerdict{7, false, "no"});
  const RelayVerdict told{8, true, "", true, true, "menu"};
  CHECK(std::get<RelayVerdict>(decode_to_relay(encode(ToRelay(told))).value()) == told);
  Bytes framed, direct;
  append_framed(framed, encode(ToRelay(RelayMasked{9, {1, 2}})));
  append_framed(framed, encode(ToRelay(RelayMore{4, RelayStream::in, {3}})));
  append_masked(direct, 9, Bytes{1, 2});
  append_more(direct, 4, RelayStream::in, Bytes{3});
  CHECK(direct == framed);
  const RelayStop stop{3, "enough"};
  CHECK(std::get<RelayStop>(decode_to_relay(encode(ToRelay(stop))).value()) == stop);
  CHECK_FALSE(decode_from_relay(
      encode(FromRelay(RelayOutput{8, 1, RelayStream::out, Bytes(kMaxOutput + 1)}))));
}

}  // namespace hoop::ssh
