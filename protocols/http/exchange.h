// SPDX-License-Identifier: Apache-2.0
// One request on its way: what the files that make up Connection hand each other.
#pragma once

#include <memory>
#include <optional>

#include "core/crypto/digest.h"
#include "core/http/field_syntax.h"
#include "protocols/http/connection.h"

namespace hoop::http_target {

struct Connection::Exchange {
  http::Request head;
  std::unique_ptr<RequestReading> reading;
  http::Framing declared;
  Bytes body;  // held, as far as it was read before the decision
  bool is_body_whole = false;
  bool is_body_read = false;  // by reading
  access::Action action = {};
  std::optional<session::Admitted> admitted = std::nullopt;

  bool is_recorded = false;  // that it is refused
  bool carried_mask = false;
  // Of what streams, for the record.
  std::uint64_t streamed = 0;
  crypto::Sha256 digest = {};
  bool is_discarded = false;  // nobody wants the rest of the body
  bool is_sent = false;       // all of it
  bool was_retried = false;
};

}  // namespace hoop::http_target
