// SPDX-License-Identifier: Apache-2.0
// Leads links of a page that name the target's origin to the endpoint.
#pragma once

#include <string>

#include "core/base/bytes.h"

namespace hoop::http_target {

/// One body in pieces. Only where the origin ends in what is found: "https://api.example" stands in
/// "https://api.example.org" as well.
class OriginRewriter {
 public:
  OriginRewriter(std::string from, std::string to) : from_(std::move(from)), to_(std::move(to)) {}
  void take(ByteSpan piece, Bytes& out);
  void finish(Bytes& out);

 private:
  void pass(bool is_end, Bytes& out);
  std::string from_, to_;
  std::string held_;
};

}  // namespace hoop::http_target
