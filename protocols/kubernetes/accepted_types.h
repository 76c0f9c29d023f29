// SPDX-License-Identifier: Apache-2.0
// What a program asks to be answered in, put into words that leave JSON as the only answer.
#pragma once

#include <string>

#include "core/http/message.h"

namespace hoop::kubernetes {

/// The value of Accept (RFC 9110 §12.5.1) for the API server. Each media range of the program's
/// becomes application/json, in its order and with its weight; of parameters stay "as", "g" and "v"
/// of Tables, of metadata alone and of discovery, which are JSON of another shape. What the server
/// cannot answer in JSON it refuses itself.
std::string accepted_types(const http::Headers& sent);

}  // namespace hoop::kubernetes
