// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/object_name.h"

#include "protocols/kubernetes/json_document.h"

namespace hoop::kubernetes {

std::optional<std::string> name_in_body(std::string_view json) {
  const auto document = parse_json(json);
  const JsonValue* metadata = document ? document->member("metadata") : nullptr;
  const std::string* name = metadata != nullptr ? metadata->text_of("name") : nullptr;
  if (name == nullptr || name->empty()) return std::nullopt;
  return *name;
}

}  // namespace hoop::kubernetes
