// SPDX-License-Identifier: Apache-2.0
// What the body of a request says, for rules that ask.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"

namespace hoop::http_target {

enum class BodyKind { none, json, form, opaque };
std::string_view to_string(BodyKind kind);

struct BodyFacts {
  BodyKind kind = BodyKind::none;
  /// "customer.address.city=Berlin", "items[].sku=A1": of every value that is no object and no
  /// array; one that is an empty one as "items=[]" or "customer={}". null, true and numbers as they
  /// stand there.
  std::vector<std::string> fields;
};

/// What a server may read from it, whatever its type says: JSON where it is JSON, a form where it
/// is said to be one, both where it is both (a form then), and opaque in any other case or in a
/// character set that is not like ASCII. Fails with malformed for JSON in which a name stands twice
/// in one object, or that nests deeper than 64, has more than 10,000 values or would be longer than
/// 4 MiB as fields: servers differ in what they would take from it.
Result<BodyFacts> read_request_body(std::string_view content_type, std::string_view body);

}  // namespace hoop::http_target
