// SPDX-License-Identifier: Apache-2.0
// One request and its response over a stream that is connected already.
#pragma once

#include "core/http/message_writer.h"

namespace hoop::http {

struct Exchange {
  Response response;
  /// The connection may carry another request.
  bool reusable = false;
  /// After 101: the first bytes of the other protocol.
  Bytes early;
};

struct ExchangeFailure {
  Error error;
  /// The peer had closed the connection before it answered a byte: another connection may do
  /// better.
  bool was_stale = false;
};

/// head and body must outlive the answer. Fails as Stream does, or with malformed, too_large.
asio::awaitable<std::expected<Exchange, ExchangeFailure>> exchange(net::Stream& stream,
                                                                   std::string method,
                                                                   std::string_view head,
                                                                   std::string_view body,
                                                                   std::uint64_t max_body);

}  // namespace hoop::http
