// SPDX-License-Identifier: Apache-2.0
// What a text stands behind can tell that it is a secret: its member's name, its column's, or the
// access key that it belongs to.
#pragma once

#include <string_view>

namespace hoop::mask {

/// Whether a detector might find in what is given to the name something that it does not find
/// without: "apiKey", "aws_secret", an access key id. Says yes too often, never no.
bool may_name_secret(std::string_view name);

/// The text is an access key id and nothing else: the secret key may be the text after it.
bool is_access_key_id(std::string_view text);

}  // namespace hoop::mask
