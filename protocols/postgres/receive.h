// SPDX-License-Identifier: Apache-2.0
// Reads from a Stream until a FrameReader has one more message.
#pragma once

#include "core/net/stream.h"
#include "protocols/postgres/message_reader.h"

namespace hoop::postgres {

/// The next message; its views die with the next call. stream and reader outlive the call. Fails as
/// FrameReader::next and Stream::read_some do, and with io when the peer has closed.
Task<Frame> receive(net::Stream& stream, FrameReader& reader, Direction direction);

}  // namespace hoop::postgres
