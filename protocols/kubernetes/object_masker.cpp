// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/object_masker.h"

namespace hoop::kubernetes {

ObjectScope expected_objects(const RequestInfo& info) {
  ObjectScope out;
  out.space = info.space;
  const bool is_core = info.is_resource && info.group.empty() && info.subresource.empty();
  if (is_core && info.resource == "secrets") out.kind = ObjectKind::secret;
  if (is_core && info.resource == "configmaps") out.kind = ObjectKind::config_map;
  return out;
}

Result<std::string> ObjectMasker::mask(std::string_view json) {
  HOOP_TRY(JsonValue document, parse_json(json));
  mask::HiddenCounts hidden;
  ObjectWalk walk(masker_, rules_, hidden);
  HOOP_TRY(const bool is_changed, walk.run(document, expected_));
  hidden_.add(hidden);
  rows_ += walk.rows();
  secrets_ = walk.take_secrets();
  return is_changed ? write_json(document) : std::string(json);
}

}  // namespace hoop::kubernetes
