// SPDX-License-Identifier: Apache-2.0
// The program's side of an HTTP session. A connection says nothing before its first request, and
// each request is judged by itself: who may connect at all is the endpoint's to check, and Host and
// Origin the handler's.
#pragma once

#include "core/http/message.h"
#include "core/session/door.h"

namespace hoop::http_target {

class HttpDoor final : public session::Door {
 public:
  /// Reads and writes nothing.
  Task<session::Opening> open(net::Stream& downstream, Deadline deadline) override;
  /// Waits for a request, as long as that may take, and answers it 503.
  Task<void> refuse(net::Stream& downstream, const Error& error) override;
};

/// Waits for a request, as long as that may take, answers it with this, and asks for no other: a
/// client that has sent nothing yet waits for no answer, and would take it for another's.
Task<void> answer_first(net::Stream& downstream, http::Response answer);

}  // namespace hoop::http_target
