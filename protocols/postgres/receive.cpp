// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/receive.h"

namespace hoop::postgres {

Task<Frame> receive(net::Stream& stream, FrameReader& reader, Direction direction) {
  for (;;) {
    HOOP_CO_TRY(const auto frame, reader.next(direction));
    if (frame) co_return *frame;
    HOOP_CO_TRY(const auto count, co_await stream.read_some(reader.prepare()));
    if (count == 0) co_return fail(ErrorCode::io, "the peer closed the connection");
    reader.commit(count);
  }
}

}  // namespace hoop::postgres
